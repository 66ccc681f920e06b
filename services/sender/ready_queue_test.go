package sender

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
)

// TestReadyQueue checks that the most urgent task is taken first, that room is signaled,
// and that the remaining tasks are taken after close.
func TestReadyQueue(t *testing.T) {
	r := newReadyQueue()
	of := func(rank job.Rank, n int) (tasks []*task) {
		for range n {
			tasks = append(tasks, &task{job: &job.Job{Rank: rank}})
		}
		return tasks
	}
	take := func(want job.Rank) {
		t.Helper()
		if got := r.take(); got == nil || got.job.Rank != want {
			t.Fatalf("%+v, want one of %s", got, want)
		}
	}
	room := func() bool {
		select {
		case <-r.room:
			return true
		default:
			return false
		}
	}

	if unserved := r.add(of(job.Low, 2)); unserved != 2 {
		t.Errorf("%d tasks without a worker, want 2", unserved)
	}
	r.add(of(job.Critical, 1))
	r.add(of(job.Normal, 1))
	take(job.Critical)
	if r.isFull(4) || !r.isFull(3) {
		t.Error("isFull is wrong for 3 tasks")
	}
	if room() {
		t.Error("room is signaled before a take")
	}
	take(job.Normal)
	if !room() {
		t.Error("room is not signaled at 2 of 3 tasks")
	}
	take(job.Low)
	if room() {
		t.Error("room is signaled without a call of isFull")
	}
	r.close()
	take(job.Low)
	if got := r.take(); got != nil {
		t.Errorf("closed and empty, but returned %+v", got)
	}
}

// TestReadyQueueRoom calls isFull again before it reads the signal of the first call: that
// signal is dropped.
func TestReadyQueueRoom(t *testing.T) {
	r := newReadyQueue()
	r.add([]*task{{job: &job.Job{}}, {job: &job.Job{}}})
	if !r.isFull(2) {
		t.Error("not full with 2 tasks")
	}
	r.take() // sends the signal
	if !r.isFull(1) {
		t.Error("not full with 1 task")
	}
	select {
	case <-r.room:
		t.Error("room is signaled with 1 task")
	default:
	}
	r.take()
	<-r.room
}
