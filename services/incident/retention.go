package incident

import (
	"context"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/kit/retention"
)

// deleteLimit is how many incidents are deleted in one transaction.
const deleteLimit = 500

// A Retention deletes incidents at the end of their retention, in small transactions, while it
// runs.
type Retention struct {
	Incidents Store
	Retention time.Duration       // above 0
	OnDelete  func(incidents int) // is called after each deletion
	Now       func() time.Time
	Log       *slog.Logger
}

// Run runs until ctx ends.
func (r *Retention) Run(ctx context.Context) error {
	l := retention.Loop{
		Delete: retention.After(r.Retention, deleteLimit, r.Incidents.DeleteIncidents), OnDelete: r.OnDelete, Now: r.Now,
		LogDeleted: func(n int) { r.Log.Info("deleted incidents", "incidents", n) },
		LogError:   func(err error) { r.Log.Error("deleting incidents failed", "error", err) },
	}
	return l.Run(ctx)
}
