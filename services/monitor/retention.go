package monitor

import (
	"context"
	"log/slog"
	"time"
)

const (
	// retentionLimit is how many monitors are summed up, and rows of a table deleted, in one
	// transaction.
	retentionLimit = 500
	// retentionPauseFactor and minRetentionPause are the pause after a transaction: a multiple of its
	// duration, so that a tenth of the time is for retention.
	retentionPauseFactor, minRetentionPause = 9, 10 * time.Millisecond
	// retentionInterval is how often the store is queried for rows that have become old enough.
	retentionInterval = time.Minute
	// sumUpDelay is the time after the end of an hour from which it is summed up: results of checks that
	// began in it come until then.
	sumUpDelay = 2 * time.Minute
)

// A RetentionLoop sums up results by the hour, and deletes rows at the end of their retention, in
// small transactions, while it runs.
type RetentionLoop struct {
	Store           Retention
	Results, Uptime time.Duration  // how long results and hours are kept; 0 is forever
	OnDelete        func(rows int) // is called after each deletion
	Now             func() time.Time
	Log             *slog.Logger

	deleted int // since the last log message
}

// Run runs until ctx ends.
func (r *RetentionLoop) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			timer.Reset(r.next(ctx))
		case <-ctx.Done():
			r.logDeleted()
			return nil
		}
	}
}

// next sums up and deletes once, and returns the wait until the next time.
func (r *RetentionLoop) next(ctx context.Context) time.Duration {
	begin := time.Now()
	more, err := r.Store.SumUp(ctx, r.Now().Add(-sumUpDelay), retentionLimit)
	if err != nil {
		return r.failed(ctx, "sum up", err)
	}
	n, err := r.Store.DeleteOld(ctx, r.before(r.Results), r.before(r.Uptime), retentionLimit)
	if n > 0 {
		r.deleted += n
		r.OnDelete(n)
	}
	if err != nil {
		return r.failed(ctx, "delete", err)
	}
	if n == 0 && !more {
		r.logDeleted()
		return retentionInterval
	}
	return max(retentionPauseFactor*time.Since(begin), minRetentionPause)
}

// failed logs an error, and returns the wait until the next try.
func (r *RetentionLoop) failed(ctx context.Context, op string, err error) time.Duration {
	if ctx.Err() == nil {
		r.Log.Error("retention of results failed", "op", op, "error", err)
	}
	return retentionInterval
}

// before returns the time before which rows with a retention are deleted; zero for never.
func (r *RetentionLoop) before(keep time.Duration) time.Time {
	if keep == 0 {
		return time.Time{}
	}
	return r.Now().Add(-keep)
}

// logDeleted logs the deletions since the last log message.
func (r *RetentionLoop) logDeleted() {
	if r.deleted > 0 {
		r.Log.Info("deleted results", "rows", r.deleted)
	}
	r.deleted = 0
}
