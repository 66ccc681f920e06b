package sender

import (
	"context"
	"sync"
	"time"
)

// A reslotQueue holds claimed tasks that missed their slots, until other slots are reserved
// for them. Any goroutine adds; one takes.
type reslotQueue struct {
	mu     sync.Mutex
	tasks  []*task
	closed bool
	news   chan struct{} // holds a value if there may be tasks
}

func newReslotQueue() *reslotQueue { return &reslotQueue{news: make(chan struct{}, 1)} }

// add adds a task, and reports whether the list is open.
func (q *reslotQueue) add(t *task) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.tasks = append(q.tasks, t)
	select {
	case q.news <- struct{}{}:
	default:
	}
	return true
}

// take removes and returns all tasks.
func (q *reslotQueue) take() []*task {
	q.mu.Lock()
	defer q.mu.Unlock()
	tasks := q.tasks
	q.tasks = nil
	return tasks
}

// close makes add refuse further tasks.
func (q *reslotQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// reslot adds a task that missed its slot to the late list, so that another slot is
// reserved for it. When the sender stops, it returns a deferral instead: the delivery
// goes back to the ledger and needs another claim.
func (pl *pipeline) reslot(t *task) (r result, over bool) {
	t.misses++
	if pl.reslots.add(t) {
		return result{}, false
	}
	return pl.deferTask(t, pl.Now(), deferralMissedSlot), true
}

// reslotLoop reserves other slots for tasks that missed theirs, until ctx ends. Then it defers
// the rest.
func (pl *pipeline) reslotLoop(ctx context.Context) {
	for {
		select {
		case <-pl.reslots.news:
			pl.takeNewSlots(ctx, pl.reslots.take())
		case <-ctx.Done():
			pl.reslots.close()
			pl.takeNewSlots(ctx, pl.reslots.take())
			return
		}
	}
}

// takeNewSlots reserves other slots for claimed tasks, while their leases leave time for a call:
// the limiter state may be unavailable. A task that by then has no slot, or is not
// accepted by the schedule, is deferred before its lease expires and its outcome becomes
// unknown.
func (pl *pipeline) takeNewSlots(ctx context.Context, tasks []*task) {
	asking, cancel := context.WithTimeout(ctx, pl.timeToLeaseEnd(tasks))
	defer cancel()
	var p plan
	soon, err := pl.reserveBoth(asking, tasks, &p)
	if err != nil {
		soon, p.deferrals = nil, nil
		for _, t := range tasks {
			p.deferrals = append(p.deferrals, pl.deferTask(t, pl.Now(), deferralMissedSlot))
		}
	}
	for _, r := range p.deferrals {
		pl.results <- r
	}
	if len(soon) == 0 {
		return
	}
	select {
	case pl.claimed <- soon:
	case <-asking.Done():
		for _, t := range soon {
			pl.results <- pl.deferTask(t, pl.Now(), deferralLease)
		}
	}
}

// timeToLeaseEnd returns the time until the first of the claimed tasks must be called, to finish
// within its lease.
func (pl *pipeline) timeToLeaseEnd(tasks []*task) (spare time.Duration) {
	for i, t := range tasks {
		if left := t.claim.LeaseExpireTime.Sub(pl.Now()) - pl.timeout; i == 0 || left < spare {
			spare = left
		}
	}
	return spare
}
