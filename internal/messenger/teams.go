package messenger

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Teams sends by a workflow of Microsoft Teams that begins with "When a Teams webhook
// request is received"
// (https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498), and by
// the older connectors, while they exist
// (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
type Teams struct{ endpoint Endpoint }

var _ Messenger = Teams{}

// NewTeams returns a messenger that calls by an endpoint.
func NewTeams(e Endpoint) Teams { return Teams{endpoint: e} }

// Spec describes an address with a workflow. Per the connectors' documentation, more
// than four requests in a second are throttled.
func (Teams) Spec() Spec {
	return Spec{
		Name:  "teams",
		Title: "Microsoft Teams",
		Credential: Setting{
			Label:  "Webhook URL",
			Hint:   "of a workflow made from the template Post to a channel when a webhook request is received, which anyone may trigger; keep it secret",
			Secret: true,
			URL:    true,
			Check:  checkTeams,
		},
		Destination: Setting{
			Label:    "Channel",
			Hint:     "a label, such as Operations; the workflow determines the channel",
			Optional: true,
		},
		Limits: Limits{Credential: ratelimit.Rate{Count: 4, Per: time.Second}},
	}
}

// Send posts the message to the workflow.
func (t Teams) Send(ctx context.Context, m Message) Outcome {
	if err := checkTeams(m.Credential); err != nil {
		return badCredentialOutcome(err)
	}
	body, cut := teamsMessageOf(m)
	r := t.endpoint.post(ctx, m.Credential, body, http.Header{"Content-Type": {"application/json"}})
	o := classifyTeams(r, t.endpoint.outcome(r))
	o.Truncated = cut
	return redactOutcome(o, urlSecrets(m.Credential)...)
}

// checkTeams accepts the URL of a workflow, or of a connector.
func checkTeams(value string) error {
	if err := checkURL(value); err != nil {
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
