package sender

import (
	"time"

	"github.com/bongsu-project/bongsu/internal/pace"
)

// A turn is how the keys of a task stood at one moment, and what that says of when it
// may be called.
type turn struct {
	*task
	destinationView, credentialView pace.View
}

// turn looks at the keys of a task.
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

// when is when the task may be called, as far as was known, and what it waits for.
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

// last is when the last of its slots comes up: none is missed before that.
func (t turn) last() (last time.Time) {
	if at, holds := t.destinationView.When(t.destination.slot); holds {
		last = at
	}
	if at, holds := t.credentialView.When(t.credential.slot); holds && at.After(last) {
		last = at
	}
	return last
}

// mostMisses is how often a task takes another slot because it comes too late for its
// own. Then it goes: a sender that is always late must send, too.
const mostMisses = 3

// missed says whether the task must not be called now because it comes too late for
// a slot.
func (t turn) missed() bool {
	if t.misses >= mostMisses {
		return false
	}
	last := t.last()
	return t.destinationView.Missed(t.destination.slot, last) || t.credentialView.Missed(t.credential.slot, last)
}
