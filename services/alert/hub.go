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

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// defaultWatchers is the default limit of concurrent watchers.
	defaultWatchers = 5000
	// pollInterval is how often the hub polls for changes without a notification: those of
	// other processes on the same ledger, and of the dispatch loop.
	pollInterval = time.Second
	// pollShare limits the share of time that the hub spends on polling to 1/pollShare.
	pollShare = 10
	// hubReads is how many reads of the ledger the hub runs concurrently, so that watchers
	// delay each other and no alert.
	hubReads = 4
	// cachedPages is how many pages of deliveries are cached for watchers that begin at
	// the same time.
	cachedPages = 16
)

// A Hub notifies watchers of the changes of alerts. One follower reads the changes of an
// alert for all of its watchers; an alert without watchers costs nothing.
//
// Changed, ChangedAlert and ChangedAll notify the hub of changes by this process. They
// never block; a nil Hub ignores them. The hub finds changes by other processes by polling
// all watched alerts in one query.
type Hub struct {
	deliveries DeliveryReader
	log        *slog.Logger
	limit      int           // maximum number of watchers
	reads      chan struct{} // holds a value for each running read
	pages      pageCache

	watching atomic.Bool // whether there is a watcher

	mu       sync.RWMutex
	watchers int
	serial   uint64
	follows  map[int64]*follower
	sorted   []int64 // the keys of follows
}

// NewHub returns a hub that reads deliveries and has at most limit concurrent watchers; 0
// means 5000.
func NewHub(deliveries DeliveryReader, limit int, log *slog.Logger) *Hub {
	if limit == 0 {
		limit = defaultWatchers
	}
	return &Hub{
		deliveries: deliveries, log: log, limit: limit,
		reads: make(chan struct{}, hubReads), follows: map[int64]*follower{}, pages: pageCache{size: cachedPages},
	}
}

// Run polls until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	timer := time.NewTimer(pollInterval)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			start := time.Now()
			h.poll(ctx)
			timer.Reset(max(pollInterval, pollShare*time.Since(start)))
		case <-ctx.Done():
			return nil
		}
	}
}

// poll notifies the followers whose alert changed since the last poll.
func (h *Hub) poll(ctx context.Context) {
	h.mu.RLock()
	ids := slices.Clone(h.sorted)
	h.mu.RUnlock()
	if len(ids) == 0 {
		return
	}
	checksums, err := h.deliveries.Checksums(ctx, ids)
	if err != nil {
		if ctx.Err() == nil {
			h.log.Warn("polling watched alerts failed", "alerts", len(ids), "error", err)
		}
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, id := range ids {
		if f := h.follows[id]; f != nil && f.checksum.Swap(checksums[id]) != checksums[id] {
			f.notify()
		}
	}
}

// Changed notifies the watchers of the alerts that the deliveries belong to.
func (h *Hub) Changed(deliveryIDs iter.Seq[int64]) {
	if h == nil || !h.watching.Load() {
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for id := range deliveryIDs {
		// The ids of deliveries follow the id of their alert. A delivery of an alert
		// without watchers may cause a needless refresh.
		if at, _ := slices.BinarySearch(h.sorted, id); at > 0 {
			h.follows[h.sorted[at-1]].notifyFor(id)
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
		f.notify()
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
		f.notify()
	}
}

// watchersDelay is the time after which a watch beyond the limit may be tried again.
const watchersDelay = 10 * time.Second

// errWatchers is the error of a watch that exceeds the limit of watchers.
var errWatchers = fault.WithReason(fault.WithDelay(fault.Exhaustedf("too many watchers; retry later, or poll with GetAlert"), watchersDelay), "TOO_MANY_WATCHERS")

// watch returns a new watcher of an alert. The caller must pass it to leave.
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
		if !errors.Is(err, errAlertCompleted) {
			return nil, err
		}
	}
}

// join returns the follower of an alert, and starts one if there is none.
func (h *Hub) join(ctx context.Context, id int64) (*follower, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers >= h.limit {
		return nil, errWatchers
	}
	h.watchers++
	h.watching.Store(true)
	f := h.follows[id]
	if f == nil || f.hasEnded() {
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

// leave removes a watcher from its follower, and stops the follower after the last one.
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
		h.pages.drop(f)
	}
}

// read runs do, with at most hubReads running concurrently.
func (h *Hub) read(ctx context.Context, do func() error) error {
	select {
	case h.reads <- struct{}{}:
		defer func() { <-h.reads }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}
