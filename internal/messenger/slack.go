package messenger

import (
	"context"
	"net/http"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Slack sends by chat.postMessage of Slack's Web API.
type Slack struct{ endpoint Endpoint }

var _ Verifier = Slack{}

// NewSlack returns a messenger that calls by an endpoint.
func NewSlack(e Endpoint) Slack { return Slack{endpoint: e} }

// slackAPI is the base URL of Slack's Web API.
const slackAPI = "https://slack.com/api/"

// Spec describes an address on Slack.
func (Slack) Spec() Spec {
	return Spec{
		Name:  "slack",
		Title: "Slack",
		Credential: Setting{
			Label:  "Bot token",
			Hint:   "xoxb-…, from your Slack app's page OAuth & Permissions; the app needs the scope chat:write",
			Secret: true,
			Check:  checkToken,
		},
		Destination: Setting{
			Label: "Channel",
			Hint:  "a channel's id such as C0123456789, from the foot of its details; invite the app to the channel",
			Check: checkWord,
		},
		Verifiable: true,
		Limits:     Limits{Destination: slackChannel},
	}
}

// slackChannel is the documented rate limit
// (https://docs.slack.dev/apis/web-api/rate-limits): chat.postMessage allows one
// message a second per channel and short bursts beyond it; the limit of the workspace
// is documented without a number. Limits hold "per API method per workspace per app",
// which a token stands for: a 429 therefore pauses the whole credential.
var slackChannel = ratelimit.Rate{Count: 1, Per: time.Second, Burst: 3}

// Send posts the message to the channel.
func (s Slack) Send(ctx context.Context, m Message) Outcome {
	if err := checkToken(m.Credential); err != nil {
		return badCredentialOutcome(err)
	}
	content, cut := slackContentOf(m)
	body := marshal(struct {
		Channel string `json:"channel"`
		slackContent
	}{m.Destination, content})
	r := s.endpoint.post(ctx, slackAPI+"chat.postMessage", body, http.Header{
		"Content-Type":  {"application/json"},
		"Authorization": {"Bearer " + m.Credential},
	})
	o := readSlack(r).refine(s.endpoint.outcome(r))
	o.Truncated = cut
	return redactOutcome(o, m.Credential)
}
