// Package pagerduty triggers, acknowledges and resolves alerts of PagerDuty by the Events
// API v2. Documentation: https://developer.pagerduty.com/docs/events-api-v2-overview.
//
// Limits: 100 events a minute per integration key; a summary of 1,024 characters, an event
// of 512 KB. PagerDuty deduplicates events by their dedup_key, so a retry notifies no user
// twice.
//
// Outcomes: Sent needs the status "success" in the body. An error about the routing_key is
// about the credential, others are about the message. A 429 without a Retry-After pauses
// for two minutes.
package pagerduty

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Messenger triggers, acknowledges and resolves alerts by the Events API v2
// (https://developer.pagerduty.com/docs/events-api-v2-overview).
type Messenger struct{ endpoint call.Endpoint }

var _ messenger.Messenger = Messenger{}

// New returns a messenger that calls by an endpoint.
func New(e call.Endpoint) Messenger { return Messenger{endpoint: e} }

// Spec describes an address on PagerDuty. A trigger with the dedup_key of an open alert
// is added to it and notifies no user again.
func (Messenger) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "pagerduty",
		Title: "PagerDuty",
		Credential: messenger.Setting{
			Label: "Integration key",
			Hint: "32 letters and digits, from a service's integration Events API V2; for an account in the EU " +
				"--messenger-config must set url: https://events.eu.pagerduty.com",
			Secret: true,
			Check:  checkRoutingKey,
		},
		Destination: messenger.Setting{
			Label:    "Source",
			Hint:     "the source that PagerDuty shows for the alerts, such as shop; bongsu by default",
			Optional: true,
		},
		Idempotent: true,
		Stateful:   true,
		Limits:     messenger.Limits{Credential: keyRate},
	}
}

// keyRate complies with "approximately 120 calls/minute per integration key",
// counted over the last 60 seconds
// (https://developer.pagerduty.com/docs/events-api-v2-rate-limits): 100 a minute and a
// burst of 20 are 120 in the busiest minute.
var keyRate = ratelimit.Rate{Count: 100, Per: time.Minute, Burst: 20}

// PagerDuty's limits (https://developer.pagerduty.com/docs/send-alert-event): a summary
// of 1,024 characters, an event of 512 KB.
const (
	summaryLimit = 1024
	eventLimit   = 512_000
)

// defaultPause is the wait after a 429 without a Retry-After: "preferably with a
// backoff of a few minutes"
// (https://developer.pagerduty.com/docs/events-api-v2-overview#response-codes--retry-logic).
const defaultPause = 2 * time.Minute

// Send triggers an alert, or acknowledges or resolves the one that was triggered under the
// same key. A text that exceeds the limit of a summary is also sent in full among the alert's
// details.
func (p Messenger) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	if err := checkRoutingKey(m.Credential); err != nil {
		return call.BadCredential(err)
	}
	event := eventOf(m)
	body, cut := call.JSON(event), false
	if len(body) > eventLimit {
		event.Payload.Details, event.Links, cut = nil, nil, true
		body = call.JSON(event)
	}
	r := p.endpoint.Post(ctx, "https://events.pagerduty.com/v2/enqueue", body, http.Header{"Content-Type": {"application/json"}})
	o := call.ReadJSON[reply](r).refine(p.endpoint.Outcome(r))
	o.Truncated = cut
	return call.Redact(o, append(call.AckSecrets(m), m.Credential)...)
}

var routingKey = regexp.MustCompile(`^[A-Za-z0-9]{32}$`)

// checkRoutingKey accepts the keys that PagerDuty accepts: its errors are "should be 32
// characters" and "cannot contain non-alphanumeric characters".
func checkRoutingKey(value string) error {
	if !routingKey.MatchString(value) {
		return errors.New("must be an integration key of the Events API v2: 32 letters and digits")
	}
	return nil
}
