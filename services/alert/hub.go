package alert

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultWatchers is how many calls may watch at a time.
	defaultWatchers = 5000
	// pollEvery is how often it is looked for changes that nobody notified: those of other
	// processes on the same ledger, and of the clock.
	pollEvery = time.Second
	// pollShare bounds the part of its time that the hub polls: one of so many.
	pollShare = 10
	// hubReads is how many reads of the ledger the hub makes at a time, so that watchers
	// slow down each other and no alert.
	hubReads = 4
	// cachedPages is how many pages of deliveries are kept for watchers that begin
	// together.
	cachedPages = 16
)

// A Hub notifies watchers of what becomes of alerts. However many watch an alert, one
// follower reads its changes; an alert that nobody watches costs nothing.
//
// Changed, ChangedAlert and ChangedAll notify it of what this process changes. They never
// wait; a nil Hub ignores them. Changes of other processes it finds by polling all watched
// alerts at once.
type Hub struct {
	deliveries Deliveries
	log        *slog.Logger
	most       int // watchers
	reads      chan struct{}
	pages      pageCache

	watching atomic.Bool // somebody watches

	mu       sync.RWMutex
	watchers int
	serial   uint64
	follows  map[int64]*follower
	sorted   []int64 // the keys of follows
}

// NewHub returns a hub that reads deliveries, for at most most watchers at a time; 0
// means 5000.
func NewHub(deliveries Deliveries, most int, log *slog.Logger) *Hub {
	if most == 0 {
		most = defaultWatchers
	}
	return &Hub{
		deliveries: deliveries, log: log, most: most,
		reads: make(chan struct{}, hubReads), follows: map[int64]*follower{}, pages: pageCache{most: cachedPages},
	}
}

// Run polls until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	alarm := time.NewTimer(pollEvery)
	defer alarm.Stop()
	for {
		select {
		case <-alarm.C:
			start := time.Now()
			h.poll(ctx)
			alarm.Reset(max(pollEvery, pollShare*time.Since(start)))
		case <-ctx.Done():
			return nil
		}
	}
}

// poll wakes the followers whose alert is not as it was at the last poll.
func (h *Hub) poll(ctx context.Context) {
	h.mu.RLock()
	ids := slices.Clone(h.sorted)
	h.mu.RUnlock()
	if len(ids) == 0 {
		return
	}
	fingerprints, err := h.deliveries.Fingerprints(ctx, ids)
	if err != nil {
		if ctx.Err() == nil {
			h.log.Warn("cannot poll watched alerts", "alerts", len(ids), "error", err)
		}
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, id := range ids {
		if f := h.follows[id]; f != nil && f.fingerprint.Swap(fingerprints[id]) != fingerprints[id] {
			f.wake()
		}
	}
}

// Changed notifies the watchers of the alerts of deliveries.
func (h *Hub) Changed(deliveryIDs iter.Seq[int64]) {
	if h == nil || !h.watching.Load() {
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for id := range deliveryIDs {
		// The ids of deliveries follow that of their alert. One of an alert that is not
		// watched may wake a follower in vain.
		if at, _ := slices.BinarySearch(h.sorted, id); at > 0 {
			h.follows[h.sorted[at-1]].wakeFor(id)
		}
	}
}

// ChangedAlert notifies the watchers of an alert.
func (h *Hub) ChangedAlert(id int64) {
	if h == nil || !h.watching.Load() {
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	if f := h.follows[id]; f != nil {
		f.wake()
	}
}

// ChangedAll notifies all watchers.
func (h *Hub) ChangedAll() {
	if h == nil || !h.watching.Load() {
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, f := range h.follows {
		f.wake()
	}
}

// errWatchers is the error of a watcher for whom there is no room.
var errWatchers = errors.New("too many calls watch alerts already; try again later, or ask GetAlert")

// watch joins the watchers of an alert. The watcher must leave.
func (h *Hub) watch(ctx context.Context, id int64) (*watcher, error) {
	for {
		f, err := h.join(ctx, id)
		if err != nil {
			return nil, err
		}
		select {
		case <-f.ready:
		case <-ctx.Done():
			h.leave(f, nil)
			return nil, ctx.Err()
		}
		w, err := f.add()
		if err == nil {
			return w, nil
		}
		h.leave(f, nil)
		if !errors.Is(err, errFollowed) {
			return nil, err
		}
	}
}

// join returns the follower of an alert, which it starts where there is none.
func (h *Hub) join(ctx context.Context, id int64) (*follower, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers >= h.most {
		return nil, errWatchers
	}
	h.watchers++
	h.watching.Store(true)
	f := h.follows[id]
	if f == nil || f.ended() {
		h.serial++
		f = newFollower(h, id, h.serial)
		h.follows[id] = f
		if at, ok := slices.BinarySearch(h.sorted, id); !ok {
			h.sorted = slices.Insert(h.sorted, at, id)
		}
		f.start(context.WithoutCancel(ctx))
	}
	f.joined++
	return f, nil
}

// leave takes a watcher from its follower, and stops that after the last.
func (h *Hub) leave(f *follower, w *watcher) {
	h.mu.Lock()
	h.watchers--
	h.watching.Store(h.watchers > 0)
	f.joined--
	last := f.joined == 0
	if last && h.follows[f.id] == f {
		delete(h.follows, f.id)
		if at, ok := slices.BinarySearch(h.sorted, f.id); ok {
			h.sorted = slices.Delete(h.sorted, at, at+1)
		}
	}
	h.mu.Unlock()
	f.remove(w)
	if last {
		f.stop()
		h.pages.forget(f)
	}
}

// read runs one of a few reads at a time.
func (h *Hub) read(ctx context.Context, do func() error) error {
	select {
	case h.reads <- struct{}{}:
		defer func() { <-h.reads }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}
