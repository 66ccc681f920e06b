package ledger

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A transaction that changes a completed delivery locks its alert after it, and one that
// deletes an alert locks the alert first: so the deliveries that are read here do not change. Two
// such transactions on the same alert may deadlock; the database then aborts one,
// which is retried.

// DeleteCompleted deletes rows of a tombstone if there is one, or else deletes alerts that
// completed before a time. It finds the rows by the index of deliveries by alert, in order.
func (s *Store) DeleteCompleted(ctx context.Context, after int64, before time.Time, limit int) (d alert.Deletion, err error) {
	if limit < 1 {
		return d, fault.Invalidf("limit must be at least 1")
	}
	var begin time.Time
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		begin = time.Now() // the write lock is acquired
		d = alert.Deletion{Last: after}
		if found, err := deleteTombstoneRows(ctx, t, micros(before), limit, &d); found || err != nil {
			return err
		}
		if err := deleteNext(ctx, t, micros(before), limit, &d); err != nil || d.More {
			return err
		}
		d.More, err = deleteLostChanges(ctx, t, limit)
		return err
	})
	if err == nil {
		d.Took = time.Since(begin)
	}
	return d, err
}

// An examinedDelivery is a delivery of an alert that may be deleted.
type examinedDelivery struct {
	id, alert int64
	attempts  int
	oldEnough bool   // it completed before the retention time
	thread    string // empty for none
}

// rows returns the number of rows that are deleted with a delivery.
func (d *examinedDelivery) rows() int {
	if d.thread != "" {
		return 2 + d.attempts
	}
	return 1 + d.attempts
}

// selectByAlert returns the deliveries of alerts, ordered by alert.
func selectByAlert(ctx context.Context, t *database.Tx, before, first, last int64, limit int) ([]examinedDelivery, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, d *examinedDelivery) error {
		return rows.Scan(&d.id, &d.alert, &d.attempts, &d.oldEnough, &d.thread)
	}, `SELECT id, alert_id, attempt_count, `+rowCompleted+` AND end_time < ?, thread FROM deliveries
		WHERE alert_id >= ? AND alert_id <= ? ORDER BY alert_id LIMIT ?`, before, first, last, limit)
}

// minAlertRows is the minimum number of rows of an alert that was sent: the alert, a delivery and
// an attempt.
const minAlertRows = 3

// deleteNext examines the next alerts that are old enough, and deletes the completed ones up to
// limit rows. An alert that exceeds limit alone becomes a tombstone.
func deleteNext(ctx context.Context, t *database.Tx, before int64, limit int, d *alert.Deletion) error {
	old, err := selectDeletable(ctx, t, before, d.Last, (limit+minAlertRows-1)/minAlertRows)
	if err != nil || len(old) == 0 {
		return err
	}
	d.More = true
	read, err := selectByAlert(ctx, t, before, old[0], old[len(old)-1], limit+1)
	if err != nil {
		return err
	}
	readUntil := old[len(old)-1] + 1 // the deliveries of all alerts below this id were read
	if len(read) > limit {
		readUntil = read[limit].alert
	}
	var alerts []int64
	var deliveries []examinedDelivery
	rows := 0
	for _, id := range old {
		mine := takeAlertRows(&read, id)
		completed, size := countRows(mine)
		if id >= readUntil || completed && rows+size > limit {
			if id == old[0] {
				return deleteLarge(ctx, t, id, before, d)
			}
			break
		}
		d.Last = id
		if !completed {
			continue
		}
		rows += size
		alerts = append(alerts, id)
		deliveries = append(deliveries, mine...)
	}
	d.Alerts = len(alerts)
	threads, err := deleteDeliveries(ctx, t, deliveries, d)
	if err != nil {
		return err
	}
	keys, err := deleteAlerts(ctx, t, alerts)
	if err != nil {
		return err
	}
	return deleteUnusedThreads(ctx, t, threads, keys, before)
}

// selectDeletable locks those of the next alerts that were created before a time, except those
// that another transaction has locked. Selecting and locking are two statements: for both in one,
// PostgreSQL would choose a plan that reads all alerts.
func selectDeletable(ctx context.Context, t *database.Tx, before, after int64, limit int) ([]int64, error) {
	next, err := database.Select(ctx, t, func(rows *sql.Rows, a *[2]int64) error { return rows.Scan(&a[0], &a[1]) },
		`SELECT id, create_time FROM alerts WHERE id > ? ORDER BY id LIMIT ?`, after, limit)
	if err != nil {
		return nil, err
	}
	var old, deletable []int64
	for _, a := range next {
		if a[1] < before {
			old = append(old, a[0])
		}
	}
	for some := range database.ChunkLists(t, old, maxStatementRows) {
		in, args := database.In(t, some)
		locked, err := selectNumbers(ctx, t, `SELECT id FROM alerts WHERE id `+in+` ORDER BY id`+skipLocked(t), args...)
		if err != nil {
			return nil, err
		}
		deletable = append(deletable, locked...)
	}
	return deletable, nil
}

