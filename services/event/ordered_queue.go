package event

import (
	"context"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/eventstream"
)

// maxQueueBytes bounds the messages of a partition in memory.
const maxQueueBytes = 16 << 20

// An inFlight is an event of this process's partition that is not acked.
type inFlight struct {
	Reading

	message *eventstream.Message
	lane    string
	bytes   int
	since   time.Time
}

// An orderedQueue hands out events, those of one lane one after the other, in the order in
// which they were added. It is safe for concurrent use.
type orderedQueue struct {
	mu         sync.Mutex
	lanes      map[string][]*inFlight // the first of each is ready, or handed out
	ready      []*inFlight
	bySequence map[uint64]*inFlight
	bytes      int
	changed    chan struct{} // closed and replaced when an event becomes ready or is done
}

func newOrderedQueue() *orderedQueue {
	return &orderedQueue{lanes: map[string][]*inFlight{}, bySequence: map[uint64]*inFlight{}, changed: make(chan struct{})}
}

// wake wakes those who wait. mu must be held.
func (q *orderedQueue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// wait waits until a condition is true, and returns with mu held; or the error of ctx, without.
func (q *orderedQueue) wait(ctx context.Context, condition func() bool) error {
	for {
		q.mu.Lock()
		if condition() {
			return nil
		}
		changed := q.changed
		q.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// add adds an event. It waits while the queue is full.
func (q *orderedQueue) add(ctx context.Context, e *inFlight) error {
	if err := q.wait(ctx, func() bool { return q.bytes < maxQueueBytes }); err != nil {
		return err
	}
	defer q.mu.Unlock()
	q.bytes += e.bytes
	q.bySequence[e.message.Sequence] = e
	q.lanes[e.lane] = append(q.lanes[e.lane], e)
	if len(q.lanes[e.lane]) == 1 {
		q.ready = append(q.ready, e)
		q.wake()
	}
	return nil
}

// take returns up to limit events, at least one, each of another lane. It waits for the first.
func (q *orderedQueue) take(ctx context.Context, limit int) ([]*inFlight, error) {
	if err := q.wait(ctx, func() bool { return len(q.ready) > 0 }); err != nil {
		return nil, err
	}
	defer q.mu.Unlock()
	n := min(limit, len(q.ready))
	taken := q.ready[:n:n]
	q.ready = q.ready[n:]
	return taken, nil
}

// done removes events that were taken. The next ones of their lanes are ready.
func (q *orderedQueue) done(events []*inFlight) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range events {
		q.bytes -= e.bytes
		delete(q.bySequence, e.message.Sequence)
		rest := q.lanes[e.lane][1:]
		if len(rest) == 0 {
			delete(q.lanes, e.lane)
			continue
		}
		q.lanes[e.lane] = rest
		q.ready = append(q.ready, rest[0])
	}
	q.wake()
}

// has reports whether the event with a sequence is in flight.
func (q *orderedQueue) has(sequence uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bySequence[sequence] != nil
}

// before returns the events in flight since before a time.
func (q *orderedQueue) before(t time.Time) []*inFlight {
	q.mu.Lock()
	defer q.mu.Unlock()
	var old []*inFlight
	for _, e := range q.bySequence {
		if e.since.Before(t) {
			old = append(old, e)
		}
	}
	return old
}
