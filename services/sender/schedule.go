package sender

import (
	"container/heap"
	"time"
)

// slotGranularity is the granularity of the schedule: slots less than that apart are used together.
// A provider that allows a thousand calls a second tolerates it.
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

// scheduleLoop schedules claimed tasks, and passes them to the workers when their slots come up.
// No task blocks another: each has its own time, and a task whose slot has moved far back
// is deferred. It accepts no more tasks while half a claim batch is ready for the
// workers, so that leases do not expire. When claimed is closed, ready tasks are still
// called, and scheduled tasks are deferred.
//
// Workers start when there are more tasks than idle workers: a messenger without
// deliveries has no workers.
func (pl *pipeline) scheduleLoop(begin func()) {
	defer pl.ready.close()
	begun := 0
	var list schedule
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := pl.Now()
		var ready []*task
		if len(list) > 0 && list[0].at.After(now.Add(claimHorizon+time.Second)) { // the clock was set back
			all := list
			list = nil
			for _, s := range all {
				ready = pl.checkDue(s.task, now, &list, ready)
			}
		}
		for len(list) > 0 && !list[0].at.After(now) {
			due := heap.Pop(&list).(scheduledTask) //nolint:forcetypeassert // holds no other type
			ready = pl.checkDue(due.task, now, &list, ready)
		}
		begun = pl.dispatchReady(ready, begun, begin)
		if len(list) > 0 {
			timer.Reset(list[0].at.Sub(now))
		}
		in := pl.claimed
		if pl.ready.isFull(pl.claimBatchSize() / 2) {
			in = nil
		}
		select {
		case tasks, open := <-in:
			if !open {
				for _, s := range list {
					pl.results <- pl.deferTask(s.task, s.at.Add(-enqueueLead), deferralStop)
				}
				return
			}
			now, ready = pl.Now(), make([]*task, 0, len(tasks))
			for _, t := range tasks {
				ready = pl.checkDue(t, now, &list, ready)
			}
			begun = pl.dispatchReady(ready, begun, begin)
		case <-pl.ready.room:
		case <-timer.C:
		}
	}
}

// dispatchReady passes ready tasks to the workers, of which begun have started, and starts more
// if there are too few. It returns the number of started workers.
func (pl *pipeline) dispatchReady(ready []*task, begun int, begin func()) int {
	if len(ready) == 0 {
		return begun
	}
	more := min(pl.ready.add(ready), pl.Workers-begun)
	for range more {
		begin()
	}
	return begun + max(0, more)
}

// checkDue checks a task whose time may have come: it becomes ready, or is scheduled again. A
// task that would wait so long that its lease leaves no time for the call is deferred
// before it uses its slot.
func (pl *pipeline) checkDue(t *task, now time.Time, list *schedule, ready []*task) []*task {
	if t.refused != "" {
		return append(ready, t)
	}
	view := pl.slotView(t)
	at, why := view.timeAndReason(now)
	if even := pl.smoother.earliest(t, now); even.After(at) {
		at = even
	}
	soon := now
	if why == deferralRateLimit && t.isFinerThanGranularity() {
		soon = now.Add(slotGranularity)
	}
	switch {
	case view.isMissed():
		if r, over := pl.reslot(t); over {
			pl.results <- r
		}
	case at.After(now.Add(claimHorizon)):
		pl.results <- pl.deferTask(t, at.Add(-enqueueLead), why)
	case at.Add(pl.timeout).After(t.claim.LeaseExpireTime):
		pl.results <- pl.deferTask(t, at.Add(-enqueueLead), deferralLease)
	case at.After(soon):
		heap.Push(list, scheduledTask{t, at})
	default:
		pl.smoother.note(t, now)
		ready = append(ready, t)
	}
	return ready
}
