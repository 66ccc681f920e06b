package sender

import (
	"context"
	"errors"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// dropRedeliveries drops redeliveries. They occur when a process died: the queue redelivers
// its jobs, and the dispatch loop re-enqueues them. No delivery is claimed twice, but each
// redelivery would first reserve a slot. If slots are so scarce that the next delivery would
// wait longer than claimHorizon for one, the ledger is queried first: deliveries that are not
// claimable reserve none, and deliveries with slots keep them.
// Two senders may still both reserve concurrently.
func (s *planStage) dropRedeliveries(ctx context.Context, tasks []*task) ([]*task, error) {
	scarce := s.withScarceSlots(tasks)
	if len(scarce) == 0 {
		return tasks, nil
	}
	s.deferrals.wait() // earlier deferrals must be in the ledger, to be recognized
	ids := make([]int64, 0, len(scarce))
	for t := range scarce {
		ids = t.appendIDs(ids)
	}
	claimable, err := callAlert(ctx, s.calls, "list claimable deliveries",
		func(ctx context.Context) (map[int64]string, error) { return s.dispatch.Claimable(ctx, ids) },
		func(context.Context, map[int64]string) {})
	if errors.Is(err, errAlertTimeout) {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // an older alert service: a slot may be lost, nothing else
		s.log.Debug("alert service cannot list claimable deliveries", "error", err)
		return tasks, nil
	}
	left := make([]*task, 0, len(tasks))
	for _, t := range tasks {
		if !scarce[t] || t.keepClaimable(claimable) {
			left = append(left, t)
		}
	}
	return left, nil
}

// withScarceSlots returns the tasks that would reserve a slot under a key whose next slot
// would then be later than claimHorizon from now.
func (s *planStage) withScarceSlots(tasks []*task) map[*task]bool {
	lacking := map[ratelimit.Key][]*task{}
	for _, t := range tasks {
		for _, one := range []*limitedKey{&t.destination, &t.credential} {
			if needsSlot(s.limiter, t, one) {
				lacking[one.Key] = append(lacking[one.Key], t)
			}
		}
	}
	scarce := map[*task]bool{}
	soon := s.now().Add(claimHorizon)
	for key, some := range lacking {
		if s.limiter.View(key).NextSlot().Add(time.Duration(len(some)) * key.Rate.Interval()).After(soon) {
			for _, t := range some {
				scarce[t] = true
			}
		}
	}
	return scarce
}
