package access

import (
	"context"
	"log/slog"
	"time"
)

const (
	// deleteEntries is how many entries are deleted in one transaction, and at most a batch more. It
	// may block requests that record some for a few milliseconds.
	deleteEntries = 500
	// deletePauseFactor and minDeletePause are the pause after a deletion: a multiple of its
	// duration, so that a tenth of the time is for deletion.
	deletePauseFactor, minDeletePause = 9, 10 * time.Millisecond
	// deleteInterval is how often the audit log is queried for entries that have become old
	// enough.
	deleteInterval = time.Minute
)

// An AuditRetention deletes entries of the audit log at the end of their retention, in small
// transactions, while it runs.
type AuditRetention struct {
	Entries   AuditLog
	Retention time.Duration
	OnDelete  func(entries int) // is called after each deletion
	Now       func() time.Time
	Log       *slog.Logger

	deleted int // since the last log message
}

// Run runs until ctx ends.
func (r *AuditRetention) Run(ctx context.Context) error {
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

// deleteNext deletes deleteEntries entries, or all that are old enough, and returns the wait until the next
// deletion.
func (r *AuditRetention) deleteNext(ctx context.Context) time.Duration {
	begin := time.Now()
	n, err := r.Entries.DeleteEntries(ctx, r.Now().Add(-r.Retention), deleteEntries)
	if err != nil {
		if ctx.Err() == nil {
			r.Log.Error("deleting audit entries failed", "error", err)
		}
		return deleteInterval
	}
	if n > 0 {
		r.deleted += n
		r.OnDelete(n)
	}
	if n < deleteEntries {
		r.logDeleted()
		return deleteInterval
	}
	return max(deletePauseFactor*time.Since(begin), minDeletePause)
}

// logDeleted logs the deletions since the last log message.
func (r *AuditRetention) logDeleted() {
	if r.deleted > 0 {
		r.Log.Info("deleted audit entries", "entries", r.deleted)
	}
	r.deleted = 0
}
