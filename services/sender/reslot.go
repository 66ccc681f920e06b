package sender

import (
	"context"
	"time"
)

// A reslotStage reserves other slots for claimed tasks that missed theirs, and passes them
// to the schedule stage again.
type reslotStage struct {
	now      func() time.Time
	timeout  time.Duration // of a call
	slots    *slotReserver
	deferrer *deferrer

	reslots *reslotQueue   // from the schedule and call stages
	claimed chan<- []*task // to the schedule stage
	results resultQueue    // to the report stage
}

// run reserves other slots until ctx ends. Then it defers the remaining tasks.
func (s *reslotStage) run(ctx context.Context) {
	for {
		select {
		case <-s.reslots.added:
			s.reslot(ctx, s.reslots.take())
		case <-ctx.Done():
			s.reslots.close()
			s.reslot(ctx, s.reslots.take())
			return
		}
	}
}

// reslot reserves other slots for claimed tasks, while their leases leave time for a call:
// the limiter state may be unavailable. A task that by then has no slot, or is not
// accepted by the schedule stage, is deferred before its lease expires and its outcome
// becomes unknown.
func (s *reslotStage) reslot(ctx context.Context, tasks []*task) {
	leaseCtx, cancel := context.WithTimeout(ctx, s.timeToLeaseEnd(tasks))
	defer cancel()
	soon, deferrals, err := s.slots.reserve(leaseCtx, tasks, nil)
	if err != nil {
		for _, t := range tasks {
			deferrals = append(deferrals, s.deferrer.deferUntil(t, s.now(), deferralMissedSlot))
		}
	}
	for _, r := range deferrals {
		s.results.add(r)
	}
	if len(soon) == 0 {
		return
	}
	select {
	case s.claimed <- soon:
	case <-leaseCtx.Done():
		for _, t := range soon {
			s.results.add(s.deferrer.deferUntil(t, s.now(), deferralLease))
		}
	}
}

// timeToLeaseEnd returns the time until the first of the claimed tasks must be called, so
// that the call ends within its lease.
func (s *reslotStage) timeToLeaseEnd(tasks []*task) (least time.Duration) {
	for i, t := range tasks {
		if left := t.claim.LeaseExpireTime.Sub(s.now()) - s.timeout; i == 0 || left < least {
			least = left
		}
	}
	return least
}
