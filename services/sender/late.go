package sender

import (
	"context"
	"sync"
	"time"
)

// A lateList holds claimed tasks that missed their slots, until other slots are reserved
// for them. Any goroutine adds; one takes.
type lateList struct {
	mu     sync.Mutex
	tasks  []*task
	closed bool
	news   chan struct{} // holds a value if there may be tasks
}

func newLateList() *lateList { return &lateList{news: make(chan struct{}, 1)} }

// add adds a task, and reports whether the list is open.
func (l *lateList) add(t *task) bool {
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
func (l *lateList) take() []*task {
	l.mu.Lock()
	defer l.mu.Unlock()
	tasks := l.tasks
	l.tasks = nil
	return tasks
}

// close makes add refuse further tasks.
func (l *lateList) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// late adds a task that missed its slot to the late list, so that another slot is
// reserved for it. When the sender stops, it returns a deferral instead: the delivery
// goes back to the ledger and needs another claim.
func (l *lane) late(t *task) (r result, over bool) {
	t.misses++
	if l.lates.add(t) {
		return result{}, false
	}
	return l.put(t, l.Now(), becauseLate), true
}

// renew reserves other slots for tasks that missed theirs, until ctx ends. Then it defers
// the rest.
func (l *lane) renew(ctx context.Context) {
	for {
		select {
		case <-l.lates.news:
			l.again(ctx, l.lates.take())
		case <-ctx.Done():
			l.lates.close()
			l.again(ctx, l.lates.take())
			return
		}
	}
}

// again reserves other slots for claimed tasks, while their leases leave time for a call:
// the limiter state may be unavailable. A task that by then has no slot, or is not
// accepted by the schedule, is deferred before its lease expires and its outcome becomes
// unknown.
func (l *lane) again(ctx context.Context, tasks []*task) {
	asking, cancel := context.WithTimeout(ctx, l.spare(tasks))
	defer cancel()
	var p plan
	soon, err := l.reserveBoth(asking, tasks, &p)
	if err != nil {
		soon, p.later = nil, nil
		for _, t := range tasks {
			p.later = append(p.later, l.put(t, l.Now(), becauseLate))
		}
	}
	for _, r := range p.later {
		l.results <- r
	}
	if len(soon) == 0 {
		return
	}
	select {
	case l.claimed <- soon:
	case <-asking.Done():
		for _, t := range soon {
			l.results <- l.put(t, l.Now(), becauseLease)
		}
	}
}

// spare returns the time until the first of the claimed tasks must be called, to finish
// within its lease.
func (l *lane) spare(tasks []*task) (spare time.Duration) {
	for i, t := range tasks {
		if left := t.claim.Expire.Sub(l.Now()) - l.timeout; i == 0 || left < spare {
			spare = left
		}
	}
	return spare
}
