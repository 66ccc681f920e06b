package alert

import (
	"context"
	"errors"
	"io"
	"sync"
)

// maxPending is how many messages wait for a watcher that reads slowly, before it is sent
// all deliveries again instead.
const maxPending = 16

// A watcher is one call of WatchAlert. It is sent all deliveries, page by page, then the
// messages that its follower pushes, which it shares with all watchers of the alert.
type watcher struct {
	follower *follower
	news     chan struct{} // holds one where there is something new
	after    int64         // the last delivery of the pages that were sent
	paged    bool          // all pages were sent

	mu      sync.Mutex
	since   int // the round of which the pages must be, or a later one
	pending []*watchNews
	lagged  bool  // it missed messages
	over    error // how it ends after pending
}

// push gives the watcher a message without waiting. It is called under the follower's
// lock.
func (w *watcher) push(news *watchNews) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) == maxPending {
		w.missed()
	}
	if !w.lagged {
		w.pending = append(w.pending, news)
	}
	w.notify()
}

// lag lets the watcher be sent all deliveries again. It is called under the follower's
// lock.
func (w *watcher) lag() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.missed()
	w.notify()
}

// missed drops what is pending for pages of this round.
func (w *watcher) missed() {
	w.pending, w.lagged, w.since = nil, true, w.follower.round
}

// finish lets the watcher end after what is pending.
func (w *watcher) finish(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = err
	w.notify()
}

func (w *watcher) notify() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// next waits for the next message. It returns io.EOF when all has ended.
func (w *watcher) next(ctx context.Context) (*watchNews, error) {
	for {
		if w.paged && w.again() {
			w.after, w.paged = 0, false
		}
		if !w.paged {
			return w.page(ctx)
		}
		news, err := w.take()
		if news != nil || err != nil {
			return news, err
		}
		select {
		case <-w.news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// again reports whether the watcher missed messages, and lets it have them from now on.
func (w *watcher) again() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	lagged := w.lagged
	w.lagged = false
	return lagged
}

// page returns the next page of the deliveries as they are.
func (w *watcher) page(ctx context.Context) (*watchNews, error) {
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

// take returns the first pending message, or how the watcher ends; neither where it must
// wait.
func (w *watcher) take() (*watchNews, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) > 0 {
		news := w.pending[0]
		w.pending = w.pending[1:]
		return news, nil
	}
	if w.lagged || w.over == nil {
		return nil, nil //nolint:nilnil // there is nothing yet
	}
	if errors.Is(w.over, errFollowed) {
		return nil, io.EOF
	}
	return nil, w.over
}
