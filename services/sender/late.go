package sender

import (
	"context"
	"sync"
	"time"
)

// A late list holds what was claimed and came too late for its slot, until other slots
// are taken for it. Anybody adds; one takes.
type lateList struct {
	mu     sync.Mutex
	tasks  []*task
	closed bool
	news   chan struct{} // holds one where there may be tasks
}

func newLateList() *lateList { return &lateList{news: make(chan struct{}, 1)} }

// add adds a task, and says whether somebody will take it.
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

// take takes all.
func (l *lateList) take() []*task {
	l.mu.Lock()
	defer l.mu.Unlock()
	tasks := l.tasks
	l.tasks = nil
	return tasks
}

// close lets nothing be added any more.
func (l *lateList) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// late gives what becomes of a task that came too late for its slot: nothing, as another
// is taken for it, or else, when the sender stops, the result that lets it go back to the
// ledger, which takes another claim.
func (l *lane) late(t *task) (r result, over bool) {
	t.misses++
	if l.lates.add(t) {
		return result{}, false
	}
	return l.put(t, l.Now(), becauseLate), true
}

// renew takes other slots for what came too late, until ctx ends. Then it goes back.
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

// again takes other slots for claimed tasks, for as long as their leases leave time for a
// call: the paces may not answer. What has no slot by then, or nobody to wait for it, goes
// back to the ledger, before its lease ends and nobody knows what became of it.
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

// spare is how long it is until one of claimed tasks must be called, if it is to be called
// under its lease.
func (l *lane) spare(tasks []*task) (spare time.Duration) {
	for i, t := range tasks {
		if left := t.claim.Expire.Sub(l.Now()) - l.timeout; i == 0 || left < spare {
			spare = left
		}
	}
	return spare
}
