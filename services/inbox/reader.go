package inbox

import (
	"context"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// pageSize is the maximum number of items that a reader reads from the store at a time.
	pageSize = 100
	// maxPending is how many items wait for a reader that is sending. One that has more is too
	// slow, and is dropped.
	maxPending = 64
	// slowDelay is the time after which a slow reader may come back.
	slowDelay = time.Second
)

// errSlow is the error of a reader that is too slow.
var errSlow = fault.WithReason(fault.WithDelay(fault.Exhaustedf("the reader is too slow; resume after the last id"), slowDelay), "READER_TOO_SLOW")

// A reader is one call of Watch. It begins behind, and reads the store; once it has all, it is live,
// and gets the items of notifications. It is behind again after a gap.
type reader struct {
	hub      *Hub
	topic    *topic
	nickname string
	changed  chan struct{} // buffers one notification

	cursor int64  // the position of the last item that was sent; owned by the call
	page   []news // from the store, not sent yet; owned by the call
	// known is the id up to which the reader has all items, and sent holds the ids above it that
	// were sent while it is behind; owned by the call.
	known int64
	sent  map[int64]bool
	whole bool // page has all later items of the store at its time; owned by the call

	mu      sync.Mutex
	live    bool   // notifications are kept in pending
	behind  bool   // the store may have items that no notification had
	slow    bool   // it had more than maxPending
	pending []news // while live
}

// start sets the position of a reader, and returns the first message. A position above that of
// the inbox, which may be that of a store that was replaced, is that of the inbox; -1 too.
func (r *reader) start(ctx context.Context, after int64) (*watchMessage, error) {
	last, unread, err := r.hub.last(ctx, r.nickname)
	if err != nil {
		return nil, err
	}
	r.topic.announce(last, r)
	r.cursor = after
	if after < 0 || after > last {
		r.cursor = last
	}
	r.known = r.cursor
	if r.cursor == last {
		r.goLive()
	}
	return newFirstMessage(r.cursor, last, unread), nil
}

// next waits for the next item.
func (r *reader) next(ctx context.Context) (*watchMessage, error) {
	for {
		if len(r.page) > 0 {
			n := r.page[0]
			r.page = r.page[1:]
			message := r.advance(n)
			r.sent[n.id] = true
			return message, nil
		}
		if r.whole {
			r.whole, r.known, r.sent = false, r.cursor, nil
		}
		n, state := r.take()
		switch {
		case state == tooSlow:
			r.hub.dropped.Add(1)
			return nil, errSlow
		case state == mustRead:
			if err := r.read(ctx); err != nil {
				return nil, err
			}
			continue
		case state == hasItem && n.position <= r.cursor: // notified twice, or read from the store
			continue
		case state == hasItem && n.before > r.cursor: // a gap
			r.fallBehind()
			continue
		case state == hasItem:
			message := r.advance(n)
			r.known = r.cursor
			return message, nil
		}
		select {
		case <-r.changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.hub.stopping:
			return nil, errStopping
		}
	}
}

// advance makes an item the last one that was sent, and returns its message.
func (r *reader) advance(n news) *watchMessage {
	r.cursor = n.position
	if n.changed != nil && (n.id <= r.known || r.sent[n.id]) {
		return n.changed
	}
	return n.added
}

// The states of a reader between two items.
type readerState int

const (
	mustWait readerState = iota
	hasItem
	mustRead
	tooSlow
)

// take returns the next item of the notifications, or what the reader must do.
func (r *reader) take() (news, readerState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.slow:
		return news{}, tooSlow
	case r.behind || !r.live:
		r.live, r.pending = false, nil
		return news{}, mustRead
	case len(r.pending) == 0:
		r.pending = nil
		return news{}, mustWait
	}
	n := r.pending[0]
	r.pending = r.pending[1:]
	return n, hasItem
}

// read reads a page from the store. The reader is live after the last one, unless items came
// meanwhile.
func (r *reader) read(ctx context.Context) error {
	r.mu.Lock()
	r.behind = false
	r.mu.Unlock()
	items, err := r.hub.after(ctx, r.nickname, r.cursor)
	if err != nil {
		return err
	}
	r.page = make([]news, len(items))
	for i, item := range items {
		r.page[i] = newsOfItem(itemToWire(item), item.ID, item.Position, 0)
	}
	if r.sent == nil {
		r.sent = make(map[int64]bool, len(items))
	}
	if r.whole = len(items) < pageSize; r.whole {
		r.goLive()
	}
	return nil
}

// goLive lets notifications be kept, unless one came while they were not.
func (r *reader) goLive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live = !r.behind
}

// push notifies the reader of new items. It does not block.
func (r *reader) push(all []news) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.slow:
		return
	case !r.live:
		r.behind = true
	case len(r.pending)+len(all) > maxPending && len(r.pending) > 0:
		r.slow, r.pending = true, nil
	default:
		r.pending = append(r.pending, all...)
	}
	r.notify()
}

// fallBehind makes the reader read the store.
func (r *reader) fallBehind() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behind = true
	r.notify()
}

func (r *reader) notify() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}
