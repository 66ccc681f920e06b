package faults

import (
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
)

const (
	// breakerOpen is how long a breaker keeps deliveries waiting, with what it adds to
	// spread them. It takes breakerCalls within breakerWindow to open it, and then one
	// probe at a time.
	breakerOpen   = 4 * time.Second
	breakerCalls  = 10
	breakerWindow = 10 * time.Second
)

// A try is an attempt, as it looks to the others under its token.
type try struct {
	span
	channel string
	pause   time.Duration // that the provider asked for
	failed  bool          // as a breaker counts
	opens   bool          // a breaker may have opened by it
}

func tryOf(d *alertv1.Delivery, a *alertv1.Attempt) try {
	one := try{span: span{a.GetStartTime().AsTime(), a.GetEndTime().AsTime()}, channel: d.GetDestination(), failed: failed(a)}
	if a.GetOutcome().GetKind() == messengerv1.OutcomeKind_OUTCOME_KIND_PAUSED {
		one.pause = max(time.Second, time.Duration(a.GetOutcome().GetRetryAfterMs())*time.Millisecond)
	}
	return one
}

// markOpening marks the tries, in the order of their ends, by which a breaker may have
// opened: there were enough within its window, and one of them failed. Or it failed as
// the probe of one that was open.
func markOpening(tries []try) {
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

// leaseExpired says whether an attempt is that of a sender which did not report it.
func leaseExpired(a *alertv1.Attempt) bool {
	return a.GetOutcome().GetProviderCode() == "lease_expired"
}

// failed says whether an attempt came to nothing that is known.
func failed(a *alertv1.Attempt) bool {
	kind := a.GetOutcome().GetKind()
	return kind == messengerv1.OutcomeKind_OUTCOME_KIND_RETRY || kind == messengerv1.OutcomeKind_OUTCOME_KIND_UNKNOWN
}
