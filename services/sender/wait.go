package sender

import (
	"container/heap"
	"time"
)

// grain is how finely calls are spread: slots that lie closer together than that are
// used together. A provider that takes a thousand calls a second does not mind.
const grain = time.Millisecond

// A waiting is a claimed task that waits for its slot.
type waiting struct {
	*task
	at time.Time
}

// A waitlist is a heap of what waits, the soonest first.
type waitlist []waiting

func (w waitlist) Len() int           { return len(w) }
func (w waitlist) Less(i, j int) bool { return w[i].at.Before(w[j].at) }
func (w waitlist) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *waitlist) Push(x any)        { *w = append(*w, x.(waiting)) } //nolint:forcetypeassert // heap gives back what it was given
func (w *waitlist) Pop() any {
	old := *w
	last := old[len(old)-1]
	old[len(old)-1] = waiting{}
	*w = old[:len(old)-1]
	return last
}

// wait holds claimed tasks until their slots come up, and then gives them to the
// workers. No task holds up another: each has its own time, and a slot that has
// moved far back sends its delivery back to the ledger. It takes no more while half
// of a claim is ready for the workers, so that leases do not run out. When claimed is
// closed, what is ready is still called, and what waits goes back.
//
// Workers begin when there is work that none of those who did is free for: who is
// never told anything by a messenger has none of its workers.
func (l *lane) wait(begin func()) {
	defer l.ready.close()
	begun := 0
	var list waitlist
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := l.Now()
		var ready []*task
		if len(list) > 0 && list[0].at.After(now.Add(bound+time.Second)) { // the clock went back
			all := list
			list = nil
			for _, w := range all {
				ready = l.due(w.task, now, &list, ready)
			}
		}
		for len(list) > 0 && !list[0].at.After(now) {
			due := heap.Pop(&list).(waiting) //nolint:forcetypeassert // it holds nothing else
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

// begin gives tasks to the workers, of which so many have begun, and lets more begin
// where there are too few. It says how many have.
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

// due looks at a task whose time may have come: it can be called, and joins what is
// ready, or must wait on. What would wait so long that its lease left no time for the
// call goes back, before it has used up a turn.
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
