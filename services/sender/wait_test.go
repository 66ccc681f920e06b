package sender

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

// TestWorkersBegin sees workers begin when there is work that none is free for, and no
// more than there may be.
func TestWorkersBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lane{Sender: &Sender{Workers: 3, Now: time.Now}, claimed: make(chan []*task), ready: newReadyList()}
		begun, called, answer := 0, 0, make(chan struct{})
		var mu sync.Mutex
		var g sync.WaitGroup
		work := func() {
			for l.ready.take() != nil {
				mu.Lock()
				called++
				mu.Unlock()
				<-answer
			}
		}
		g.Go(func() { l.wait(func() { begun++; g.Go(work) }) })
		claimed := func() { l.claimed <- []*task{{job: &job.Job{}, refused: "needs no slot"}} }

		expect := func(what string, wantBegun, wantCalled int) {
			t.Helper()
			synctest.Wait()
			if begun != wantBegun || called != wantCalled {
				t.Errorf("%s: %d workers have begun and %d tasks, want %d and %d", what, begun, called, wantBegun, wantCalled)
			}
		}
		expect("nothing to do", 0, 0)
		claimed()
		expect("a task", 1, 1)
		answer <- struct{}{}
		synctest.Wait()
		claimed()
		expect("a task and a worker that is free", 1, 2)
		claimed()
		claimed()
		claimed()
		expect("more tasks than workers there may be", 3, 4)
		close(l.claimed)
		close(answer)
		g.Wait()
		expect("the end", 3, 5)
	})
}
