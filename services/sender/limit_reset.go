package sender

import (
	"context"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// dropSlots drops slots that were reserved under a slower limit, or under a limit that is
// off now, and makes the deliveries that wait for them due at once.
func (l *pipeline) dropSlots(ctx context.Context) {
	select {
	case <-l.Limiter.Ready():
	case <-ctx.Done():
		return
	}
	n, err := l.Limiter.ResetSlow(ctx, l.name, l.rate, claimHorizon)
	if err != nil && ctx.Err() == nil {
		l.Log.Warn("cannot drop slots of a slower limit, deliveries wait for them", "messenger", l.name, "error", err)
	}
	if n == 0 {
		return
	}
	released, err := retryUntilAnswered(ctx, l.link, "release deliveries", func() (int, error) { return l.Dispatch.Release(ctx, l.name) })
	if err != nil {
		if ctx.Err() == nil {
			l.Log.Warn("cannot release deliveries that wait for slots of a slower limit", "messenger", l.name, "error", err)
		}
		return
	}
	l.Log.Info("rate limits were raised, slots of slower limits dropped", "messenger", l.name, "keys", n, "deliveries", released)
}

// rate returns the rate limit of a credential, or of a destination.
func (l *pipeline) rate(destination bool) messenger.Rate {
	if !destination {
		return l.limits.Credential
	}
	if l.limits.Credential.Implies(l.limits.Destination) { // the credential's slots suffice
		return messenger.Rate{}
	}
	return l.limits.Destination
}
