package ledger

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A dueDelivery is a due delivery.
type dueDelivery struct {
	job.Delivery
	alert     int64
	messenger string
	rank      job.Rank
	next      int64
	thread    string // empty without an alert key
}

// TakeDue returns jobs for the due deliveries, without those that are expired or will be by then,
// which no sender could claim. Several processes may call it concurrently: each delivery is
// returned to one of them.
func (s *Store) TakeDue(ctx context.Context, now, retry time.Time, ahead time.Duration, limit, size int) (jobs []alert.DueJob, err error) {
	until := now.Add(ahead)
	if limit < 1 || size < 1 || ahead < 0 || !retry.After(until) {
		return nil, fault.Invalidf("limit and size must be at least 1, ahead must not be negative, and retry must be after now + ahead")
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		due, err := selectDue(ctx, t, micros(now), micros(until), limit)
		if err != nil || len(due) == 0 {
			jobs = nil
			return err
		}
		if err := setRedispatchTime(ctx, t, due, micros(retry)); err != nil {
			return err
		}
		alerts, err := selectAlerts(ctx, t, alertsOf(due))
		if err != nil {
			return err
		}
		due = s.withAlerts(ctx, due, alerts)
		if err := setPrevious(ctx, t, due, alerts); err != nil {
			return err
		}
		jobs = toJobs(due, alerts, micros(now), size)
		return nil
	})
	return jobs, err
}

// withAlerts returns the deliveries whose alerts were found, and logs the others: without its
// alert a delivery has no text to send.
func (s *Store) withAlerts(ctx context.Context, due []dueDelivery, alerts map[int64]alert.Alert) []dueDelivery {
	found := make([]dueDelivery, 0, len(due))
	var lost []int64
	for _, d := range due {
		if _, ok := alerts[d.alert]; ok {
			found = append(found, d)
		} else {
			lost = append(lost, d.ID)
		}
	}
	if len(lost) > 0 && s.Log != nil {
		s.Log.ErrorContext(ctx, "alert of due deliveries not found", "op", "take due", "deliveries", len(lost), "first", lost[0])
	}
	return found
}

// selectDue returns deliveries that are due until a time, rank by rank, by the index of due
// deliveries.
func selectDue(ctx context.Context, t *database.Tx, now, until int64, limit int) ([]dueDelivery, error) {
	var due []dueDelivery
	for _, rank := range job.Ranks {
		some, err := database.Select(ctx, t, func(rows *sql.Rows, d *dueDelivery) error {
			d.rank = rank
			return rows.Scan(&d.ID, &d.alert, &d.messenger, &d.Destination, &d.SealedCredential, &d.CredentialFingerprint, &d.Nickname, &d.Slots, &d.Chain, &d.next, &d.thread)
		}, `SELECT id, alert_id, messenger, destination, credential, credential_key, nickname, slots, chain, next_time, thread FROM deliveries
			WHERE `+isQueued+` AND rank = ? AND next_time <= ? AND expire_time > ? AND next_time < expire_time ORDER BY next_time, id LIMIT ?`+skipLocked(t),
			int(rank), until, now, limit-len(due))
		if err != nil {
			return nil, err
		}
		if due = append(due, some...); len(due) == limit {
			break
		}
	}
	return due, nil
}

// setRedispatchTime sets the redispatch time of deliveries that are enqueued. None stays held.
func setRedispatchTime(ctx context.Context, t *database.Tx, due []dueDelivery, retry int64) error {
	for some := range database.ChunkRows(t, due, maxStatementRows) {
		ids := make([]int64, len(some))
		for i, d := range some {
			ids[i] = d.ID
		}
		in, args := database.In(t, ids)
		if _, err := t.Exec(ctx, `UPDATE`+orRollback(t)+` deliveries SET next_time = ?, deferred = false, held = false WHERE id `+in, append([]any{retry}, args...)...); err != nil {
			return err
		}
	}
	return nil
}

// alertsOf returns the ids of the alerts of deliveries, each once.
func alertsOf(due []dueDelivery) []int64 {
	ids := make([]int64, len(due))
	for i, d := range due {
		ids[i] = d.alert
	}
	return inOrder(ids)
}

