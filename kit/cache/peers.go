package cache

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// helloInterval is the interval at which a process tells the others that it is alive and
	// what it has received.
	helloInterval = 20 * time.Millisecond
	// lease is how long a process may use its cache after the send time of its last message
	// that a peer has acknowledged. A peer that cannot be notified of a change stops using its
	// cache within this time. It is a few times the interval: a message and the next one of
	// the peer are on their way meanwhile.
	lease = 100 * time.Millisecond
	// forgetAfter is how long a process waits for a peer that has left without notice. It is
	// more than the TTL of entries: those that are older than the peer's last change expire.
	forgetAfter = 2 * time.Minute
	// reportAfter is how long the cache is not fresh until this is logged.
	reportAfter = 5 * time.Second
	// sentTimes is the number of messages whose send times are kept: those of a few seconds.
	sentTimes = 1024
	// maxPeers bounds the peers; beyond it the cache is not fresh.
	maxPeers = 1000
	// outboxSize is the number of messages that wait for a bus that does not take them. Further
	// ones are lost, which the others notice.
	outboxSize = 256
	// leaveTimeout bounds the wait for the last message.
	leaveTimeout = time.Second
)

// A Bus carries messages between the processes that cache the same data.
type Bus interface {
	// Publish sends a message to all processes, this one among them, and does not wait for
	// its delivery. An error means that the message may be lost.
	Publish(data []byte) error
	// Subscribe calls receive with each message until stop is called, one at a time. The
	// messages of one sender arrive in their order; some may be lost.
	Subscribe(receive func(data []byte)) (stop func(), err error)
}

// An Invalidator is the cache of this process.
type Invalidator interface {
	// Invalidate makes entries with the tags stale, and stores none for hold.
	Invalidate(hold time.Duration, tags ...string)
	// Clear makes all entries stale.
	Clear()
}

// Peers keeps the cache of this process coherent with the changes of other processes. Each
// process numbers its messages and sends one every 20 ms, and each message says what its
// sender has received:
//
//   - A process that receives a change invalidates, and then acknowledges it at once. The
//     process that changed waits for that, or until the other's lease has ended: 100 ms.
//   - A missing number means a lost message: the process clears its cache.
//   - A process uses its cache only while each peer, and the bus itself, has acknowledged a
//     message that it sent within the last 100 ms: its lease. One that cannot hear of changes
//     therefore stops using its cache, without knowing why.
//   - A peer that left without notice is waited for: its last change may be unknown.
//
// Peers is safe for concurrent use.
type Peers struct {
	bus   Bus
	cache Invalidator
	log   *slog.Logger
	id    string
	start time.Time

	outbox chan []byte // drained by publish

	freshUntil atomic.Int64 // since start; the cache may be used until then

	mu       sync.Mutex
	number   uint64                   // of the last message sent
	sent     [sentTimes]time.Duration // send times by number modulo sentTimes
	self     peer                     // this process as the bus shows it
	peers    map[string]*peer         // the others, by id
	gate     time.Duration            // the cache is not used before: peers may be unknown
	progress chan struct{}            // closed when a peer acknowledges something or leaves
}

// A peer is a process as this one knows it.
type peer struct {
	number uint64        // of its last message
	seen   uint64        // the last message of this process that it has received
	heard  time.Duration // when its last message arrived
	fresh  time.Duration // send time of the message seen
}

// NewPeers returns the peers on a bus. Fresh returns false until Run has begun.
func NewPeers(bus Bus, log *slog.Logger) *Peers {
	p := &Peers{bus: bus, log: log, id: rand.Text(), start: time.Now(), outbox: make(chan []byte, outboxSize), peers: map[string]*peer{}, progress: make(chan struct{})}
	p.freshUntil.Store(-1)
	return p
}

// Run invalidates the entries of cache as other processes ask for it, until ctx ends. It is
// called once.
func (p *Peers) Run(ctx context.Context, cache Invalidator) error {
	p.mu.Lock()
	p.cache = cache
	p.mu.Unlock()
	stop, err := p.bus.Subscribe(p.receive)
	if err != nil {
		return err
	}
	defer stop()
	sent := make(chan struct{}) // closed when the last message was published
	left := make(chan struct{})
	go p.publish(left, sent)
	defer func() {
		p.leave()
		close(left)
		select {
		case <-sent:
		case <-time.After(leaveTimeout): // the bus is stuck until its connection is closed
		}
	}()
	ticker := time.NewTicker(helloInterval)
	defer ticker.Stop()
	reporter := staleReporter{log: p.log, since: time.Now()}
	for {
		p.hello()
		reporter.observe(p.Fresh())
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		p.forget()
	}
}

// Fresh reports whether the changes of all known peers that were announced before this
// moment have arrived: those whose Announce has returned.
func (p *Peers) Fresh() bool { return int64(p.now()) < p.freshUntil.Load() }

// Len returns the number of known peers.
func (p *Peers) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.peers)
}

// Announce makes the entries of all peers with any of the tags stale, and stores none for
// hold. It returns once each peer has done so, or its lease has ended, which takes at most 100 ms,
// or once ctx ends. It reports whether each peer with a lease has acknowledged the change.
func (p *Peers) Announce(ctx context.Context, hold time.Duration, tags ...string) bool {
	p.mu.Lock()
	number := p.send(peerMessage{Tags: tags, Hold: hold})
	p.mu.Unlock()
	deadline := p.now() + lease // a peer that has not received the message has no lease then
	for {
		p.mu.Lock()
		waiting, progress := p.isAwaited(number), p.progress
		p.mu.Unlock()
		left := deadline - p.now()
		if !waiting || left <= 0 || ctx.Err() != nil {
			return !waiting
		}
		timer := time.NewTimer(left)
		select {
		case <-progress:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// isAwaited reports whether a peer with a lease has not acknowledged a message of this
// process. One that was not heard for the time of a lease has none: the last message of it that
// this process has acknowledged is older.
func (p *Peers) isAwaited(number uint64) bool {
	for _, other := range p.peers {
		if other.seen < number && p.now() < other.heard+lease {
			return true
		}
	}
	return false
}

// now returns the time since start.
func (p *Peers) now() time.Duration { return time.Since(p.start) }
