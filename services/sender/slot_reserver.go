package sender

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

const (
	// claimHorizon is how long a claimed delivery waits for its slot. Deliveries that must
	// wait longer are deferred.
	claimHorizon = 2 * time.Second
	// enqueueLead is how long before its slot a deferred delivery is enqueued again.
	enqueueLead = 1500 * time.Millisecond
	// maxConcurrentReserves is the maximum number of concurrent requests for limiter keys.
	maxConcurrentReserves = 16
)

// A slotReserver reserves the slots of tasks: for the plan stage, and for the reslot stage.
// It is safe for concurrent use.
type slotReserver struct {
	now      func() time.Time
	limiter  *ratelimit.Limiter
	deferrer *deferrer
}

// reserve reserves a destination slot and a credential slot for tasks without them. It
// returns the tasks that may be sent soon, and appends the deferrals of the others. The
// destination comes first: tasks that must wait for it reserve no slot of the credential.
func (r *slotReserver) reserve(ctx context.Context, tasks []*task, deferrals []result) ([]*task, []result, error) {
	for _, which := range []func(*task) *limitedKey{
		func(t *task) *limitedKey { return &t.destination },
		func(t *task) *limitedKey { return &t.credential },
	} {
		if err := r.reserveUnder(ctx, tasks, which); err != nil {
			return nil, nil, err
		}
		tasks, deferrals = r.split(tasks, which, deferrals)
	}
	return tasks, deferrals, nil
}

// reserveUnder reserves slots under the key that which selects, for tasks without one.
func (r *slotReserver) reserveUnder(ctx context.Context, tasks []*task, which func(*task) *limitedKey) error {
	type request struct {
		key    string
		urgent bool
	}
	requests := map[request][]*task{}
	for _, t := range tasks {
		one := which(t)
		if needsSlot(r.limiter, t, one) {
			req := request{one.ID, t.isUrgent() || r.limiter.View(one.Key).Missed(one.slot, time.Time{})} // it has waited already
			one.slot = ratelimit.Slot{}
			requests[req] = append(requests[req], t)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxConcurrentReserves)
	for req, some := range requests {
		g.Go(func() error {
			slots, err := r.limiter.Reserve(ctx, which(some[0]).Key, len(some), req.urgent)
			for i, slot := range slots {
				which(some[i]).slot = slot
			}
			return err
		})
	}
	return g.Wait()
}

// split returns the tasks whose slot under the key that which selects comes up soon, and
// appends the deferrals of the others.
func (r *slotReserver) split(tasks []*task, which func(*task) *limitedKey, deferrals []result) ([]*task, []result) {
	now := r.now()
	soon := make([]*task, 0, len(tasks))
	for _, t := range tasks {
		one := which(t)
		if one.needsSlot() && one.slot.IsZero() { // beyond the horizon
			deferrals = append(deferrals, r.deferrer.deferUntil(t, r.limiter.Horizon().Add(rand.N(time.Minute)), deferralRateLimit)) //nolint:gosec // spreads load
		} else if at, why := viewSlots(r.limiter, t).timeAndReason(now); at.After(now.Add(claimHorizon)) {
			deferrals = append(deferrals, r.deferrer.deferUntil(t, at.Add(-enqueueLead), why))
		} else {
			soon = append(soon, t)
		}
	}
	return soon, deferrals
}

// needsSlot reports whether a task must reserve a slot under one of its keys: it has none,
// or none that can be used.
func needsSlot(limiter *ratelimit.Limiter, t *task, one *limitedKey) bool {
	if !one.needsSlot() || one.slot.IsZero() {
		return one.needsSlot()
	}
	view := limiter.View(one.Key)
	_, holds := view.When(one.slot)
	return !holds || view.Missed(one.slot, viewSlots(limiter, t).lastSlotTime())
}
