// Package teams sends cards to channels of Microsoft Teams, by a workflow or by an older
// connector. Documentation:
// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
// and https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498.
//
// Incidents: neither changes a card. A new one says the status of the incident.
//
// Limits: four requests a second; a request has at most 28 KB.
//
// Outcomes: a workflow accepts with 202, and reports in its run history only whether the
// card was posted. A connector confirms by exactly "1", and describes errors, also a 429,
// in the body of a 200. The URL is the destination and the credential: a workflow that
// was deleted is not called again.
package teams

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Messenger sends by a workflow of Microsoft Teams that begins with "When a Teams webhook
// request is received"
// (https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498), and by
// the older connectors, while they exist
// (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
type Messenger struct{ endpoint call.Endpoint }

var _ messenger.Messenger = Messenger{}

// New returns a messenger that calls by an endpoint.
func New(e call.Endpoint) Messenger { return Messenger{endpoint: e} }

// Spec describes an address with a workflow. Per the connectors' documentation, more
// than four requests in a second are throttled.
func (Messenger) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "teams",
		Title: "Microsoft Teams",
		Credential: messenger.Setting{
			Label:  "Webhook URL",
			Hint:   "of a workflow made from the template Post to a channel when a webhook request is received, which anyone may trigger; keep it secret",
			Secret: true,
			URL:    true,
			Check:  checkWorkflowURL,
		},
		Destination: messenger.Setting{
			Label:    "Channel",
			Hint:     "a label, such as Operations; the workflow determines the channel",
			Optional: true,
		},
		Limits: messenger.Limits{Credential: ratelimit.Rate{Count: 4, Per: time.Second}},
	}
}

// Send posts the message to the workflow.
func (t Messenger) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	if err := checkWorkflowURL(m.Credential); err != nil {
		return call.BadCredential(err)
	}
	body, cut := bodyOf(m)
	r := t.endpoint.Post(ctx, m.Credential, body, http.Header{"Content-Type": {"application/json"}})
	o := classify(r, t.endpoint.Outcome(r))
	o.Truncated = cut
	return call.Redact(o, append(call.AckSecrets(m), call.URLSecrets(m.Credential)...)...)
}

// checkWorkflowURL accepts the URL of a workflow, or of a connector.
func checkWorkflowURL(value string) error {
	if err := messenger.CheckURL(value); err != nil {
		return err
	}
	u, err := url.Parse(value)
	switch {
	case err == nil && strings.Contains(u.Path, "/webhook"):
		return nil
	case err != nil || !strings.Contains(u.Path, "/workflows/"):
		return errors.New("must be the HTTP POST URL of a workflow, or the URL of a connector")
	case u.Query().Get("sig") == "":
		return errors.New("must have sig=…: let anyone trigger the workflow, save it, and copy its URL again")
	}
	return nil
}
