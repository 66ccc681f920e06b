package sender

import (
	"context"
	"errors"
	"time"

	"github.com/bongsu-project/bongsu/internal/pace"
)

// withoutCopies leaves out what a copy of a job brings. There are copies where a process
// died: the queue gives the job again that it had, and the clock puts it again. Most
// cost nothing, as they are not claimed twice; but each would reserve a turn first. Where
// turns are so dear that who comes next would wait longer than bound for one, the ledger
// is asked before: what it does not grant takes none, and what has its slots keeps them.
// Two senders that ask in the same moment may both reserve.
func (l *lane) withoutCopies(ctx context.Context, tasks []*task) ([]*task, error) {
	dear := l.dear(tasks)
	if len(dear) == 0 {
		return tasks, nil
	}
	l.deferring.Wait() // what was planned before must be in the ledger, to be known again
	ids := make([]int64, 0, len(dear))
	for t := range dear {
		ids = append(ids, t.delivery.ID)
	}
	free, err := answered(ctx, l, "say which deliveries are free",
		func(ctx context.Context) (map[int64]string, error) { return l.Dispatch.Free(ctx, ids) },
		func(context.Context, map[int64]string) {})
	if errors.Is(err, errUnanswered) {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // it does not know the question: a turn may be lost, and nothing else
		l.Log.Debug("the alert service cannot say which deliveries are free", "messenger", l.name, "error", err)
		return tasks, nil
	}
	left := make([]*task, 0, len(tasks))
	for _, t := range tasks {
		slots, is := free[t.delivery.ID]
		switch {
		case !dear[t]:
		case !is:
			continue
		case slots != "":
			t.delivery.Slots = slots
			t.readSlots()
		}
		left = append(left, t)
	}
	return left, nil
}

// dear gives the tasks that would reserve a slot under a key whose next slot would then
// be later than bound.
func (l *lane) dear(tasks []*task) map[*task]bool {
	lacking := map[pace.Key][]*task{}
	for _, t := range tasks {
		for _, one := range []*paced{&t.destination, &t.credential} {
			if l.lacks(t, one) {
				lacking[one.Key] = append(lacking[one.Key], t)
			}
		}
	}
	dear := map[*task]bool{}
	soon := l.Now().Add(bound)
	for key, some := range lacking {
		if l.Pace.View(key).NextSlot().Add(time.Duration(len(some)) * key.Rate.Interval()).After(soon) {
			for _, t := range some {
				dear[t] = true
			}
		}
	}
	return dear
}
