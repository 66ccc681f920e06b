package sender

import (
	"time"

	"github.com/bongsu-project/bongsu/internal/pace"
)

// A turn is the limiter state of a task's keys at one moment, which determines when the
// task may be called.
type turn struct {
	*task
	destinationView, credentialView pace.View
}

// turn returns the current limiter state of a task's keys.
func (l *lane) turn(t *task) turn {
	at := turn{task: t}
	if t.destination.ID != "" {
		at.destinationView = l.Pace.View(t.destination.Key)
	}
	if t.credential.ID != "" {
		at.credentialView = l.Pace.View(t.credential.Key)
	}
	return at
}

// when returns the time at which the task may be called, and the reason for the wait.
func (t turn) when(now time.Time) (at time.Time, why string) {
	at, why = now, becausePace
	for _, v := range []pace.View{t.destinationView, t.credentialView} {
		if paused := v.Status().PausedUntil; paused.After(at) {
			at, why = paused, becausePause
		}
	}
	if last := t.last(); last.After(at) {
		at = last
	}
	return at, why
}

// last returns the later time of its slots: neither is missed before that.
func (t turn) last() (last time.Time) {
	if at, holds := t.destinationView.When(t.destination.slot); holds {
		last = at
	}
	if at, holds := t.credentialView.When(t.credential.slot); holds && at.After(last) {
		last = at
	}
	return last
}

// mostMisses is how many times a task reserves another slot after it missed one. Then it
// is called anyway: a sender that is always late must send, too.
const mostMisses = 3

// missed reports whether the task must not be called now because it missed a slot.
func (t turn) missed() bool {
	if t.misses >= mostMisses {
		return false
	}
	last := t.last()
	return t.destinationView.Missed(t.destination.slot, last) || t.credentialView.Missed(t.credential.slot, last)
}
