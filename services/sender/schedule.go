package sender

import (
	"container/heap"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// slotGranularity is the granularity of the schedule: calls whose slots are less than that
// apart are made together. A provider that allows a thousand calls a second tolerates it.
const slotGranularity = time.Millisecond

// A scheduledTask is a claimed task with the time of its slot.
type scheduledTask struct {
	*task
	at time.Time
}

// A schedule is a heap of claimed tasks, the earliest first.
type schedule []scheduledTask

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].at.Before(s[j].at) }
func (s schedule) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *schedule) Push(x any)        { *s = append(*s, x.(scheduledTask)) } //nolint:forcetypeassert // heap returns pushed values
func (s *schedule) Pop() any {
	old := *s
	last := old[len(old)-1]
	old[len(old)-1] = scheduledTask{}
	*s = old[:len(old)-1]
	return last
}

// A scheduleStage keeps claimed tasks, and passes them to the workers when their slots come
// up. No task blocks another: each has its own time, and a task whose slot has moved far
// back is deferred.
type scheduleStage struct {
	now      func() time.Time
	timeout  time.Duration // of a call
	limiter  *ratelimit.Limiter
	deferrer *deferrer
	batch    *claimBatchSizer

	schedule   schedule
	smoother   *smoother
	workers    int // started workers
	maxWorkers int

	claimed <-chan []*task // from the take and reslot stages
	ready   *readyQueue    // to the call stage
	reslots *reslotQueue   // to the reslot stage
	results resultQueue    // to the report stage
}

// run schedules claimed tasks. It accepts no more of them while half a claim batch is ready
// for the workers, so that leases do not expire. When the channel of claimed tasks is closed,
// ready tasks are still called, and scheduled tasks are deferred.
//
// It calls startWorker when there are more tasks than idle workers: a messenger without
// deliveries has no workers.
func (s *scheduleStage) run(startWorker func()) {
	defer s.ready.close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := s.now()
		s.passReady(s.due(now), startWorker)
		if len(s.schedule) > 0 {
			timer.Reset(s.schedule[0].at.Sub(now))
		}
		in := s.claimed
		if s.ready.isFull(s.batch.size() / 2) {
			in = nil
		}
		select {
		case tasks, open := <-in:
			if !open {
				s.deferRest()
				return
			}
			now = s.now()
			ready := make([]*task, 0, len(tasks))
			for _, t := range tasks {
				ready = s.check(t, now, ready)
			}
			s.passReady(ready, startWorker)
		case <-s.ready.room:
		case <-timer.C:
		}
	}
}

// due removes the due tasks from the schedule, and returns those that are ready.
func (s *scheduleStage) due(now time.Time) (ready []*task) {
	if len(s.schedule) > 0 && s.schedule[0].at.After(now.Add(claimHorizon+time.Second)) { // the clock was set back
		all := s.schedule
		s.schedule = nil
		for _, one := range all {
			ready = s.check(one.task, now, ready)
		}
	}
	for len(s.schedule) > 0 && !s.schedule[0].at.After(now) {
		one := heap.Pop(&s.schedule).(scheduledTask) //nolint:forcetypeassert // holds no other type
		ready = s.check(one.task, now, ready)
	}
	return ready
}

// deferRest defers the scheduled tasks.
func (s *scheduleStage) deferRest() {
	for _, one := range s.schedule {
		s.results.add(s.deferrer.deferUntil(one.task, one.at.Add(-enqueueLead), deferralStop))
	}
}

// passReady passes ready tasks to the workers, and starts more workers if there are too few.
func (s *scheduleStage) passReady(ready []*task, startWorker func()) {
	if len(ready) == 0 {
		return
	}
	missing := min(s.ready.add(ready), s.maxWorkers-s.workers)
	for range missing {
		s.workers++
		startWorker()
	}
}

// check checks a task whose time may have come, and appends it to ready or schedules it. A
// task that would wait so long that its lease leaves no time for the call is deferred
// before it uses its slot.
func (s *scheduleStage) check(t *task, now time.Time, ready []*task) []*task {
	if t.refused != "" {
		return append(ready, t)
	}
	view := viewSlots(s.limiter, t)
	at, why := view.timeAndReason(now)
	if smooth := s.smoother.earliest(t, now); smooth.After(at) {
		at = smooth
	}
	soon := now
	if why == deferralRateLimit && t.isFinerThanGranularity() {
		soon = now.Add(slotGranularity)
	}
	switch {
	case view.isMissed():
		if r, ended := s.reslots.addMissed(t); ended {
			s.results.add(r)
		}
	case at.After(now.Add(claimHorizon)):
		s.results.add(s.deferrer.deferUntil(t, at.Add(-enqueueLead), why))
	case at.Add(s.timeout).After(t.claim.LeaseExpireTime):
		s.results.add(s.deferrer.deferUntil(t, at.Add(-enqueueLead), deferralLease))
	case at.After(soon):
		heap.Push(&s.schedule, scheduledTask{t, at})
	default:
		s.smoother.note(t, now)
		ready = append(ready, t)
	}
	return ready
}
