package alert

import (
	"math/rand/v2"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

const (
	// firstRetry is the maximum backoff before the first retry; the maximum doubles with
	// each try.
	firstRetry = time.Second
	// lastRetry is the maximum backoff, except for a wait that a provider requests.
	lastRetry = 5 * time.Minute
	// shortPause is the pause if a provider requests one without a duration.
	shortPause = time.Second
)

// NewRule returns the Rule of these messengers. Every final state but Sent has a reason,
// and only the response of a provider makes a delivery Sent.
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
				return f.again(0, true) // it is retried at another destination
			}
			return f.again(max(r.Outcome.After, backoff(f.Tries)), true)
		}
		// The message may have been sent.
		spec, _ := messenger.Find(specs, f.Messenger)
		if spec.Costly && f.Rank != job.Critical {
			return Verdict{State: Failed, Reason: reason(r.Outcome), Counts: true}
		}
		again := f.again(backoff(f.Tries), true)
		again.Once = spec.Idempotent
		return again
	}
}

// again returns the verdict for a retry after wait; Canceled if the delivery was canceled.
func (f Facts) again(wait time.Duration, counts bool) Verdict {
	if f.Canceled {
		return Verdict{State: Canceled, Reason: "canceled", Counts: counts}
	}
	return Verdict{State: Queued, NextTime: f.Now.Add(wait), Counts: counts}
}

// reason returns the provider's code, or else the kind of the outcome.
func reason(o messenger.Outcome) string {
	if o.Code != "" {
		return o.Code
	}
	return o.Kind.String()
}

// backoff returns the wait before the next retry: a random time below a maximum that
// doubles with each try (full jitter), so that deliveries that failed together are not
// retried together.
func backoff(tries int) time.Duration {
	bound := lastRetry
	if tries < 9 { // 2^9 s exceeds lastRetry
		bound = min(bound, firstRetry<<tries)
	}
	return rand.N(bound) //nolint:gosec // jitter is no secret
}
