package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A waiting delivery is due.
type waiting struct {
	job.Delivery
	alert     int64
	messenger string
	rank      job.Rank
}

// Due answers with jobs for what waits past its time, but for what has expired,
// which no sender would be granted. Several processes may ask
// at once, and find each delivery once between them.
func (s *Store) Due(ctx context.Context, now, retry time.Time, limit, size int) (jobs []job.Job, err error) {
	if limit < 1 || size < 1 || !retry.After(now) {
		return nil, fmt.Errorf("limit and size must be at least 1, and retry after now: %w", fault.ErrInvalid)
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		due, err := selectDue(ctx, t, micros(now), limit)
		if err != nil || len(due) == 0 {
			jobs = nil
			return err
		}
		if err := postpone(ctx, t, due, micros(retry)); err != nil {
			return err
		}
		alerts, err := selectAlerts(ctx, t, due)
		jobs = toJobs(due, alerts, size)
		return err
	})
	return jobs, err
}

// selectDue finds what is due, rank by rank, by the index of what is due.
func selectDue(ctx context.Context, t *database.Tx, now int64, limit int) ([]waiting, error) {
	var due []waiting
	for _, rank := range job.Ranks {
		some, err := database.Select(ctx, t, func(rows *sql.Rows, w *waiting) error {
			w.rank = rank
			return rows.Scan(&w.ID, &w.alert, &w.messenger, &w.Destination, &w.SealedCredential, &w.CredentialKey, &w.Slots)
		}, `SELECT id, alert_id, messenger, destination, credential, credential_key, slots FROM deliveries
			WHERE state = 1 AND rank = ? AND next_time <= ? AND expire_time > ? ORDER BY next_time, id LIMIT ?`+skipLocked(t),
			int(rank), now, now, limit-len(due))
		if err != nil {
			return nil, err
		}
		if due = append(due, some...); len(due) == limit {
			break
		}
	}
	return due, nil
}

// postpone lets deliveries wait in the queue until retry. None is held any more.
func postpone(ctx context.Context, t *database.Tx, due []waiting, retry int64) error {
	for some := range database.Chunks(due, chunk) {
		args := []any{retry}
		for _, w := range some {
			args = append(args, w.ID)
		}
		if _, err := t.Exec(ctx, `UPDATE deliveries SET next_time = ?, deferred = false, held = false WHERE id IN (`+database.List("?", len(some))+`)`, args...); err != nil {
			return err
		}
	}
	return nil
}

// selectAlerts answers with what is to be sent of alerts, by alert.
func selectAlerts(ctx context.Context, t *database.Tx, due []waiting) (map[int64]alert.Alert, error) {
	found := map[int64]alert.Alert{}
	for _, w := range due {
		found[w.alert] = alert.Alert{}
	}
	for some := range database.Chunks(slices.Collect(maps.Keys(found)), chunk) {
		alerts, err := database.Select(ctx, t, func(rows *sql.Rows, a *alert.Alert) error {
			var create int64
			var more string
			if err := rows.Scan(&a.ID, &a.Severity, &a.Message, &create, &more); err != nil {
				return err
			}
			a.CreateTime = timeOf(create)
			return readMore(more, a)
		}, `SELECT id, severity, message, create_time, more FROM alerts WHERE id IN (`+database.List("?", len(some))+`)`, anys(some)...)
		if err != nil {
			return nil, err
		}
		for _, a := range alerts {
			found[a.ID] = a
		}
	}
	return found, nil
}

// toJobs puts deliveries of one alert by one messenger together, in the order in
// which they came.
func toJobs(due []waiting, alerts map[int64]alert.Alert, size int) []job.Job {
	type kind struct {
		alert     int64
		messenger string
	}
	var jobs []job.Job
	open := map[kind]int{} // the job that takes more
	for _, w := range due {
		k := kind{w.alert, w.messenger}
		i, is := open[k]
		if !is || len(jobs[i].Deliveries) == size {
			i = len(jobs)
			open[k] = i
			jobs = append(jobs, job.Job{AlertID: w.alert, Messenger: w.messenger, Rank: w.rank, Content: alerts[w.alert].Content(w.messenger)})
		}
		jobs[i].Deliveries = append(jobs[i].Deliveries, w.Delivery)
	}
	return jobs
}

// Wake makes what waits in the queue, until a time or before it, due at now. What
// was due before stays in front, and is not written again: while the queue is away,
// Wake is called often.
func (s *Store) Wake(ctx context.Context, now, until time.Time) (n int, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		due, err := selectNumbers(ctx, t, `SELECT count(*) FROM deliveries WHERE state = 1 AND NOT deferred AND next_time <= ?`, micros(now))
		if err != nil {
			return err
		}
		woken, err := t.Exec(ctx, `UPDATE deliveries SET next_time = ? WHERE id IN (
			SELECT id FROM deliveries WHERE state = 1 AND NOT deferred AND next_time > ? AND next_time <= ? ORDER BY id`+forUpdate(t)+`)`,
			micros(now), micros(now), micros(until))
		n = int(due[0]) + woken
		return err
	})
	return n, err
}
