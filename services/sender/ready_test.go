package sender

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
)

// TestReadyList gives the most urgent first, tells when it has room, and gives what is
// left when it is closed.
func TestReadyList(t *testing.T) {
	r := newReadyList()
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
		t.Errorf("%d tasks are left to no worker", unserved)
	}
	r.add(of(job.Critical, 1))
	r.add(of(job.Normal, 1))
	take(job.Critical)
	if r.full(4) || !r.full(3) {
		t.Error("3 tasks are left")
	}
	if room() {
		t.Error("there is room though nothing was taken")
	}
	take(job.Normal)
	if !room() {
		t.Error("there is no room though there are 2 of 3")
	}
	take(job.Low)
	if room() {
		t.Error("it tells of room that nobody asked for")
	}
	r.close()
	take(job.Low)
	if got := r.take(); got != nil {
		t.Errorf("it is closed and empty, and gives %+v", got)
	}
}

// TestReadyListRoom asks again before it was told: it is not told of what it asked for
// before.
func TestReadyListRoom(t *testing.T) {
	r := newReadyList()
	r.add([]*task{{job: &job.Job{}}, {job: &job.Job{}}})
	if !r.full(2) {
		t.Error("it holds 2")
	}
	r.take() // and tells
	if !r.full(1) {
		t.Error("it holds 1")
	}
	select {
	case <-r.room:
		t.Error("it holds 1, and tells that it holds less")
	default:
	}
	r.take()
	<-r.room
}
