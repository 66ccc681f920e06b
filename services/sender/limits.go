package sender

import (
	"context"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// dropSlots drops what was reserved under a limit that was slower than today's, or that
// there is none any more, and lets the deliveries come at once that wait for it.
func (l *lane) dropSlots(ctx context.Context) {
	select {
	case <-l.Pace.Loaded():
	case <-ctx.Done():
		return
	}
	n, err := l.Pace.DropSlots(ctx, l.name, l.rate, bound)
	if err != nil && ctx.Err() == nil {
		l.Log.Warn("slots of an older limit could not be dropped; deliveries wait for them", "messenger", l.name, "error", err)
	}
	if n == 0 {
		return
	}
	released, err := insist(ctx, l.link, "release deliveries", func() (int, error) { return l.Dispatch.Release(ctx, l.name) })
	if err != nil {
		if ctx.Err() == nil {
			l.Log.Warn("deliveries that wait for slots of an older limit cannot be released", "messenger", l.name, "error", err)
		}
		return
	}
	l.Log.Info("the limits are faster than they were; slots of the older ones are dropped", "messenger", l.name, "keys", n, "deliveries", released)
}

// rate is how fast a credential, or a destination, may be called.
func (l *lane) rate(destination bool) messenger.Rate {
	if !destination {
		return l.limits.Credential
	}
	if l.limits.Credential.Keeps(l.limits.Destination) { // its calls are some of the credential's: they need no slots
		return messenger.Rate{}
	}
	return l.limits.Destination
}
