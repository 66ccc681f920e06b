// Package retention deletes rows of a database at the end of their retention.
package retention

import (
	"context"
	"time"
)

const (
	// pauseFactor and minPause are the pause after a deletion: a multiple of its duration, so that
	// a tenth of the time is for deletion.
	pauseFactor, minPause = 9, 10 * time.Millisecond
	// interval is how often the database is queried for rows that have become old enough.
	interval = time.Minute
)

// A Loop deletes rows at the end of their retention, in small transactions, while it runs.
type Loop struct {
	// Delete deletes rows from before a time in one transaction, and returns their number: less
	// than limit only if no more are old enough.
	Delete func(ctx context.Context, before time.Time, limit int) (int, error)
	Limit  int           // about the number of rows of one transaction; at least 1
	Keep   time.Duration // the retention; above 0

	OnDelete func(rows int) // is called after each deletion
	// LogDeleted logs how many rows were deleted since the last call, when no more are old enough
	// and when the loop ends. It is not called for 0.
	LogDeleted func(rows int)
	LogError   func(error) // logs that a deletion failed
	Now        func() time.Time

	deleted int // since the last call of LogDeleted
}

// Run runs until ctx ends.
func (l *Loop) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			timer.Reset(l.deleteNext(ctx))
		case <-ctx.Done():
			l.logDeleted()
			return nil
		}
	}
}

// deleteNext deletes about Limit rows, or all that are old enough, and returns the wait until the next
// deletion.
func (l *Loop) deleteNext(ctx context.Context) time.Duration {
	begin := time.Now()
	n, err := l.Delete(ctx, l.Now().Add(-l.Keep), l.Limit)
	if err != nil {
		if ctx.Err() == nil {
			l.LogError(err)
		}
		return interval
	}
	if n > 0 {
		l.deleted += n
		l.OnDelete(n)
	}
	if n < l.Limit {
		l.logDeleted()
		return interval
	}
	return max(pauseFactor*time.Since(begin), minPause)
}

func (l *Loop) logDeleted() {
	if l.deleted > 0 {
		l.LogDeleted(l.deleted)
	}
	l.deleted = 0
}
