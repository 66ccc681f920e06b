package inbox

import (
	"context"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/kit/retention"
)

// deleteItems is how many items are deleted in one transaction.
const deleteItems = 500

// A Retention deletes items at the end of their retention, in small transactions, while it runs.
type Retention struct {
	Items     Store
	Retention time.Duration   // above 0
	OnDelete  func(items int) // is called after each deletion
	Now       func() time.Time
	Log       *slog.Logger
}

// Run runs until ctx ends.
func (r *Retention) Run(ctx context.Context) error {
	l := retention.Loop{
		Delete: retention.After(r.Retention, deleteItems, r.Items.DeleteItems), OnDelete: r.OnDelete, Now: r.Now,
		LogDeleted: func(n int) { r.Log.Info("deleted inbox items", "items", n) },
		LogError:   func(err error) { r.Log.Error("deleting inbox items failed", "error", err) },
	}
	return l.Run(ctx)
}
