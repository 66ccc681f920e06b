package alert

import (
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A Hold is why a delivery is held back until its NextTime. Deliveries to one address that were
// held back and are due together are sent as one message, a digest. A delivery keeps its hold
// when it is retried, so that retries are digests too. Only the deliveries of messengers that
// are not messenger.Spec.Stateful can be held back.
type Hold int

// The reasons for which a delivery is held back. They are stored.
const (
	HoldNone       Hold = iota // it is not held back
	HoldQuietHours             // the quiet hours of its user
	HoldDigest                 // too many deliveries to its address: see DigestRule
)

// String returns the name of the hold for callers, empty for HoldNone.
func (h Hold) String() string { return [...]string{"", "quiet_hours", "digest"}[h] }

// canHold reports whether a delivery that is about to be recorded can be held back.
func (h *Handler) canHold(d *Delivery) bool {
	if d.State != Queued && d.State != Held || d.Hold != HoldNone {
		return false
	}
	spec, ok := messenger.Find(h.Specs, d.Messenger)
	return ok && !spec.Stateful
}

// holdBack holds back the delivery at an index of ds, for which canHold must be true, until a
// time after now. If it is the first one of a failover chain, the failover delays of the others
// begin at that time, and they are held back too: if the first ones fail together, the next ones
// are sent together.
func (h *Handler) holdBack(ds []Delivery, index int, why Hold, until, now time.Time) {
	first := &ds[index]
	first.Hold, first.NextTime = why, until
	if h.HeldBack != nil {
		h.HeldBack(first.Messenger, why)
	}
	if first.Chain == 0 {
		return
	}
	for i := range ds {
		if d := &ds[i]; d.Chain == first.Chain && d.State == Held {
			if d.NextTime = d.NextTime.Add(until.Sub(now)); h.canHold(d) {
				d.Hold = why
			}
		}
	}
}
