package slack

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Webhook sends by an incoming webhook of Slack
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
type Webhook struct{ endpoint call.Endpoint }

var _ messenger.Messenger = Webhook{}

// NewWebhook returns a messenger that calls by an endpoint.
func NewWebhook(e call.Endpoint) Webhook { return Webhook{endpoint: e} }

// Spec describes an address with a webhook. "Short bursts of more than one" a second
// are allowed (https://docs.slack.dev/apis/web-api/rate-limits); their length is not
// documented.
func (Webhook) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "slackhook",
		Title: "Slack incoming webhook",
		Credential: messenger.Setting{
			Label:  "Webhook URL",
			Hint:   "https://hooks.slack.com/services/T…/B…/…, from your Slack app's page Incoming Webhooks; keep it secret",
			Secret: true,
			URL:    true,
			Check:  checkWebhookURL,
		},
		Destination: messenger.Setting{
			Label:    "Channel",
			Hint:     "a label, such as #ops; the webhook determines the channel",
			Optional: true,
		},
		Limits: messenger.Limits{Credential: ratelimit.Rate{Count: 1, Per: time.Second, Burst: 3}},
	}
}

// Send posts the message to the channel of the webhook.
func (s Webhook) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	if err := checkWebhookURL(m.Credential); err != nil {
		return call.BadCredential(err)
	}
	content, cut := contentOf(m)
	r := s.endpoint.Post(ctx, m.Credential, call.JSON(content), http.Header{"Content-Type": {"application/json"}})
	o := classifyWebhook(r, s.endpoint.Outcome(r))
	o.Truncated = cut
	return call.Redact(o, append(call.AckSecrets(m), call.URLSecrets(m.Credential)...)...)
}

var webhookPath = regexp.MustCompile(`^/services/[A-Z0-9]+/[A-Z0-9]+/[A-Za-z0-9]+$`)

// checkWebhookURL accepts the URL of an incoming webhook. Those of Workflow Builder,
// which need another body, have other paths.
func checkWebhookURL(value string) error {
	if err := messenger.CheckURL(value); err != nil {
		return err
	}
	if u, err := url.Parse(value); err != nil || !webhookPath.MatchString(u.Path) || u.RawQuery != "" {
		return errors.New("must be the URL of an incoming webhook, such as https://hooks.slack.com/services/T…/B…/…")
	}
	return nil
}

// webhookErrors classifies the error codes of webhooks
// (https://docs.slack.dev/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks).
// Other codes with a 400 are about the message.
var webhookErrors = map[string]call.Classification{
	"user_not_found":                    call.DestinationFailed,
	"channel_not_found":                 call.DestinationFailed,
	"channel_is_archived":               call.DestinationFailed,
	"action_prohibited":                 call.DestinationFailed,
	"posting_to_general_channel_denied": call.DestinationFailed,
	"no_service":                        call.DestinationFailed,
	"no_service_id":                     call.DestinationFailed,
	"no_active_hooks":                   call.DestinationFailed,
	"no_team":                           call.DestinationFailed,
	"team_disabled":                     call.DestinationFailed,
	"invalid_token":                     call.DestinationFailed,
}

// errorWord matches a response that is an error code of Slack.
var errorWord = regexp.MustCompile(`^[a-z][a-z_]{3,60}$`)

// classifyWebhook refines the outcome of the HTTP status by the response body. Success
// is exactly the body ok.
func classifyWebhook(r call.Response, o messenger.Outcome) messenger.Outcome {
	if r.Status == http.StatusOK && r.Err == nil && string(r.Body) == "ok" {
		o.Code = ""
		return call.Classify(o, call.Sent)
	}
	if o.IsSuccess() || o.Code == "redirect" {
		return o
	}
	word := webhookError(r)
	if word != "" {
		o.Code = word
	}
	means, known := webhookErrors[word]
	switch {
	case o.Kind != messenger.Failed:
		return o
	case known:
		return call.Classify(o, means)
	case o.Status == http.StatusForbidden, o.Status == http.StatusNotFound, o.Status == http.StatusGone:
		return call.Classify(o, call.DestinationFailed)
	}
	return o
}

// webhookError returns Slack's error code, or "".
func webhookError(r call.Response) string {
	word := strings.TrimSpace(string(r.Body))
	var limited struct{ Error string } // a 429 has a JSON body: unverified, and not relied on
	if json.Unmarshal(r.Body, &limited) == nil {
		word = limited.Error
	}
	if r.Err != nil || !errorWord.MatchString(word) {
		return ""
	}
	return word
}
