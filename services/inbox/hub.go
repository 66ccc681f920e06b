package inbox

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// pollInterval is the time between two polls for items whose notification was lost.
	pollInterval = time.Second
	// pollSize is the maximum number of inboxes in a poll. If more are watched, they take turns.
	pollSize = 200
	// hubReads is how many reads of the store the hub runs concurrently, so that readers that
	// come at once delay each other and nobody else.
	hubReads = 8
	// maxOutgoing is how many notifications wait for the bus. Further ones are dropped: the other
	// processes find their items by polling.
	maxOutgoing = 4096
)

// An ItemReader reads the items of an inbox, as Items does.
type ItemReader interface {
	After(ctx context.Context, nickname string, after int64, limit int) ([]Item, error)
	Last(ctx context.Context, nickname string) (last int64, unread int, err error)
}

// A Bus carries notifications of new items between the processes of the inbox service: at most
// once, in no order. It must be safe for concurrent use.
type Bus interface {
	// Publish sends data to the processes that subscribe to a nickname, this one too. It may
	// block for a short time.
	Publish(nickname string, data []byte) error
	// Subscribe subscribes to a nickname until stop is called. It does not block.
	Subscribe(nickname string) (stop func(), err error)
	// Confirm returns nil once all subscriptions are in effect: what is published then is
	// received. It returns an error after a few seconds, and at once if the connection is lost.
	Confirm(ctx context.Context) error
	// Run calls receive with each message, one at a time, until ctx ends. It calls restored
	// after messages may have been lost, when all subscriptions are in effect again.
	Run(ctx context.Context, receive func(nickname string, data []byte), restored func()) error
}

var _ Notifier = (*Hub)(nil)

// A Hub notifies the readers of this process of new items, and the hubs of other processes, which
// notify theirs. Readers get every item of their inbox once and in order: an item that follows
// the last one that they have comes from its notification, and after any gap they read the store.
// A notification may be lost, come twice, or late. It is safe for concurrent use.
type Hub struct {
	items ItemReader
	bus   Bus // nil for none
	log   *slog.Logger

	reads    chan struct{} // holds a value for each running read
	outgoing chan outgoing
	stopping <-chan struct{}

	watched, dropped atomic.Int64

	mu     sync.RWMutex
	topics map[string]*topic // by nickname
	turn   []string          // the nicknames that are not polled yet in this turn; owned by Run
}

// outgoing is a notification for other processes.
type outgoing struct {
	nickname string
	data     []byte
}

// NewHub returns a hub that reads items, and notifies other processes by bus; nil for none. All
// readers end with fault.ErrUnavailable when stopping is closed; nil is never.
func NewHub(items ItemReader, bus Bus, stopping <-chan struct{}, log *slog.Logger) *Hub {
	return &Hub{
		items: items, bus: bus, log: log,
		reads: make(chan struct{}, hubReads), outgoing: make(chan outgoing, maxOutgoing), stopping: stopping,
		topics: map[string]*topic{},
	}
}

// Counts returns the number of readers, and that of readers that were dropped because they were
// too slow.
func (h *Hub) Counts() (readers, dropped int64) { return h.watched.Load(), h.dropped.Load() }

// Run notifies other processes and polls until ctx ends. It is called once.
func (h *Hub) Run(ctx context.Context) error {
	var all errgroup.Group
	all.Go(func() error {
		h.publishAll(ctx)
		return nil
	})
	if h.bus != nil {
		all.Go(func() error { return h.bus.Run(ctx, h.receive, h.restored) })
	}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.poll(ctx)
		case <-ctx.Done():
			return all.Wait()
		}
	}
}

// Stored notifies the readers of new items. It does not block.
func (h *Hub) Stored(items []StoredItem) {
	byNickname, order := map[string][]StoredItem{}, []string(nil)
	for _, item := range items {
		if byNickname[item.Nickname] == nil {
			order = append(order, item.Nickname)
		}
		byNickname[item.Nickname] = append(byNickname[item.Nickname], item)
	}
	for _, nickname := range order {
		news := byNickname[nickname]
		if t := h.topic(nickname); t != nil {
			t.push(newsOf(news))
		}
		if h.bus == nil {
			continue
		}
		data, err := encodeStored(news)
		if err != nil {
			h.log.Error("new items cannot be encoded, other processes will find them by polling", "error", err)
			continue
		}
		select {
		case h.outgoing <- outgoing{nickname, data}:
		default: // the bus is too slow
		}
	}
}

