package sender

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// TestWorkersStartOnDemand checks that workers start when there are more tasks than idle
// workers, up to their maximum.
func TestWorkersStartOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := make(chan []*task)
		s := &scheduleStage{now: time.Now, maxWorkers: 3, batch: &claimBatchSizer{workers: 3}, claimed: queue, ready: newReadyQueue()}
		started, called, response := 0, 0, make(chan struct{})
		var mu sync.Mutex
		var g sync.WaitGroup
		work := func() {
			for s.ready.take() != nil {
				mu.Lock()
				called++
				mu.Unlock()
				<-response
			}
		}
		g.Go(func() { s.run(func() { started++; g.Go(work) }) })
		claimed := func() { queue <- []*task{{job: &job.Job{}, refused: "needs no slot"}} }

		expect := func(what string, wantStarted, wantCalled int) {
			t.Helper()
			synctest.Wait()
			if started != wantStarted || called != wantCalled {
				t.Errorf("%s: %d workers and %d tasks started, want %d and %d", what, started, called, wantStarted, wantCalled)
			}
		}
		expect("nothing to do", 0, 0)
		claimed()
		expect("a task", 1, 1)
		response <- struct{}{}
		synctest.Wait()
		claimed()
		expect("a task and an idle worker", 1, 2)
		claimed()
		claimed()
		claimed()
		expect("more tasks than workers", 3, 4)
		close(queue)
		close(response)
		g.Wait()
		expect("the end", 3, 5)
	})
}

// TestSlotGranularity checks that calls which are allowed within a millisecond are ready
// together, and others one by one.
func TestSlotGranularity(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	limiter := ratelimit.New(nil, func() time.Time { return now }, nil)
	for _, c := range []struct {
		name                    string
		credential, destination ratelimit.Rate
		ready                   int
	}{
		{"no limit", ratelimit.Rate{}, ratelimit.Rate{}, 5},
		{"fine", ratelimit.Rate{Count: 100_000, Per: time.Second}, ratelimit.Rate{}, 5},
		{"four calls a millisecond", ratelimit.Rate{Count: 4000, Per: time.Second}, ratelimit.Rate{}, 5},
		{"coarse", ratelimit.Rate{Count: 1000, Per: time.Second}, ratelimit.Rate{}, 1},
		{"coarse, of the destination", ratelimit.Rate{Count: 100_000, Per: time.Second}, ratelimit.Rate{Count: 1, Per: time.Second}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &scheduleStage{limiter: limiter, smoother: newSmoother()}
			var ready []*task
			for range 5 {
				ready = s.check(&task{
					credential: limitedKey{Key: ratelimit.Key{ID: "credential", Rate: c.credential}}, destination: limitedKey{Key: ratelimit.Key{ID: "destination", Rate: c.destination}},
					claim: dispatch.Claim{LeaseExpireTime: now.Add(time.Minute)},
				}, now, ready)
			}
			if len(ready) != c.ready || len(s.schedule) != 5-c.ready {
				t.Errorf("%d ready and %d scheduled, want %d ready", len(ready), len(s.schedule), c.ready)
			}
		})
	}
}

// TestClockGoesBackWhileTasksWait corrects a clock that was an hour ahead, while a task
// waits a second for its slot: it is called after about a second, not an hour later.
func TestClockGoesBackWhileTasksWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		ahead.Store(int64(time.Hour))
		now := func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) }
		claimed := make(chan []*task)
		s := &scheduleStage{
			now: now, timeout: time.Second, limiter: ratelimit.New(nil, now, nil), batch: &claimBatchSizer{workers: 4},
			smoother: newSmoother(), maxWorkers: 4, claimed: claimed, ready: newReadyQueue(),
		}
		slow := limitedKey{Key: ratelimit.Key{ID: "credential", Rate: ratelimit.Rate{Count: 1, Per: time.Second}}}
		called := make(chan time.Time, 2)
		var g sync.WaitGroup
		g.Go(func() {
			s.run(func() {
				g.Go(func() {
					for s.ready.take() != nil {
						called <- time.Now()
					}
				})
			})
		})
		start := time.Now()
		for range 2 {
			claimed <- []*task{{job: &job.Job{}, credential: slow, claim: dispatch.Claim{LeaseExpireTime: now().Add(time.Minute)}}}
		}
		<-called
		ahead.Store(0)
		if took := (<-called).Sub(start); took > 2*time.Second {
			t.Errorf("second call after %s", took)
		}
		close(claimed)
		g.Wait()
	})
}
