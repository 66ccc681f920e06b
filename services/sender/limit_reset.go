package sender

import (
	"context"
	"log/slog"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// A limitReset drops the slots of a messenger, once after the start, that were reserved
// under a slower rate limit, or under one that is off now.
type limitReset struct {
	messenger string
	log       *slog.Logger
	limiter   *ratelimit.Limiter
	limits    messenger.Limits
	dispatch  Dispatch
	link      *alertLink
}

// run drops the slots, and makes the deliveries that wait for them due at once.
func (r *limitReset) run(ctx context.Context) {
	select {
	case <-r.limiter.Ready():
	case <-ctx.Done():
		return
	}
	_, err := r.limiter.ResetSlow(ctx, r.rateOfKey, claimHorizon, r.release)
	if err != nil && ctx.Err() == nil {
		r.log.Warn("cannot drop slots of a slower limit, deliveries wait for them", "error", err)
	}
}

// release makes the deliveries of the messenger due that were deferred under its rate limits.
func (r *limitReset) release(ctx context.Context, keys int) error {
	released, err := retryCall(ctx, r.link, "release deliveries", func() (int, error) { return r.dispatch.Release(ctx, r.messenger) })
	if err != nil {
		return err
	}
	r.log.Info("rate limits were raised, slots of slower limits dropped", "keys", keys, "deliveries", released)
	return nil
}

// rateOfKey returns the rate limit of a limiter key, and false for one of another messenger.
func (r *limitReset) rateOfKey(id string) (ratelimit.Rate, bool) {
	name, destination := messenger.OfKeyID(id)
	rate := r.limits.Credential
	if destination {
		rate = destinationRate(r.limits)
	}
	return rate, name == r.messenger
}
