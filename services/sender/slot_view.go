package sender

import (
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// A slotView is the limiter state of a task's keys at one moment, which determines when the
// task may be called.
type slotView struct {
	*task
	destinationView, credentialView ratelimit.KeyView
}

// viewSlots returns the current limiter state of a task's keys.
func viewSlots(limiter *ratelimit.Limiter, t *task) slotView {
	view := slotView{task: t}
	if t.destination.ID != "" {
		view.destinationView = limiter.View(t.destination.Key)
	}
	if t.credential.ID != "" {
		view.credentialView = limiter.View(t.credential.Key)
	}
	return view
}

// timeAndReason returns the time at which the task may be called, and the reason for the
// wait, one of the reasons for deferrals.
func (s slotView) timeAndReason(now time.Time) (at time.Time, why string) {
	at, why = now, deferralRateLimit
	for _, v := range []ratelimit.KeyView{s.destinationView, s.credentialView} {
		if paused := v.Status().PausedUntil; paused.After(at) {
			at, why = paused, deferralPause
		}
	}
	if last := s.lastSlotTime(); last.After(at) {
		at = last
	}
	return at, why
}

// lastSlotTime returns the later time of its slots: neither is missed before that.
func (s slotView) lastSlotTime() (last time.Time) {
	if at, holds := s.destinationView.When(s.destination.slot); holds {
		last = at
	}
	if at, holds := s.credentialView.When(s.credential.slot); holds && at.After(last) {
		last = at
	}
	return last
}

// maxReslots is how many times a task reserves another slot after it missed one. Then it
// is called anyway: a sender that is always late must send, too.
const maxReslots = 3

// isMissed reports whether the task must not be called now because it missed a slot.
func (s slotView) isMissed() bool {
	if s.misses >= maxReslots {
		return false
	}
	last := s.lastSlotTime()
	return s.destinationView.Missed(s.destination.slot, last) || s.credentialView.Missed(s.credential.slot, last)
}
