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
func (l *reslotQueue) add(t *task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.tasks = append(l.tasks, t)
	select {
	case l.news <- struct{}{}:
	default:
	}
	return true
}

// take removes and returns all tasks.
func (l *reslotQueue) take() []*task {
	l.mu.Lock()
	defer l.mu.Unlock()
	tasks := l.tasks
	l.tasks = nil
	return tasks
}

// close makes add refuse further tasks.
func (l *reslotQueue) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// reslot adds a task that missed its slot to the late list, so that another slot is
// reserved for it. When the sender stops, it returns a deferral instead: the delivery
// goes back to the ledger and needs another claim.
func (l *pipeline) reslot(t *task) (r result, over bool) {
	t.misses++
	if l.reslots.add(t) {
		return result{}, false
	}
	return l.deferTask(t, l.Now(), deferralMissedSlot), true
}

// reslotLoop reserves other slots for tasks that missed theirs, until ctx ends. Then it defers
// the rest.
func (l *pipeline) reslotLoop(ctx context.Context) {
	for {
		select {
		case <-l.reslots.news:
			l.takeNewSlots(ctx, l.reslots.take())
		case <-ctx.Done():
			l.reslots.close()
			l.takeNewSlots(ctx, l.reslots.take())
			return
		}
	}
}

// takeNewSlots reserves other slots for claimed tasks, while their leases leave time for a call:
// the limiter state may be unavailable. A task that by then has no slot, or is not
// accepted by the schedule, is deferred before its lease expires and its outcome becomes
// unknown.
func (l *pipeline) takeNewSlots(ctx context.Context, tasks []*task) {
	asking, cancel := context.WithTimeout(ctx, l.timeToLeaseEnd(tasks))
	defer cancel()
	var p plan
	soon, err := l.reserveBoth(asking, tasks, &p)
	if err != nil {
		soon, p.deferrals = nil, nil
		for _, t := range tasks {
			p.deferrals = append(p.deferrals, l.deferTask(t, l.Now(), deferralMissedSlot))
		}
	}
	for _, r := range p.deferrals {
		l.results <- r
	}
	if len(soon) == 0 {
		return
	}
	select {
	case l.claimed <- soon:
	case <-asking.Done():
		for _, t := range soon {
			l.results <- l.deferTask(t, l.Now(), deferralLease)
		}
	}
}

// timeToLeaseEnd returns the time until the first of the claimed tasks must be called, to finish
// within its lease.
func (l *pipeline) timeToLeaseEnd(tasks []*task) (spare time.Duration) {
	for i, t := range tasks {
		if left := t.claim.Expire.Sub(l.Now()) - l.timeout; i == 0 || left < spare {
			spare = left
		}
	}
	return spare
}
