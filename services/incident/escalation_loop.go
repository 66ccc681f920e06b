package incident

import (
	"context"
	"log/slog"
	"time"
)

const (
	// escalationInterval is the maximum time between two looks for due escalations: they may
	// begin in another process.
	escalationInterval = 5 * time.Second
	// escalationBatch is the maximum number of steps that are taken in one transaction.
	escalationBatch = 100
)

// An EscalationLoop takes the steps of escalations when they are due. Their times are stored, so
// that a process that ends delays none by more than escalationInterval in another one, or until
// it starts again.
type EscalationLoop struct {
	Escalations Escalations
	// Notify is called after steps were taken. It must not block.
	Notify func()
	Now    func() time.Time
	Log    *slog.Logger
}

// Run takes due steps until ctx ends.
func (l *EscalationLoop) Run(ctx context.Context) error {
	for {
		wait := l.step(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// step takes the steps that are due, and returns the time to wait for the next ones.
func (l *EscalationLoop) step(ctx context.Context) time.Duration {
	now := l.Now()
	taken, next, err := l.Escalations.TakeEscalations(ctx, now, escalationBatch)
	if err != nil {
		if ctx.Err() == nil {
			l.Log.ErrorContext(ctx, "taking escalation steps failed", "error", err)
		}
		return escalationInterval
	}
	if taken > 0 {
		l.Notify()
	}
	if taken == escalationBatch {
		return 0
	}
	if next.IsZero() {
		return escalationInterval
	}
	return min(max(next.Sub(now), 0), escalationInterval)
}
