package alert

import (
	"context"
	"sync"
	"time"
)

const (
	// incidentWait is how long a call of the feed waits for changes.
	incidentWait = 20 * time.Second
	// incidentPoll is how often the ledger is read while a call waits, for changes that other
	// processes recorded.
	incidentPoll = time.Second
)

// An IncidentFeed returns changes of incidents to their follower, as they are recorded. It is
// safe for concurrent use.
type IncidentFeed struct {
	store IncidentChangeStore

	mu      sync.Mutex
	wake    chan struct{} // closed by the next notification
	stopped bool
}

// NewIncidentFeed returns a feed of the changes in store.
func NewIncidentFeed(store IncidentChangeStore) *IncidentFeed {
	return &IncidentFeed{store: store, wake: make(chan struct{})}
}

// Run runs until ctx ends, and then ends the calls that wait.
func (f *IncidentFeed) Run(ctx context.Context) error {
	<-ctx.Done()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.stopped {
		f.stopped = true
		close(f.wake)
	}
	return nil
}

// Notify makes the calls that wait read the ledger. A nil feed ignores it.
func (f *IncidentFeed) Notify() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.stopped {
		close(f.wake)
		f.wake = make(chan struct{})
	}
}

// notification returns a channel that the next notification closes, and whether the feed has
// stopped.
func (f *IncidentFeed) notification() (<-chan struct{}, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wake, f.stopped
}

// Next deletes the changes up to after and returns later ones, at most limit. Without any it
// waits for some, at most incidentWait.
func (f *IncidentFeed) Next(ctx context.Context, after int64, limit int) ([]IncidentChange, error) {
	if after > 0 {
		if err := f.store.DeleteIncidentChanges(ctx, after); err != nil {
			return nil, err
		}
	}
	wait := time.NewTimer(incidentWait)
	defer wait.Stop()
	poll := time.NewTicker(incidentPoll)
	defer poll.Stop()
	for {
		notified, stopped := f.notification() // before the read, so that no change is missed
		changes, err := f.page(ctx, after, limit)
		if err != nil || len(changes) > 0 || stopped {
			return changes, err
		}
		select {
		case <-notified:
		case <-poll.C:
		case <-wait.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// page returns the next changes, fewer than limit where their alerts would exceed pageBytes.
func (f *IncidentFeed) page(ctx context.Context, after int64, limit int) ([]IncidentChange, error) {
	size := func(c IncidentChange) int { return c.Alert.size() }
	changes, _, err := pageByBytes(limit, size, func(n int, before []IncidentChange) ([]IncidentChange, error) {
		last := after
		if len(before) > 0 {
			last = before[len(before)-1].ID
		}
		return f.store.IncidentChanges(ctx, last, n)
	})
	return changes, err
}
