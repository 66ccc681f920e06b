package alert

import (
	"math/rand/v2"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
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

// NewVerdictRule returns the VerdictRule for deliveries by these messengers. Every final
// state but Sent has a reason, and only the response of a provider makes a delivery Sent.
func NewVerdictRule(specs []messenger.Spec) VerdictRule {
	return func(f VerdictFacts, r dispatch.Report) Verdict {
		switch r.Outcome.Kind {
		case messenger.Sent:
			return Verdict{State: Sent, CountsAsTry: true}
		case messenger.Failed:
			return Verdict{State: Failed, Reason: endReason(r.Outcome), CountsAsTry: true}
		case messenger.Paused:
			return f.retryIn(max(r.Outcome.RetryAfter, shortPause), false)
		case messenger.Retry:
			if r.Outcome.PreviousGone {
				return f.retryIn(0, false) // nothing was sent: it is sent as a new message
			}
			if r.Outcome.Destination != "" && f.Tries == 0 {
				return f.retryIn(0, true) // it is retried at another destination
			}
			return f.retryIn(max(r.Outcome.RetryAfter, retryDelay(f.Tries)), true)
		}
		// The message may have been sent.
		spec, _ := messenger.Find(specs, f.Messenger)
		if spec.Costly && f.Rank != job.Critical {
			return Verdict{State: Failed, Reason: endReason(r.Outcome), CountsAsTry: true}
		}
		retry := f.retryIn(retryDelay(f.Tries), true)
		retry.ProviderDeduplicates = spec.Idempotent
		return retry
	}
}

// retryIn returns the verdict for a retry after wait; Canceled if the delivery was canceled.
func (f VerdictFacts) retryIn(wait time.Duration, counts bool) Verdict {
	if f.Canceled {
		return Verdict{State: Canceled, Reason: "canceled", CountsAsTry: counts}
	}
	return Verdict{State: Queued, NextTime: f.Now.Add(wait), CountsAsTry: counts}
}

// endReason returns the provider's code, or else the kind of the outcome.
func endReason(o messenger.Outcome) string {
	if o.Code != "" {
		return o.Code
	}
	return o.Kind.String()
}

// retryDelay returns the wait before the next retry: a random time below a maximum that
// doubles with each try (full jitter), so that deliveries that failed together are not
// retried together.
func retryDelay(tries int) time.Duration {
	bound := lastRetry
	if tries < 9 { // 2^9 s exceeds lastRetry
		bound = min(bound, firstRetry<<tries)
	}
	return rand.N(bound) //nolint:gosec // jitter is no secret
}
