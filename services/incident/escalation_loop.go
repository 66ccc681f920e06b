package incident

import (
	"context"
	"log/slog"
	"time"
)

const (
	// escalationInterval is the maximum time between two queries for due escalations: they may
	// begin in another process.
	escalationInterval = 5 * time.Second
	// escalationBatch is the maximum number of steps that are taken in one transaction.
	escalationBatch = 100
)

// An EscalationLoop takes the steps of escalations when they are due. Their times are stored, so
// that a process that ends delays none by more than escalationInterval in another one, or until
// it starts again.
type EscalationLoop struct {
	escalations Escalations
	notify      func()
	now         func() time.Time
	log         *slog.Logger

	begun chan struct{} // buffers one call of Begun
}

// NewEscalationLoop returns a loop that calls notify after it took steps. notify must not block.
func NewEscalationLoop(escalations Escalations, notify func(), now func() time.Time, log *slog.Logger) *EscalationLoop {
	return &EscalationLoop{escalations: escalations, notify: notify, now: now, log: log, begun: make(chan struct{}, 1)}
}

// Begun wakes the loop because escalations may have begun in this process, whose first steps may be
// due at once. It does not block.
func (l *EscalationLoop) Begun() {
	select {
	case l.begun <- struct{}{}:
	default:
	}
}

// Run takes due steps until ctx ends.
func (l *EscalationLoop) Run(ctx context.Context) error {
	for {
		wait := l.step(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-l.begun:
		case <-time.After(wait):
		}
	}
}

// step takes the steps that are due, and returns the time to wait for the next ones.
func (l *EscalationLoop) step(ctx context.Context) time.Duration {
	now := l.now()
	taken, next, err := l.escalations.TakeEscalations(ctx, now, escalationBatch)
	if err != nil {
		if ctx.Err() == nil {
			l.log.ErrorContext(ctx, "taking escalation steps failed", "error", err)
		}
		return escalationInterval
	}
	if taken > 0 {
		l.notify()
	}
	if taken == escalationBatch {
		return 0
	}
	if next.IsZero() {
		return escalationInterval
	}
	return min(max(next.Sub(now), 0), escalationInterval)
}
