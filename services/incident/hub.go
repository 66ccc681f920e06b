package incident

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// pollInterval is the time between two polls for changes by other processes, while there are
	// watchers.
	pollInterval = time.Second
	// gatherInterval is the minimum time between two polls: changes in quick succession share
	// one.
	gatherInterval = 100 * time.Millisecond
	// maxWatchers is the maximum number of watchers of a process.
	maxWatchers = 1000
)

var (
	errWatchers = fault.WithReason(fault.Exhaustedf("too many watchers of incidents, at most %d; retry, or poll ListIncidents", maxWatchers), "TOO_MANY_WATCHERS")
	errStopping = fault.WithReason(fault.Unavailablef("the incident service is stopping; try again"), "STOPPING")
)

// A Hub notifies the watchers of this process of changed incidents. It is safe for concurrent
// use.
type Hub struct {
	incidents Incidents
	log       *slog.Logger
	stopping  <-chan struct{}
	changed   chan struct{} // buffers one notification

	mu       sync.Mutex
	revision int64
	watchers int
	next     chan struct{} // is closed at the next change
}

// NewHub returns a hub. All watchers end with fault.ErrUnavailable when stopping is closed; nil is
// never.
func NewHub(incidents Incidents, stopping <-chan struct{}, log *slog.Logger) *Hub {
	return &Hub{incidents: incidents, stopping: stopping, log: log, changed: make(chan struct{}, 1), next: make(chan struct{})}
}

// Changed notifies the hub of changes by this process. It does not block.
func (h *Hub) Changed() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// Run polls until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-h.changed:
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		h.poll(ctx)
		select {
		case <-time.After(gatherInterval):
		case <-ctx.Done():
			return nil
		}
	}
}

// poll notifies the watchers if the last revision has changed.
func (h *Hub) poll(ctx context.Context) {
	if !h.watched() {
		return
	}
	revision, err := h.incidents.Revision(ctx)
	if err != nil {
		if ctx.Err() == nil {
			h.log.Warn("polling incidents failed", "error", err)
		}
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if revision != h.revision {
		h.revision = revision
		close(h.next)
		h.next = make(chan struct{})
	}
}

func (h *Hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watchers > 0
}

// join counts a watcher. The caller must call leave after it.
func (h *Hub) join() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers >= maxWatchers {
		return errWatchers
	}
	h.watchers++
	return nil
}

func (h *Hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers--
}

// wait waits until the last revision is above one, and returns it.
func (h *Hub) wait(ctx context.Context, revision int64) (int64, error) {
	for {
		h.mu.Lock()
		last, next := h.revision, h.next
		h.mu.Unlock()
		if last > revision {
			return last, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-h.stopping:
			return 0, errStopping
		}
	}
}
