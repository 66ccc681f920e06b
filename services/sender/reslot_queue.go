package sender

import "sync"

// A reslotQueue holds claimed tasks that missed their slots, until other slots are reserved
// for them. It is safe for concurrent use: any goroutine adds, that of the reslot stage
// takes and closes.
type reslotQueue struct {
	deferrer *deferrer

	mu     sync.Mutex
	tasks  []*task
	closed bool
	added  chan struct{} // holds a value if there may be tasks
}

func newReslotQueue(d *deferrer) *reslotQueue {
	return &reslotQueue{deferrer: d, added: make(chan struct{}, 1)}
}

// addMissed counts a missed slot of a task, and adds the task. If the queue is closed,
// because the sender stops, ended is true and r defers the task instead: the delivery goes
// back to the ledger and needs another claim.
func (q *reslotQueue) addMissed(t *task) (r result, ended bool) {
	t.misses++
	if q.add(t) {
		return result{}, false
	}
	return q.deferrer.deferUntil(t, q.deferrer.now(), deferralMissedSlot), true
}

// add adds a task, and reports whether the queue is open.
func (q *reslotQueue) add(t *task) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.tasks = append(q.tasks, t)
	select {
	case q.added <- struct{}{}:
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
