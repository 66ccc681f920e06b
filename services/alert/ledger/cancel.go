package ledger

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

const (
	// reasonCanceled is the reason of deliveries whose alert was canceled.
	reasonCanceled = "canceled"
	// maxCanceled is the maximum number of deliveries that one call of CancelSelected cancels.
	maxCanceled = 100_000
)

// Cancel cancels the queued deliveries of an alert, and marks the claimed ones and those that a
// receipt must not resume.
func (s *Store) Cancel(ctx context.Context, id int64, now time.Time) (n int, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err := selectNumbers(ctx, t, `SELECT id FROM alerts WHERE id = ?`, id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errNoAlert(id)
		}
		rows, err := selectCancelable(ctx, t, `alert_id = ? AND (`+rowOpen+` OR `+rowCanceled+`) ORDER BY id`+forUpdate(t), id)
		if err != nil {
			return err
		}
		n, err = cancelRows(ctx, t, rows, micros(now))
		return err
	})
	return n, err
}

// CancelSelected cancels the selected queued deliveries, and marks the selected claimed ones, and
// those of the same alerts that a receipt must not resume.
func (s *Store) CancelSelected(ctx context.Context, selection alert.CancelSelection, now time.Time, dry bool) (n int, alertIDs []int64, err error) {
	if !isStorable(selection.Messenger) || !isStorableFilter(selection.Alerts) || selection == (alert.CancelSelection{}) {
		return 0, nil, nil // no stored delivery can match
	}
	run := s.db.Write
	if dry {
		run = s.db.Read
	}
	err = run(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, err := selectSelected(ctx, t, selection, !dry)
		if err != nil {
			return err
		}
		n, alertIDs = 0, alertIDsOf(rows)
		for _, r := range rows {
			if r.state == alert.Queued {
				n++
			}
		}
		if dry {
			return nil
		}
		n, err = cancelRows(ctx, t, rows, micros(now))
		return err
	})
	return n, alertIDs, err
}

// A cancelableRow is a delivery that is not completed, or was canceled and may be resumed.
type cancelableRow struct {
	threadRow
	alertID int64
}

// alertIDsOf returns the ids of the alerts of rows, each once.
func alertIDsOf(rows []cancelableRow) []int64 {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.alertID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// selectCancelable returns the deliveries that match a condition.
func selectCancelable(ctx context.Context, t *database.Tx, condition string, args ...any) ([]cancelableRow, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, d *cancelableRow) error {
		return rows.Scan(&d.id, &d.alertID, &d.state, &d.thread, &d.callback)
	}, `SELECT id, alert_id, state, thread, callback FROM deliveries WHERE `+condition, args...)
}

// selectSelected returns up to maxCanceled uncompleted deliveries that s selects, the oldest
// first, and with lock locks them.
func selectSelected(ctx context.Context, t *database.Tx, s alert.CancelSelection, lock bool) ([]cancelableRow, error) {
	condition, args := rowOpen, []any(nil)
	if s.AlertID != 0 {
		condition += ` AND alert_id = ?`
		args = append(args, s.AlertID)
	} else {
		condition = isOpenByIndex
	}
	if s.Messenger != "" {
		condition += ` AND messenger = ?`
		args = append(args, s.Messenger)
	}
	of, ofArgs := alertFilterCondition(t, s.Alerts)
	condition += of + ` ORDER BY id LIMIT ?`
	if lock {
		condition += forUpdate(t)
	}
	return selectCancelable(ctx, t, condition, slices.Concat(args, ofArgs, []any{maxCanceled})...)
}

// isOpenByIndex is the condition for uncompleted deliveries that repeats those of the partial
// indexes by state.
const isOpenByIndex = `(` + isQueued + ` OR ` + isClaimed + `)`

// cancelRows cancels queued deliveries and returns their number. It marks claimed ones, which are
// not retried, and those that were not needed, which a receipt must not resume. The rows are
// locked, in the order of their ids.
func cancelRows(ctx context.Context, t *database.Tx, rows []cancelableRow, now int64) (n int, err error) {
	open, threads := make([]threadRow, 0, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		threads[i] = r.thread
		if !r.state.IsFinal() {
			open = append(open, r.threadRow)
		}
	}
	for some := range database.ChunkRows(t, rows, maxStatementRows) {
		ids := make([]int64, len(some))
		for i, r := range some {
			ids[i] = r.id
		}
		in, args := database.In(t, ids)
		canceled, err := t.Exec(ctx, `UPDATE deliveries SET state = `+sqlCanceled+`, reason = ?, end_time = ? WHERE id `+in+` AND `+rowQueued,
			append([]any{reasonCanceled, now}, args...)...)
		if err != nil {
			return 0, err
		}
		n += canceled
	}
	for some := range database.ChunkRows(t, alertIDsOf(rows), maxStatementRows) {
		in, args := database.In(t, some)
		if _, err := t.Exec(ctx, `UPDATE deliveries SET canceled = true WHERE alert_id `+in+`
			AND `+rowCanceled+` AND reason = '`+alert.NotNeeded+`'`, args...); err != nil {
			return 0, err
		}
	}
	if err := markClaimed(ctx, t, open); err != nil {
		return 0, err
	}
	if err := reportEnds(ctx, t, reportedOf(open), now); err != nil {
		return 0, err
	}
	return n, settleThreads(ctx, t, threads, nil, now)
}

// markClaimed marks the claimed ones of rows as canceled.
func markClaimed(ctx context.Context, t *database.Tx, rows []threadRow) error {
	for some := range database.ChunkRows(t, rows, maxStatementRows) {
		in, args := database.In(t, rowIDs(some))
		if _, err := t.Exec(ctx, `UPDATE deliveries SET canceled = true WHERE id `+in+` AND `+rowClaimed, args...); err != nil {
			return err
		}
	}
	return nil
}

// selectNumbers returns the rows of a query with a single numeric column.
func selectNumbers(ctx context.Context, t *database.Tx, text string, args ...any) ([]int64, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, n *int64) error { return rows.Scan(n) }, text, args...)
}
