package incident

import (
	"context"
	"log/slog"
	"time"
)

const (
	// deleteLimit is how many incidents are deleted in one transaction.
	deleteLimit = 500
	// deletePauseFactor and minDeletePause are the pause after a deletion: a multiple of its
	// duration, so that a tenth of the time is for deletion.
	deletePauseFactor, minDeletePause = 9, 10 * time.Millisecond
	// deleteInterval is how often the store is queried for incidents that have become old enough.
	deleteInterval = time.Minute
)

// A Retention deletes incidents at the end of their retention, in small transactions, while it
// runs.
type Retention struct {
	Incidents Store
	Retention time.Duration       // above 0
	OnDelete  func(incidents int) // is called after each deletion
	Now       func() time.Time
	Log       *slog.Logger

	deleted int // since the last log message
}

// Run runs until ctx ends.
func (r *Retention) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			timer.Reset(r.deleteNext(ctx))
		case <-ctx.Done():
			r.logDeleted()
			return nil
		}
	}
}

// deleteNext deletes deleteLimit incidents, or all that are old enough, and returns the wait until the
// next deletion.
func (r *Retention) deleteNext(ctx context.Context) time.Duration {
	begin := time.Now()
	n, err := r.Incidents.DeleteIncidents(ctx, r.Now().Add(-r.Retention), deleteLimit)
	if err != nil {
		if ctx.Err() == nil {
			r.Log.Error("deleting incidents failed", "error", err)
		}
		return deleteInterval
	}
	if n > 0 {
		r.deleted += n
		r.OnDelete(n)
	}
	if n < deleteLimit {
		r.logDeleted()
		return deleteInterval
	}
	return max(deletePauseFactor*time.Since(begin), minDeletePause)
}

// logDeleted logs the deletions since the last log message.
func (r *Retention) logDeleted() {
	if r.deleted > 0 {
		r.Log.Info("deleted incidents", "incidents", r.deleted)
	}
	r.deleted = 0
}
