package sender

import (
	"sync"

	"github.com/bongsu-project/bongsu/internal/job"
)

// A ready list holds what may be called now, and gives it to the workers, the most
// urgent first. The waiter adds and closes; any number of workers take.
type readyList struct {
	mu     sync.Mutex
	some   sync.Cond // there is something, or there will be nothing more
	byRank [len(job.Ranks)][]*task
	count  int
	idle   int // workers that wait for some
	closed bool

	below int           // the waiter wants to know when there is less than that; 0 where it does not
	room  chan struct{} // there is
}

func newReadyList() *readyList {
	r := &readyList{room: make(chan struct{}, 1)}
	r.some.L = &r.mu
	return r
}

// add adds tasks, and says for how many of them no worker is free.
func (r *readyList) add(tasks []*task) (unserved int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range tasks {
		rank := min(max(t.job.Rank, job.Critical), job.Low)
		r.byRank[rank] = append(r.byRank[rank], t)
	}
	r.count += len(tasks)
	for range min(len(tasks), r.idle) {
		r.some.Signal()
	}
	return max(0, r.count-r.idle)
}

// take waits for a task and takes it. It is nil when the list is closed and empty.
func (r *readyList) take() *task {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.count == 0 {
		if r.closed {
			return nil
		}
		r.idle++
		r.some.Wait()
		r.idle--
	}
	r.count--
	if r.count < r.below {
		r.below = 0
		r.room <- struct{}{} // it has room, as nobody else fills it until the waiter asks again
	}
	for rank, tasks := range r.byRank {
		if len(tasks) > 0 {
			first := tasks[0]
			tasks[0] = nil
			r.byRank[rank] = tasks[1:]
			return first
		}
	}
	panic("the list counts what it does not hold")
}

// full says whether it holds so many; then room tells when it holds less.
func (r *readyList) full(enough int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.room: // what was asked for before
	default:
	}
	r.below = 0
	if r.count < enough {
		return false
	}
	r.below = enough
	return true
}

// close lets the workers go when they have taken what is left.
func (r *readyList) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.some.Broadcast()
}