// setPrevious sets the references of the previous messages of deliveries. Without threads it runs
// no query.
func setPrevious(ctx context.Context, t *database.Tx, due []dueDelivery, alerts map[int64]alert.Alert) error {
	var names []string
	for _, d := range due {
		if d.thread != "" {
			names = append(names, d.thread)
		}
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	references := make(map[string]threadReference, len(names))
	for some := range database.ChunkRows(t, names, maxStatementRows) {
		in, args := database.In(t, some)
		found, err := database.Select(ctx, t, func(rows *sql.Rows, th *thread) error { return th.scan(rows) },
			`SELECT `+threadColumns+` FROM threads WHERE name `+in+` AND reference <> ''`, args...)
		if err != nil {
			return err
		}
		for _, th := range found {
			references[th.name] = th.reference
		}
	}
	for i := range due {
		d := &due[i]
		d.Previous = references[d.thread].previous(alerts[d.alert].Incident, d.Destination)
	}
	return nil
}

// selectAlerts returns the content of alerts by id, without those that do not exist.
func selectAlerts(ctx context.Context, t *database.Tx, ids []int64) (map[int64]alert.Alert, error) {
	found := make(map[int64]alert.Alert, len(ids))
	for some := range database.ChunkRows(t, ids, maxStatementRows) {
		in, args := database.In(t, some)
		alerts, err := database.Select(ctx, t, func(rows *sql.Rows, a *alert.Alert) error {
			var create int64
			var more string
			if err := rows.Scan(&a.ID, &a.Severity, &a.Message, &create, &more, &a.Trace); err != nil {
				return err
			}
			a.CreateTime = fromMicros(create)
			return decodeExtras(more, a)
		}, `SELECT id, severity, message, create_time, more, trace FROM alerts WHERE id `+in, args...)
		if err != nil {
			return nil, err
		}
		for _, a := range alerts {
			found[a.ID] = a
		}
	}
	return found, nil
}

// toJobs groups deliveries of one alert and messenger that are due at about the same time into
// jobs, in their order.
func toJobs(due []dueDelivery, alerts map[int64]alert.Alert, now int64, size int) []alert.DueJob {
	type kind struct {
		alert     int64
		messenger string
		grain     int64 // due time, in units of DueGranularity after now
	}
	var jobs []alert.DueJob
	open := map[kind]int{} // the job that is not full yet
	for _, d := range due {
		next := max(d.next, now)
		k := kind{d.alert, d.messenger, (next - now) / alert.DueGranularity.Microseconds()}
		i, ok := open[k]
		if !ok || len(jobs[i].Deliveries) == size {
			i = len(jobs)
			open[k] = i
			a := alerts[d.alert]
			jobs = append(jobs, alert.DueJob{Job: job.Job{AlertID: d.alert, Messenger: d.messenger, Rank: d.rank, Content: a.Content(d.messenger), Trace: a.Trace}})
		}
		jobs[i].Deliveries = append(jobs[i].Deliveries, d.Delivery)
		jobs[i].Time = fromMicros(next) // due is sorted by time
	}
	return jobs
}

// Reenqueue makes enqueued deliveries due at now if their redispatch time is not after until.
// Those that were due before stay in front and are not written again, because this is called
// often during an outage of the queue.
func (s *Store) Reenqueue(ctx context.Context, now, until time.Time) (n int, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		due, err := selectNumbers(ctx, t, `SELECT count(*) FROM deliveries WHERE `+isQueued+` AND NOT deferred AND next_time <= ?`, micros(now))
		if err != nil {
			return err
		}
		moved, err := t.Exec(ctx, `UPDATE deliveries SET next_time = ? WHERE id IN (
			SELECT id FROM deliveries WHERE `+isQueued+` AND NOT deferred AND next_time > ? AND next_time <= ? ORDER BY id`+forUpdate(t)+`)`,
			micros(now), micros(now), micros(until))
		n = int(due[0]) + moved
		return err
	})
	return n, err
}
