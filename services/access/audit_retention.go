package access

import (
	"context"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/kit/retention"
)

// deleteEntries is how many entries are deleted in one transaction, and at most a batch more. It
// may block requests that record some for a few milliseconds.
const deleteEntries = 500

// An AuditRetention deletes entries of the audit log at the end of their retention, in small
// transactions, while it runs.
type AuditRetention struct {
	Entries   AuditLog
	Retention time.Duration     // above 0
	OnDelete  func(entries int) // is called after each deletion
	Now       func() time.Time
	Log       *slog.Logger
}

// Run runs until ctx ends.
func (r *AuditRetention) Run(ctx context.Context) error {
	l := retention.Loop{
		Delete: retention.After(r.Retention, deleteEntries, r.Entries.DeleteEntries), OnDelete: r.OnDelete, Now: r.Now,
		LogDeleted: func(n int) { r.Log.Info("deleted audit entries", "entries", n) },
		LogError:   func(err error) { r.Log.Error("deleting audit entries failed", "error", err) },
	}
	return l.Run(ctx)
}
