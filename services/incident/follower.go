package incident

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// leaseTime is how long a process that was killed keeps others from following the changes.
	leaseTime = 4 * time.Second
	// leaseInterval is the time between two attempts to take or extend the lease.
	leaseInterval = time.Second
	// changesLimit is the maximum number of changes of a transaction.
	changesLimit = 1000
	// minFollowRetry and maxFollowRetry are the first and the longest wait after a failure; each
	// wait doubles the one before.
	minFollowRetry, maxFollowRetry = 100 * time.Millisecond, 5 * time.Second
)

// A Follower applies the changes of the alert service to the incidents. Of several processes, the
// one with the lease does.
type Follower struct {
	Changes Changes
	Feed    ChangeFeed
	Holder  string // names the process; no two have the same
	// Alone is set if no other process uses the store: the lease, which is that of a process that
	// has ended, is taken at once, and is not extended.
	Alone   bool
	Changed func() // is called after incidents changed. It must not block.
	Now     func() time.Time
	Log     *slog.Logger
}

// Run runs until ctx ends, and then releases the lease.
func (f *Follower) Run(ctx context.Context) error {
	defer f.release(ctx)
	ticker := time.NewTicker(leaseInterval)
	defer ticker.Stop()
	failing := false
	for {
		after, leased, err := f.lease(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			f.Log.Warn("taking the lease of incident changes failed; retrying", "error", err)
		}
		failing = err != nil
		if leased {
			f.followLeased(ctx, after)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// lease takes or extends the lease.
func (f *Follower) lease(ctx context.Context) (after int64, leased bool, err error) {
	now := f.Now()
	until := now.Add(leaseTime)
	if f.Alone {
		now = until
	}
	return f.Changes.Lease(ctx, f.Holder, now, until)
}

// release releases the lease, also after ctx has ended.
func (f *Follower) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseInterval)
	defer cancel()
	if err := f.Changes.Release(ctx, f.Holder); err != nil {
		f.Log.Debug("releasing the lease of incident changes failed: it ends by itself", "error", err)
	}
}

// followLeased applies the changes after an id while the process has the lease, which it extends.
func (f *Follower) followLeased(ctx context.Context, after int64) {
	var both errgroup.Group
	ctx, cancel := context.WithCancel(ctx)
	both.Go(func() error {
		defer cancel()
		if f.Alone {
			<-ctx.Done()
			return nil
		}
		f.extend(ctx)
		return nil
	})
	both.Go(func() error {
		defer cancel()
		f.follow(ctx, after)
		return nil
	})
	_ = both.Wait() // neither fails
}

// extend extends the lease until another process has it, or ctx ends. A lease that cannot be
// extended because the database is away is kept: Apply fails if it was lost.
func (f *Follower) extend(ctx context.Context) {
	ticker := time.NewTicker(leaseInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if _, leased, err := f.lease(ctx); err == nil && !leased {
			f.Log.Info("another process follows the incident changes")
			return
		}
	}
}

// follow applies the changes after an id until the lease is lost, or ctx ends.
func (f *Follower) follow(ctx context.Context, after int64) {
	failures := 0
	for ctx.Err() == nil {
		last, err := f.applyNext(ctx, after)
		if err == nil {
			if failures > 0 {
				f.Log.Info("following incident changes works again", "failures", failures)
			}
			after, failures = last, 0
			continue
		}
		if errors.Is(err, ErrLeaseLost) || ctx.Err() != nil {
			return
		}
		if failures == 0 {
			f.Log.Warn("following incident changes failed; retrying", "error", err)
		}
		wait := min(minFollowRetry<<min(failures, 10), maxFollowRetry)
		failures++
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// applyNext waits for changes after an id, applies them, and returns the id of the last one.
func (f *Follower) applyNext(ctx context.Context, after int64) (int64, error) {
	changes, err := f.Feed.ListChanges(ctx, after, changesLimit)
	if err != nil || len(changes) == 0 {
		return after, err
	}
	if err := f.Changes.Apply(ctx, f.Holder, changes); err != nil {
		return after, err
	}
	f.Changed()
	for _, c := range changes {
		after = max(after, c.ID)
	}
	return after, nil
}
