package messenger

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// PagerDuty triggers and resolves alerts by the Events API v2
// (https://developer.pagerduty.com/docs/events-api-v2-overview).
type PagerDuty struct{ endpoint Endpoint }

var _ Messenger = PagerDuty{}

// NewPagerDuty returns a messenger that calls by an endpoint.
func NewPagerDuty(e Endpoint) PagerDuty { return PagerDuty{endpoint: e} }

// Spec describes an address on PagerDuty. A trigger with the dedup_key of an open alert
// is added to it and notifies nobody again.
func (PagerDuty) Spec() Spec {
	return Spec{
		Name:  "pagerduty",
		Title: "PagerDuty",
		Credential: Setting{
			Label: "Integration key",
			Hint: "32 letters and digits, from a service's integration Events API V2; for an account in the EU " +
				"--messenger-config must set url: https://events.eu.pagerduty.com",
			Secret: true,
			Check:  checkRoutingKey,
		},
		Destination: Setting{
			Label:    "Source",
			Hint:     "the source that PagerDuty shows for the alerts, such as shop; bongsu by default",
			Optional: true,
		},
		Idempotent: true,
		Limits:     Limits{Credential: pagerDutyKey},
	}
}

// pagerDutyKey complies with "approximately 120 calls/minute per integration key",
// counted over the last 60 seconds
// (https://developer.pagerduty.com/docs/events-api-v2-rate-limits): 100 a minute and a
// burst of 20 are 120 in the busiest minute.
var pagerDutyKey = ratelimit.Rate{Count: 100, Per: time.Minute, Burst: 20}

// PagerDuty's limits (https://developer.pagerduty.com/docs/send-alert-event): a summary
// of 1,024 characters, an event of 512 KB.
const (
	pagerDutySummary = 1024
	pagerDutyEvent   = 512_000
)

// pagerDutyPause is the wait after a 429 without a Retry-After: "preferably with a
// backoff of a few minutes"
// (https://developer.pagerduty.com/docs/events-api-v2-overview#response-codes--retry-logic).
const pagerDutyPause = 2 * time.Minute

// Send triggers an alert, or resolves the one that was triggered under the same key. A
// text that exceeds the limit of a summary is also sent in full among the alert's
// details.
func (p PagerDuty) Send(ctx context.Context, m Message) Outcome {
	if err := checkRoutingKey(m.Credential); err != nil {
		return badCredentialOutcome(err)
	}
	event := pagerDutyEventOf(m)
	body, cut := marshal(event), false
	if len(body) > pagerDutyEvent {
		event.Payload.Details, event.Links, cut = nil, nil, true
		body = marshal(event)
	}
	r := p.endpoint.post(ctx, "https://events.pagerduty.com/v2/enqueue", body, http.Header{"Content-Type": {"application/json"}})
	o := readJSON[pagerDutyReply](r).refine(p.endpoint.outcome(r))
	o.Truncated = cut
	return redactOutcome(o, m.Credential)
}

var pagerDutyRoutingKey = regexp.MustCompile(`^[A-Za-z0-9]{32}$`)

// checkRoutingKey accepts the keys that PagerDuty accepts: its errors are "should be 32
// characters" and "cannot contain non-alphanumeric characters".
func checkRoutingKey(value string) error {
	if !pagerDutyRoutingKey.MatchString(value) {
		return errors.New("must be an integration key of the Events API v2: 32 letters and digits")
	}
	return nil
}
