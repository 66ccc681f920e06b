package faults

import (
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
)

const (
	// breakerOpen is how long a breaker delays deliveries, including jitter. It opens
	// after breakerCalls within breakerWindow, and then lets one probe through at a
	// time.
	breakerOpen   = 4 * time.Second
	breakerCalls  = 10
	breakerWindow = 10 * time.Second
)

// An attemptSpan is an attempt as seen by others under its credential.
type attemptSpan struct {
	span
	channel string
	pause   time.Duration // requested by the provider
	failed  bool          // as counted by a breaker
	opens   bool          // a breaker may have opened because of it
}

func tryOf(d *alertv1.Delivery, a *alertv1.Attempt) attemptSpan {
	one := attemptSpan{span: span{a.GetStartTime().AsTime(), a.GetEndTime().AsTime()}, channel: d.GetDestination(), failed: failed(a)}
	if a.GetOutcome().GetKind() == messengerv1.OutcomeKind_OUTCOME_KIND_PAUSED {
		one.pause = max(time.Second, time.Duration(a.GetOutcome().GetRetryAfterMs())*time.Millisecond)
	}
	return one
}

// markOpening marks the attempts, ordered by their ends, that may have opened a
// breaker: a failure with enough attempts within the window, or a failed probe of an
// open breaker.
func markOpening(tries []attemptSpan) {
	var opened time.Time
	for i, one := range tries {
		count, failures := 0, 0
		for _, other := range tries {
			if other.end.After(one.end.Add(-breakerWindow)) && !other.end.After(one.end) {
				count++
				if other.failed {
					failures++
				}
			}
		}
		probe := one.failed && one.end.Sub(opened) < 2*breakerOpen
		if count >= breakerCalls && failures > 0 || probe {
			tries[i].opens, opened = true, one.end
		}
	}
}

// failed reports whether an attempt failed or has an unknown outcome.
func failed(a *alertv1.Attempt) bool {
	kind := a.GetOutcome().GetKind()
	return kind == messengerv1.OutcomeKind_OUTCOME_KIND_RETRY || kind == messengerv1.OutcomeKind_OUTCOME_KIND_UNKNOWN
}
