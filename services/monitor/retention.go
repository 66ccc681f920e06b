package monitor

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/kit/retention"
)

const (
	// retentionLimit is how many monitors are summed up, and rows of a table deleted, in one
	// transaction.
	retentionLimit = 500
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
}

// Run runs until ctx ends.
func (r *RetentionLoop) Run(ctx context.Context) error {
	l := retention.Loop{
		Delete: r.delete, OnDelete: r.OnDelete, Now: r.Now,
		LogDeleted: func(n int) { r.Log.Info("deleted results", "rows", n) },
		LogError:   func(err error) { r.Log.Error("retention of results failed", "error", err) },
	}
	return l.Run(ctx)
}

// delete sums up and deletes once, as retention.Delete does.
func (r *RetentionLoop) delete(ctx context.Context, now time.Time) (n int, more bool, err error) {
	if more, err = r.Store.SumUp(ctx, now.Add(-sumUpDelay), retentionLimit); err != nil {
		return 0, false, fmt.Errorf("sum up results: %w", err)
	}
	if n, err = r.Store.DeleteOld(ctx, before(now, r.Results), before(now, r.Uptime), retentionLimit); err != nil {
		return n, false, fmt.Errorf("delete results: %w", err)
	}
	return n, more || n > 0, nil
}

// before returns the time before which rows with a retention are deleted; zero for never.
func before(now time.Time, keep time.Duration) time.Time {
	if keep == 0 {
		return time.Time{}
	}
	return now.Add(-keep)
}
