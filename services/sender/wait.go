package sender

import (
	"container/heap"
	"time"
)

// grain is the granularity of the schedule: slots less than that apart are used together.
// A provider that allows a thousand calls a second tolerates it.
const grain = time.Millisecond

// A waiting is a claimed task with the time of its slot.
type waiting struct {
	*task
	at time.Time
}

// A waitlist is a heap of claimed tasks, the earliest first.
type waitlist []waiting

func (w waitlist) Len() int           { return len(w) }
func (w waitlist) Less(i, j int) bool { return w[i].at.Before(w[j].at) }
func (w waitlist) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *waitlist) Push(x any)        { *w = append(*w, x.(waiting)) } //nolint:forcetypeassert // heap returns pushed values
func (w *waitlist) Pop() any {
	old := *w
	last := old[len(old)-1]
	old[len(old)-1] = waiting{}
	*w = old[:len(old)-1]
	return last
}

// wait schedules claimed tasks, and passes them to the workers when their slots come up.
// No task blocks another: each has its own time, and a task whose slot has moved far back
// is deferred. It accepts no more tasks while half a claim batch is ready for the
// workers, so that leases do not expire. When claimed is closed, ready tasks are still
// called, and scheduled tasks are deferred.
//
// Workers start when there are more tasks than idle workers: a messenger without
// deliveries has no workers.
func (l *lane) wait(begin func()) {
	defer l.ready.close()
	begun := 0
	var list waitlist
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := l.Now()
		var ready []*task
		if len(list) > 0 && list[0].at.After(now.Add(bound+time.Second)) { // the clock was set back
			all := list
			list = nil
			for _, w := range all {
				ready = l.due(w.task, now, &list, ready)
			}
		}
		for len(list) > 0 && !list[0].at.After(now) {
			due := heap.Pop(&list).(waiting) //nolint:forcetypeassert // holds no other type
			ready = l.due(due.task, now, &list, ready)
		}
		begun = l.begin(ready, begun, begin)
		if len(list) > 0 {
			timer.Reset(list[0].at.Sub(now))
		}
		in := l.claimed
		if l.ready.full(l.stock() / 2) {
			in = nil
		}
		select {
		case tasks, open := <-in:
			if !open {
				for _, w := range list {
					l.results <- l.put(w.task, w.at.Add(-lead), becauseStop)
				}
				return
			}
			now, ready = l.Now(), make([]*task, 0, len(tasks))
			for _, t := range tasks {
				ready = l.due(t, now, &list, ready)
			}
			begun = l.begin(ready, begun, begin)
		case <-l.ready.room:
		case <-timer.C:
		}
	}
}

// begin passes ready tasks to the workers, of which begun have started, and starts more
// if there are too few. It returns the number of started workers.
func (l *lane) begin(ready []*task, begun int, begin func()) int {
	if len(ready) == 0 {
		return begun
	}
	more := min(l.ready.add(ready), l.Workers-begun)
	for range more {
		begin()
	}
	return begun + max(0, more)
}

// due checks a task whose time may have come: it becomes ready, or is scheduled again. A
// task that would wait so long that its lease leaves no time for the call is deferred
// before it uses its slot.
func (l *lane) due(t *task, now time.Time, list *waitlist, ready []*task) []*task {
	if t.refused != "" {
		return append(ready, t)
	}
	turn := l.turn(t)
	at, why := turn.when(now)
	if even := l.even.next(t, now); even.After(at) {
		at = even
	}
	soon := now
	if why == becausePace && t.fine() {
		soon = now.Add(grain)
	}
	switch {
	case turn.missed():
		if r, over := l.late(t); over {
			l.results <- r
		}
	case at.After(now.Add(bound)):
		l.results <- l.put(t, at.Add(-lead), why)
	case at.Add(l.timeout).After(t.claim.Expire):
		l.results <- l.put(t, at.Add(-lead), becauseLease)
	case at.After(soon):
		heap.Push(list, waiting{t, at})
	default:
		l.even.use(t, now)
		ready = append(ready, t)
	}
	return ready
}