// takeAlertRows removes the deliveries of an alert, and those of alerts before it, from the
// front of the rows that were read, and returns the former.
func takeAlertRows(read *[]examinedDelivery, alert int64) []examinedDelivery {
	all := *read
	for len(all) > 0 && all[0].alert < alert {
		all = all[1:]
	}
	n := 0
	for n < len(all) && all[n].alert == alert {
		n++
	}
	*read = all[n:]
	return all[:n]
}

// countRows reports whether an alert was completed before the retention time, and returns its
// number of rows.
func countRows(ds []examinedDelivery) (completed bool, rows int) {
	completed, rows = true, 1
	for _, d := range ds {
		completed = completed && d.oldEnough
		rows += d.rows()
	}
	return completed, rows
}

// deleteLarge deletes an alert of many rows if it is completed, and leaves a tombstone for
// them.
func deleteLarge(ctx context.Context, t *database.Tx, id, before int64, d *alert.Deletion) error {
	d.Last = id
	open, err := selectNumbers(ctx, t, `SELECT id FROM deliveries WHERE alert_id = ?
		AND (`+rowUncompleted+` OR end_time >= ?) LIMIT 1`, id, before)
	if err != nil || len(open) > 0 {
		return err
	}
	d.Alerts = 1
	keys, err := deleteAlerts(ctx, t, []int64{id})
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, `INSERT INTO remnants (id, alert_key) VALUES (?, ?)`, id, strings.Join(keys, ""))
	return err
}

// A tombstone is an alert that is deleted, of which rows are left.
type tombstone struct {
	alert int64
	key   string // the alert key of the alert; empty for none
}

// deleteTombstoneRows deletes some rows of a tombstone, and reports whether there is one.
func deleteTombstoneRows(ctx context.Context, t *database.Tx, before int64, limit int, d *alert.Deletion) (bool, error) {
	found, err := database.Select(ctx, t, func(rows *sql.Rows, r *tombstone) error { return rows.Scan(&r.alert, &r.key) },
		`SELECT id, alert_key FROM remnants ORDER BY id LIMIT 1`+skipLocked(t))
	if err != nil || len(found) == 0 {
		return false, err
	}
	d.More = true
	read, err := selectByAlert(ctx, t, 0, found[0].alert, found[0].alert, limit)
	if err != nil {
		return true, err
	}
	n, rows := 0, 0
	for _, d := range read {
		if rows += d.rows(); rows > limit && n > 0 {
			break
		}
		n++
	}
	threads, err := deleteDeliveries(ctx, t, read[:n], d)
	if err != nil {
		return true, err
	}
	if err := deleteUnusedThreads(ctx, t, threads, []string{found[0].key}, before); err != nil || n == limit || n < len(read) {
		return true, err
	}
	_, err = t.Exec(ctx, `DELETE FROM remnants WHERE id = ?`, found[0].alert)
	return true, err
}

// deleteDeliveries deletes deliveries with their attempts, and returns their threads.
func deleteDeliveries(ctx context.Context, t *database.Tx, all []examinedDelivery, d *alert.Deletion) (threads []string, err error) {
	ids := make([]int64, len(all))
	threads = make([]string, len(all))
	for i, d := range all {
		ids[i], threads[i] = d.id, d.thread
	}
	if d.Attempts, err = deleteIn(ctx, t, `attempts WHERE delivery_id`, ids); err != nil {
		return nil, err
	}
	d.Deliveries, err = deleteIn(ctx, t, `deliveries WHERE id`, ids)
	return threads, err
}

// deleteLostChanges deletes those of the first incident changes whose alerts were deleted before a
// follower read them, and reports whether there may be more.
func deleteLostChanges(ctx context.Context, t *database.Tx, limit int) (more bool, err error) {
	lost, err := selectNumbers(ctx, t, `SELECT id FROM (SELECT id, alert_id FROM incident_changes ORDER BY id LIMIT ?) AS first
		WHERE NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.id = alert_id) ORDER BY id`, limit)
	if err != nil {
		return false, err
	}
	n, err := deleteIn(ctx, t, `incident_changes WHERE id`, lost)
	return n == limit, err
}

// deleteIn deletes the rows whose column is among ids, and returns their number.
func deleteIn[T int64 | string](ctx context.Context, t *database.Tx, where string, ids []T) (n int, err error) {
	for some := range database.ChunkLists(t, ids, maxStatementRows) {
		in, args := database.In(t, some)
		deleted, err := t.Exec(ctx, `DELETE FROM `+where+` `+in, args...)
		if err != nil {
			return 0, err
		}
		n += deleted
	}
	return n, nil
}

// withoutDeleted returns those of deliveries, in order, whose alert is not deleted. In a
// transaction that writes, lock prevents the deletion of the alert until its end.
func withoutDeleted(ctx context.Context, t *database.Tx, ids []int64, lock string) ([]int64, error) {
	all := make([]int64, 0, len(ids))
	for some := range database.ChunkRows(t, ids, maxStatementRows) {
		in, args := database.In(t, some)
		found, err := selectNumbers(ctx, t, `SELECT deliveries.id FROM deliveries JOIN alerts ON alerts.id = deliveries.alert_id
			WHERE deliveries.id `+in+` ORDER BY deliveries.id`+lock, args...)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}
