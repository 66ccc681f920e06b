package alert

import (
	"context"
	"errors"
	"io"
	"sync"
)

// maxPending is how many messages are buffered for a slow watcher. If there are more, all
// deliveries are sent again instead.
const maxPending = 16

// A watcher is one call of WatchAlert. It receives all deliveries, page by page, then the
// messages of its follower, which are shared by all watchers of the alert.
type watcher struct {
	follower *follower
	changed  chan struct{} // buffers one notification of a change
	after    int64         // the last delivery of the pages that were sent
	paged    bool          // all pages were sent

	mu      sync.Mutex
	since   int // the minimum round of its pages
	pending []*watchMessage
	lagged  bool  // messages were dropped
	endErr  error // the error after the pending messages; nil while the follower runs
}

// push adds a message without blocking. The follower's lock must be held.
func (w *watcher) push(message *watchMessage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) == maxPending {
		w.dropPending()
	}
	if !w.lagged {
		w.pending = append(w.pending, message)
	}
	w.notify()
}

// resend makes the watcher receive all deliveries again. The follower's lock must be held.
func (w *watcher) resend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dropPending()
	w.notify()
}

// dropPending drops the pending messages; pages of this round replace them.
func (w *watcher) dropPending() {
	w.pending, w.lagged, w.since = nil, true, w.follower.round
}

// finish ends the watcher after the pending messages.
func (w *watcher) finish(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.endErr = err
	w.notify()
}

// notify notifies the watcher of a change, without blocking.
func (w *watcher) notify() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// next waits for the next message. It returns io.EOF when all deliveries are completed.
func (w *watcher) next(ctx context.Context) (*watchMessage, error) {
	for {
		if w.paged && w.takeLag() {
			w.after, w.paged = 0, false
		}
		if !w.paged {
			return w.page(ctx)
		}
		message, err := w.take()
		if message != nil || err != nil {
			return message, err
		}
		select {
		case <-w.changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// takeLag reports whether messages were dropped, and buffers messages again from now on.
func (w *watcher) takeLag() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	lagged := w.lagged
	w.lagged = false
	return lagged
}

// page returns the next page of deliveries.
func (w *watcher) page(ctx context.Context) (*watchMessage, error) {
	w.mu.Lock()
	since := w.since
	w.mu.Unlock()
	f := w.follower
	p, err := f.hub.page(ctx, f, w.after, since)
	if err != nil {
		return nil, err
	}
	w.after, w.paged = p.last, p.end
	return p.message, nil
}

// take returns the first pending message, or the error with which the watcher ends; both
// are nil if it must wait.
func (w *watcher) take() (*watchMessage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) > 0 {
		message := w.pending[0]
		w.pending = w.pending[1:]
		return message, nil
	}
	if w.lagged || w.endErr == nil {
		return nil, nil //nolint:nilnil // no message yet
	}
	if errors.Is(w.endErr, errAlertCompleted) {
		return nil, io.EOF
	}
	return nil, w.endErr
}
