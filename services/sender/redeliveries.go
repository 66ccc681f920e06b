package sender

import (
	"context"
	"errors"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// dropRedeliveries drops redeliveries. They occur when a process died: the queue redelivers
// its jobs, and the dispatch loop re-enqueues them. Most cost nothing, since they are not
// claimed twice; but each would first reserve a slot. If slots are so scarce that the
// next delivery would wait longer than bound for one, the ledger is queried first:
// deliveries that are not claimable reserve none, and deliveries with slots keep them.
// Two senders may still both reserve concurrently.
func (pl *pipeline) dropRedeliveries(ctx context.Context, tasks []*task) ([]*task, error) {
	dear := pl.scarce(tasks)
	if len(dear) == 0 {
		return tasks, nil
	}
	pl.deferring.Wait() // earlier deferrals must be in the ledger, to be recognized
	ids := make([]int64, 0, len(dear))
	for t := range dear {
		ids = append(ids, t.delivery.ID)
	}
	free, err := callAlert(ctx, pl, "list claimable deliveries",
		func(ctx context.Context) (map[int64]string, error) { return pl.Dispatch.Claimable(ctx, ids) },
		func(context.Context, map[int64]string) {})
	if errors.Is(err, errAlertTimeout) {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // an older alert service: a slot may be lost, nothing else
		pl.Log.Debug("alert service cannot list claimable deliveries", "messenger", pl.name, "error", err)
		return tasks, nil
	}
	left := make([]*task, 0, len(tasks))
	for _, t := range tasks {
		slots, ok := free[t.delivery.ID]
		switch {
		case !dear[t]:
		case !ok:
			continue
		case slots != "":
			t.delivery.Slots = slots
			t.readSlots()
		}
		left = append(left, t)
	}
	return left, nil
}

// scarce returns the tasks that would reserve a slot under a key whose next slot would then
// be later than bound.
func (pl *pipeline) scarce(tasks []*task) map[*task]bool {
	lacking := map[ratelimit.Key][]*task{}
	for _, t := range tasks {
		for _, one := range []*limitedKey{&t.destination, &t.credential} {
			if pl.needsSlot(t, one) {
				lacking[one.Key] = append(lacking[one.Key], t)
			}
		}
	}
	dear := map[*task]bool{}
	soon := pl.Now().Add(claimHorizon)
	for key, some := range lacking {
		if pl.Limiter.View(key).NextSlot().Add(time.Duration(len(some)) * key.Rate.Interval()).After(soon) {
			for _, t := range some {
				dear[t] = true
			}
		}
	}
	return dear
}
