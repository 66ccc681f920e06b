package ledger

import (
	"github.com/bongsu-project/bongsu/services/alert"
)

// A placement holds the columns of a delivery to insert that depend on its thread and on its
// failover chain.
type placement struct {
	state          alert.State
	reason         string
	end            int64
	next           int64
	held, deferred bool
	resume         int64 // set if it is blocked by its thread
}

// placement returns the columns of a delivery.
func (r deliveryRow) placement() placement {
	if r.settled != nil {
		return *r.settled
	}
	held := r.State == alert.Held
	p := placement{
		state: r.State, reason: r.Reason, end: micros(r.EndTime),
		next: micros(r.nextTime), held: held, deferred: held || r.Hold != alert.HoldNone,
	}
	if held {
		p.state = alert.Queued
	}
	if p.deferred {
		p.next = micros(r.NextTime)
	}
	switch {
	case r.canceled != "":
		p.state, p.reason, p.end = alert.Canceled, r.canceled, micros(r.alert.CreateTime)
	case r.blocked && p.deferred:
		p.resume, p.next, p.held = p.next, blockedUntil, true
	case r.blocked:
		p.resume, p.next, p.held, p.deferred = micros(r.alert.CreateTime), blockedUntil, true, true
	}
	return p
}

// cancel makes a queued delivery Canceled.
func (p *placement) cancel(reason string, now int64) {
	p.state, p.reason, p.end, p.resume = alert.Canceled, reason, now, 0
}

// unblock unblocks a delivery without a chain, which is due at its resume time.
func (p *placement) unblock(now int64) {
	p.next, p.held, p.deferred, p.resume = max(p.resume, now), false, p.resume > now, 0
}

// block blocks a queued delivery until those before it in the thread are completed.
func (p *placement) block(now int64) {
	resume := now
	if p.deferred {
		resume = max(now, p.next)
	}
	p.next, p.held, p.deferred, p.resume = blockedUntil, true, true, resume
}
