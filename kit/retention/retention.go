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

// A Delete deletes rows that are old enough at a time, in a short transaction, and returns their
// number, also beside an error, and whether there may be more.
type Delete func(ctx context.Context, now time.Time) (rows int, more bool, err error)

// After returns a Delete of rows that are older than keep, which is above 0. del must delete rows from
// before a time in one transaction, and return their number: less than limit, which is at least 1, only
// if no more are old enough.
func After(keep time.Duration, limit int, del func(ctx context.Context, before time.Time, limit int) (int, error)) Delete {
	return func(ctx context.Context, now time.Time) (int, bool, error) {
		n, err := del(ctx, now.Add(-keep), limit)
		if err != nil {
			return 0, false, err
		}
		return n, n >= limit, nil
	}
}

// A Loop deletes rows at the end of their retention, in small transactions, while it runs.
type Loop struct {
	Delete Delete

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

// deleteNext deletes rows once, and returns the wait until the next deletion.
func (l *Loop) deleteNext(ctx context.Context) time.Duration {
	begin := time.Now()
	n, more, err := l.Delete(ctx, l.Now())
	if n > 0 {
		l.deleted += n
		l.OnDelete(n)
	}
	if err != nil {
		if ctx.Err() == nil {
			l.LogError(err)
		}
		return interval
	}
	if !more {
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
