package monitor

import (
	"context"
	"log/slog"
	"time"
)

const (
	// lateLookInterval is the maximum time between two queries for late heartbeats: another process may
	// have created one, or one may be late sooner since a ping.
	lateLookInterval = time.Second
	// lateBatch is the maximum number of heartbeats that are taken in one transaction.
	lateBatch = 100
)

// A HeartbeatLoop finds heartbeats that are late. When they are is stored, so that a process that ends
// delays none by more than a second in another one, or until it starts again.
type HeartbeatLoop struct {
	Heartbeats Heartbeats
	Conditions *ConditionTracker // whoever runs the loop runs it too
	// Notify is called after notices were stored. It must not block.
	Notify func()
	Now    func() time.Time
	Log    *slog.Logger

	failing bool
}

// Run takes late heartbeats until ctx ends.
func (l *HeartbeatLoop) Run(ctx context.Context) error {
	var next time.Time
	for {
		var wait time.Duration
		next, wait = l.step(ctx, next)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// step takes the heartbeats that are late. due is when the next one was expected to be. It returns that
// for the next step, and the time until then.
func (l *HeartbeatLoop) step(ctx context.Context, due time.Time) (next time.Time, wait time.Duration) {
	now := l.Now()
	if !due.After(now) {
		if err := l.Conditions.loadHeartbeats(ctx); err != nil {
			return due, l.failed(ctx, err)
		}
	}
	notified := false
	taken, next, err := l.Heartbeats.TakeLate(ctx, now, lateBatch, func(m Monitor, r Result) (Status, []Notice) {
		status, notices := JudgeLate(m, r, l.Conditions.loaded(m, r.Time))
		notified = notified || len(notices) > 0
		return status, notices
	})
	if err != nil {
		return due, l.failed(ctx, err)
	}
	l.failing = false
	if notified {
		l.Notify()
	}
	switch {
	case taken == lateBatch:
		return now, 0
	case next.IsZero():
		return now.Add(lateLookInterval), lateLookInterval
	default:
		// It is late after the time, not at it.
		return next, min(max(next.Sub(now), 0)+time.Millisecond, lateLookInterval)
	}
}

// failed logs the first of several failures, and returns the time until the next step.
func (l *HeartbeatLoop) failed(ctx context.Context, err error) time.Duration {
	if ctx.Err() == nil && !l.failing {
		l.Log.ErrorContext(ctx, "looking for late heartbeats failed; retrying", "error", err)
	}
	l.failing = true
	return lateLookInterval
}
