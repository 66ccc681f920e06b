package sender

import (
	"sync"

	"github.com/bongsu-project/bongsu/internal/job"
)

// A readyQueue is the queue of tasks that may be called now, the most urgent first. It is
// safe for concurrent use: the goroutine of the schedule stage adds, reads room and closes;
// any number of workers take.
type readyQueue struct {
	mu     sync.Mutex
	added  sync.Cond // signaled for a task, and on close
	byRank [len(job.Ranks)][]*task
	count  int
	idle   int // workers that wait for a task
	closed bool

	below int           // room is signaled when count falls below it; 0 for never
	room  chan struct{} // capacity 1
}

func newReadyQueue() *readyQueue {
	r := &readyQueue{room: make(chan struct{}, 1)}
	r.added.L = &r.mu
	return r
}

// add adds tasks, and returns the number of tasks without an idle worker.
func (r *readyQueue) add(tasks []*task) (unserved int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range tasks {
		rank := min(max(t.job.Rank, job.Critical), job.Low)
		r.byRank[rank] = append(r.byRank[rank], t)
	}
	r.count += len(tasks)
	for range min(len(tasks), r.idle) {
		r.added.Signal()
	}
	return max(0, r.count-r.idle)
}

// take waits for a task and removes it. It returns nil when the queue is closed and empty.
func (r *readyQueue) take() *task {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.count == 0 {
		if r.closed {
			return nil
		}
		r.idle++
		r.added.Wait()
		r.idle--
	}
	r.count--
	if r.count < r.below {
		r.below = 0
		r.room <- struct{}{} // never blocks: nothing else is sent until isFull is called again
	}
	for rank, tasks := range r.byRank {
		if len(tasks) > 0 {
			first := tasks[0]
			tasks[0] = nil
			r.byRank[rank] = tasks[1:]
			return first
		}
	}
	panic("ready queue: count exceeds its tasks")
}

// isFull reports whether the queue holds at least enough tasks; if so, room is signaled when
// it holds fewer.
func (r *readyQueue) isFull(enough int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.room: // a signal for an earlier call
	default:
	}
	r.below = 0
	if r.count < enough {
		return false
	}
	r.below = enough
	return true
}

// close makes the workers stop after the remaining tasks.
func (r *readyQueue) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.added.Broadcast()
}
