package messenger

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// SlackHook sends by an incoming webhook of Slack
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
type SlackHook struct{ endpoint Endpoint }

var _ Messenger = SlackHook{}

// NewSlackHook returns a messenger that calls by an endpoint.
func NewSlackHook(e Endpoint) SlackHook { return SlackHook{endpoint: e} }

// Spec describes an address with a webhook. "Short bursts of more than one" a second
// are allowed (https://docs.slack.dev/apis/web-api/rate-limits); their length is not
// documented.
func (SlackHook) Spec() Spec {
	return Spec{
		Name:  "slackhook",
		Title: "Slack incoming webhook",
		Credential: Setting{
			Label:  "Webhook URL",
			Hint:   "https://hooks.slack.com/services/T…/B…/…, from your Slack app's page Incoming Webhooks; keep it secret",
			Secret: true,
			URL:    true,
			Check:  checkSlackHook,
		},
		Destination: Setting{
			Label:    "Channel",
			Hint:     "a label, such as #ops; the webhook determines the channel",
			Optional: true,
		},
		Limits: Limits{Credential: ratelimit.Rate{Count: 1, Per: time.Second, Burst: 3}},
	}
}

// Send posts the message to the channel of the webhook.
func (s SlackHook) Send(ctx context.Context, m Message) Outcome {
	if err := checkSlackHook(m.Credential); err != nil {
		return badCredentialOutcome(err)
	}
	content, cut := slackContentOf(m)
	r := s.endpoint.post(ctx, m.Credential, marshal(content), http.Header{"Content-Type": {"application/json"}})
	o := classifySlackHook(r, s.endpoint.outcome(r))
	o.Truncated = cut
	return redactOutcome(o, urlSecrets(m.Credential)...)
}

var slackHookPath = regexp.MustCompile(`^/services/[A-Z0-9]+/[A-Z0-9]+/[A-Za-z0-9]+$`)

// checkSlackHook accepts the URL of an incoming webhook. Those of Workflow Builder,
// which need another body, have other paths.
func checkSlackHook(value string) error {
	if err := checkURL(value); err != nil {
		return err
	}
	if u, err := url.Parse(value); err != nil || !slackHookPath.MatchString(u.Path) || u.RawQuery != "" {
		return errors.New("must be the URL of an incoming webhook, such as https://hooks.slack.com/services/T…/B…/…")
	}
	return nil
}

// slackHookErrors classifies the error codes of webhooks
// (https://docs.slack.dev/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks).
// Other codes with a 400 are about the message.
var slackHookErrors = map[string]classification{
	"user_not_found":                    destinationFailed,
	"channel_not_found":                 destinationFailed,
	"channel_is_archived":               destinationFailed,
	"action_prohibited":                 destinationFailed,
	"posting_to_general_channel_denied": destinationFailed,
	"no_service":                        destinationFailed,
	"no_service_id":                     destinationFailed,
	"no_active_hooks":                   destinationFailed,
	"no_team":                           destinationFailed,
	"team_disabled":                     destinationFailed,
	"invalid_token":                     destinationFailed,
}

// slackHookWord matches a response that is an error code of Slack.
var slackHookWord = regexp.MustCompile(`^[a-z][a-z_]{3,60}$`)

// classifySlackHook refines the outcome of the HTTP status by the response body. Success
// is exactly the body ok.
func classifySlackHook(r response, o Outcome) Outcome {
	if r.status == http.StatusOK && r.err == nil && string(r.body) == "ok" {
		o.Code = ""
		return classify(o, meansSent)
	}
	if o.IsSuccess() || o.Code == "redirect" {
		return o
	}
	word := slackHookError(r)
	if word != "" {
		o.Code = word
	}
	means, known := slackHookErrors[word]
	switch {
	case o.Kind != Failed:
		return o
	case known:
		return classify(o, means)
	case o.Status == http.StatusForbidden, o.Status == http.StatusNotFound, o.Status == http.StatusGone:
		return classify(o, destinationFailed)
	}
	return o
}

// slackHookError returns Slack's error code, or "".
func slackHookError(r response) string {
	word := strings.TrimSpace(string(r.body))
	var limited struct{ Error string } // a 429 has a JSON body: unverified, and not relied on
	if json.Unmarshal(r.body, &limited) == nil {
		word = limited.Error
	}
	if r.err != nil || !slackHookWord.MatchString(word) {
		return ""
	}
	return word
}