// publishAll sends the outgoing notifications until ctx ends, and then those that wait.
func (h *Hub) publishAll(ctx context.Context) {
	for {
		select {
		case o := <-h.outgoing:
			h.publish(o)
		case <-ctx.Done():
			for {
				select {
				case o := <-h.outgoing:
					h.publish(o)
				default:
					return
				}
			}
		}
	}
}

func (h *Hub) publish(o outgoing) {
	if err := h.bus.Publish(o.nickname, o.data); err != nil {
		h.log.Debug("notification of new items is lost, other processes will find them by polling", "error", err)
	}
}

// receive takes a notification of another process, or of this one.
func (h *Hub) receive(nickname string, data []byte) {
	t := h.topic(nickname)
	if t == nil {
		return
	}
	news, last, err := decodeStored(data)
	if err != nil {
		h.log.Warn("notification of new items cannot be decoded", "error", err)
		return
	}
	t.push(news)
	t.announce(last, nil)
}

// restored makes all readers read the store: notifications may have been lost.
func (h *Hub) restored() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, t := range h.topics {
		t.fallBehind()
	}
}

// poll finds new items of the inboxes whose turn it is.
func (h *Hub) poll(ctx context.Context) {
	if len(h.turn) == 0 {
		h.mu.RLock()
		for nickname := range h.topics {
			h.turn = append(h.turn, nickname)
		}
		h.mu.RUnlock()
	}
	now := h.turn[:min(pollSize, len(h.turn))]
	h.turn = h.turn[len(now):]
	for _, nickname := range now {
		t := h.topic(nickname)
		if t == nil {
			continue
		}
		last, _, err := h.items.Last(ctx, nickname)
		if err != nil {
			if ctx.Err() == nil {
				h.log.Warn("polling watched inboxes failed", "error", err)
			}
			h.turn = nil
			return
		}
		t.announce(last, nil)
	}
}

// topic returns the topic of a nickname; nil without a reader.
func (h *Hub) topic(nickname string) *topic {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.topics[nickname]
}

// join returns a new reader of an inbox, which is notified of all items that are stored from now
// on. The caller must pass it to leave.
func (h *Hub) join(ctx context.Context, nickname string) (*reader, error) {
	r := &reader{hub: h, nickname: nickname, changed: make(chan struct{}, 1)}
	h.mu.Lock()
	t, known := h.topics[nickname]
	if !known {
		t = &topic{ready: make(chan struct{}), stop: func() {}}
		if h.bus != nil {
			stop, err := h.bus.Subscribe(nickname)
			if err != nil {
				h.mu.Unlock()
				return nil, err
			}
			t.stop = stop
		}
		h.topics[nickname] = t
	}
	r.topic = t
	t.add(r)
	h.watched.Add(1)
	h.mu.Unlock()
	if !known {
		h.confirm(ctx)
		close(t.ready)
	}
	select {
	case <-t.ready:
		return r, nil
	case <-ctx.Done():
		h.leave(r)
		return nil, ctx.Err()
	}
}

// confirm waits until the subscriptions are in effect. If the bus is away, they are when it is
// back, and then restored is called.
func (h *Hub) confirm(ctx context.Context) {
	if h.bus == nil {
		return
	}
	if err := h.bus.Confirm(context.WithoutCancel(ctx)); err != nil { // other readers wait for it too
		h.log.Debug("subscription to an inbox is not confirmed", "error", err)
	}
}

// leave removes a reader.
func (h *Hub) leave(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watched.Add(-1)
	if r.topic.remove(r) {
		r.topic.stop()
		delete(h.topics, r.nickname)
	}
}

// after reads a page of items.
func (h *Hub) after(ctx context.Context, nickname string, after int64) ([]Item, error) {
	select {
	case h.reads <- struct{}{}:
		defer func() { <-h.reads }()
		return h.items.After(ctx, nickname, after, pageSize)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// last reads the position of an inbox.
func (h *Hub) last(ctx context.Context, nickname string) (last int64, unread int, err error) {
	select {
	case h.reads <- struct{}{}:
		defer func() { <-h.reads }()
		return h.items.Last(ctx, nickname)
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
}

// errStopping is the error of readers when the process stops.
var errStopping = fault.WithReason(fault.WithDelay(fault.Unavailablef("the inbox service stops; resume after the last id"), time.Second), "STOPPING")
