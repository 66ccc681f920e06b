package sender

import (
	"context"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// dropSlots drops slots that were reserved under a slower limit, or under a limit that is
// off now, and makes the deliveries that wait for them due at once.
func (pl *pipeline) dropSlots(ctx context.Context) {
	select {
	case <-pl.Limiter.Ready():
	case <-ctx.Done():
		return
	}
	n, err := pl.Limiter.ResetSlow(ctx, pl.rateOfKey, claimHorizon)
	if err != nil && ctx.Err() == nil {
		pl.Log.Warn("cannot drop slots of a slower limit, deliveries wait for them", "messenger", pl.name, "error", err)
	}
	if n == 0 {
		return
	}
	released, err := retryUntilAnswered(ctx, pl.link, "release deliveries", func() (int, error) { return pl.Dispatch.Release(ctx, pl.name) })
	if err != nil {
		if ctx.Err() == nil {
			pl.Log.Warn("cannot release deliveries that wait for slots of a slower limit", "messenger", pl.name, "error", err)
		}
		return
	}
	pl.Log.Info("rate limits were raised, slots of slower limits dropped", "messenger", pl.name, "keys", n, "deliveries", released)
}

// rateOfKey returns the rate limit of a limiter key, and false for one of another messenger.
func (pl *pipeline) rateOfKey(id string) (ratelimit.Rate, bool) {
	name, destination := messenger.OfKeyID(id)
	return pl.rate(destination), name == pl.name
}

// rate returns the rate limit of a credential, or of a destination.
func (pl *pipeline) rate(destination bool) ratelimit.Rate {
	if !destination {
		return pl.limits.Credential
	}
	if pl.limits.Credential.Implies(pl.limits.Destination) { // the credential's slots suffice
		return ratelimit.Rate{}
	}
	return pl.limits.Destination
}
