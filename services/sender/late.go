package sender

import (
	"context"
	"sync"
)

// A late list holds what was claimed and came too late for its slot, until the taker
// takes other slots for it. Anybody adds; the taker takes.
type lateList struct {
	mu     sync.Mutex
	tasks  []*task
	closed bool // the taker waits for jobs, or has ended: it takes nothing now
}

// add adds a task, where the taker will soon take it.
func (l *lateList) add(t *task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.tasks = append(l.tasks, t)
	return true
}

// take takes all. Where there is nothing it closes the list.
func (l *lateList) take() []*task {
	l.mu.Lock()
	defer l.mu.Unlock()
	tasks := l.tasks
	l.tasks, l.closed = nil, len(tasks) == 0
	return tasks
}

// open lets tasks be added: the taker will come by again.
func (l *lateList) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = false
}

// late gives what becomes of a task that came too late for its slot: nothing, as long as
// the taker takes another slot for it, or else the result that lets it go back to the
// ledger, which takes another claim.
func (l *lane) late(t *task) (r result, over bool) {
	t.misses++
	if l.lates.add(t) {
		return result{}, false
	}
	return l.put(t, l.Now(), becauseLate), true
}

// renew takes other slots for what came too late, until nothing does; then the taker
// may wait.
func (l *lane) renew(ctx context.Context) {
	for tasks := l.lates.take(); len(tasks) > 0; tasks = l.lates.take() {
		var p plan
		soon, err := l.reserveBoth(ctx, tasks, &p)
		if err != nil {
			soon, p.later = nil, nil
			for _, t := range tasks {
				p.later = append(p.later, l.put(t, l.Now(), becauseLate))
			}
		}
		for _, r := range p.later {
			l.results <- r
		}
		if len(soon) > 0 {
			l.claimed <- soon
		}
	}
}
