package sender

import (
	"container/heap"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

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

// A ready list holds what may be called now, by rank.
type readyList struct {
	byRank [len(job.Ranks)][]*task
	count  int
}

func (r *readyList) add(t *task) {
	rank := min(max(t.job.Rank, job.Critical), job.Low)
	r.byRank[rank] = append(r.byRank[rank], t)
	r.count++
}

// first is the most urgent task, and the rank to take it from.
func (r *readyList) first() (*task, int) {
	for rank, tasks := range r.byRank {
		if len(tasks) > 0 {
			return tasks[0], rank
		}
	}
	return nil, 0
}

func (r *readyList) take(rank int) {
	r.byRank[rank][0] = nil
	r.byRank[rank] = r.byRank[rank][1:]
	r.count--
}

// wait holds claimed tasks until their slots come up, and then gives them to the
// workers. No task holds up another: each has its own time, and a slot that has
// moved far back sends its delivery back to the ledger. It takes no more while
// enough is ready for the workers, so that leases do not run out. When claimed is
// closed, what is ready is still called, and what waits goes back.
//
// Workers begin when there is work that none of those who did is free for: who is
// never told anything by a messenger has none of its workers.
func (l *lane) wait(begin func()) {
	defer close(l.ready)
	begun := 0
	var list waitlist
	var ready readyList
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	claimed := l.claimed
	for claimed != nil || ready.count > 0 {
		now := l.Now()
		for len(list) > 0 && !list[0].at.After(now) {
			due := heap.Pop(&list).(waiting) //nolint:forcetypeassert // it holds nothing else
			l.due(due.task, now, &list, &ready)
		}
		if len(list) > 0 {
			timer.Reset(list[0].at.Sub(now))
		}
		in, out := claimed, l.ready
		if ready.count >= l.Workers {
			in = nil
		}
		next, rank := ready.first()
		if next == nil {
			out = nil
		} else if begun < l.Workers {
			select {
			case out <- next:
				ready.take(rank)
				continue
			default:
				begin()
				begun++
			}
		}
		select {
		case t, open := <-in:
			if open {
				l.due(t, l.Now(), &list, &ready)
				continue
			}
			claimed = nil
			for _, w := range list {
				l.results <- l.put(w.task, w.at.Add(-lead), becauseStop)
			}
			list = nil
		case out <- next:
			ready.take(rank)
		case <-timer.C:
		}
	}
}

// due looks at a task whose time may have come: it can be called, or must wait on.
// What would wait so long that its lease left no time for the call goes back, before
// it has used up a turn.
func (l *lane) due(t *task, now time.Time, list *waitlist, ready *readyList) {
	if t.refused != "" {
		ready.add(t)
		return
	}
	at, why := l.when(t, now)
	if even := l.even.next(t, now); even.After(at) {
		at = even
	}
	switch {
	case l.missed(t):
		l.results <- l.giveBack(t, now)
	case at.After(now.Add(bound)):
		l.results <- l.put(t, at.Add(-lead), why)
	case at.Add(l.timeout).After(t.claim.Expire):
		l.results <- l.put(t, at.Add(-lead), becauseLease)
	case at.After(now):
		heap.Push(list, waiting{t, at})
	default:
		l.even.use(t, now)
		ready.add(t)
	}
}
