package alert

import (
	"math/rand/v2"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

const (
	// firstRetry bounds the wait before the first retry; each bound is twice the one
	// before.
	firstRetry = time.Second
	// lastRetry bounds every wait that no provider asked for.
	lastRetry = 5 * time.Minute
	// shortPause is the wait where a provider asks for one and does not say how long.
	shortPause = time.Second
)

// NewRule gives the Rule of these messengers. Every end bears a reason, and only a
// provider's word makes a delivery Sent.
func NewRule(specs []messenger.Spec) Rule {
	return func(f Facts, r Report) Verdict {
		switch r.Outcome.Kind {
		case messenger.Sent:
			return Verdict{State: Sent, Counts: true}
		case messenger.Failed:
			return Verdict{State: Failed, Reason: reason(r.Outcome), Counts: true}
		case messenger.Paused:
			return f.again(max(r.Outcome.After, shortPause), false)
		case messenger.Retry:
			if r.Outcome.Destination != "" && f.Tries == 0 {
				return f.again(0, true) // it goes on at another destination
			}
			return f.again(max(r.Outcome.After, backoff(f.Tries)), true)
		}
		// It may have been sent.
		spec, _ := messenger.Find(specs, f.Messenger)
		if spec.Costly && f.Rank != job.Critical {
			return Verdict{State: Failed, Reason: reason(r.Outcome), Counts: true}
		}
		again := f.again(backoff(f.Tries), true)
		again.Once = spec.Idempotent
		return again
	}
}

// again lets a delivery wait and be tried again, unless its alert was canceled.
func (f Facts) again(wait time.Duration, counts bool) Verdict {
	if f.Canceled {
		return Verdict{State: Canceled, Reason: "canceled", Counts: counts}
	}
	return Verdict{State: Queued, NextTime: f.Now.Add(wait), Counts: counts}
}

// reason is the provider's word, or ours.
func reason(o messenger.Outcome) string {
	if o.Code != "" {
		return o.Code
	}
	return o.Kind.String()
}

// backoff is how long to wait after so many tries: anything up to a bound that
// doubles, so that what failed together does not come back together.
func backoff(tries int) time.Duration {
	bound := lastRetry
	if tries < 9 { // 2^9 s is beyond it
		bound = min(bound, firstRetry<<tries)
	}
	return rand.N(bound) //nolint:gosec // it spreads load, and keeps no secret
}
