package monitor

import (
	"context"
	"time"
)

// A follower follows the changes of monitors for the plan.
type follower struct {
	scheduler *Scheduler
	refresh   chan chan struct{}
	revision  int64
}

// run follows changes until ctx ends.
func (f *follower) run(ctx context.Context) {
	ticker := time.NewTicker(followInterval)
	defer ticker.Stop()
	failing := false
	for {
		err := f.follow(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			f.scheduler.Log.Warn("reading changed monitors failed; retrying", "error", err)
		}
		failing = err != nil
		select {
		case <-ticker.C:
		case done := <-f.refresh:
			if err := f.follow(ctx); err != nil && ctx.Err() == nil {
				f.scheduler.Log.Warn("reading changed monitors failed", "error", err)
			}
			close(done)
		case <-ctx.Done():
			return
		}
	}
}

// follow takes over the changes since the last time.
func (f *follower) follow(ctx context.Context) error {
	s := f.scheduler
	ctx, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	changed, deleted, last, err := s.Store.ChangedAfter(ctx, f.revision)
	if err != nil {
		return err
	}
	f.revision = last
	now := s.Now()
	if len(changed)+len(deleted) > 0 {
		s.plan.set(changed, deleted, now)
		s.Conditions.follow(changed, deleted)
	}
	s.plan.runAfterMaintenance(func(name string) bool { return s.Conditions.InMaintenance(name, now) })
	return nil
}

// refreshNow takes over the changes until now.
func (f *follower) refreshNow(ctx context.Context, ended <-chan struct{}) error {
	done := make(chan struct{})
	select {
	case f.refresh <- done:
	case <-ended:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done
	return nil
}
