// Package discord sends to channels of Discord, by a webhook (Webhook) and as a bot (Bot).
// Documentation: https://discord.com/developers/docs.
//
// Incidents: both change the message of an incident. A bot answers it by a message that
// refers to it; a webhook cannot refer to messages: its answer is a new message, which
// later messages change.
//
// Limits: Discord returns them in its responses and changes them at any time. The initial
// ones are 2 a second per webhook and per channel, and 50 a second per bot. A text has at
// most 2,000 characters, embeds 6,000 together.
//
// Outcomes: Sent needs the id of the created message in the body. Discord's error code
// refines a failure; other codes are classified by their status. A 429 pauses the
// channel, or the whole bot, as its headers say. A webhook that does not exist is not
// called again.
package discord

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Webhook sends by a webhook of a Discord channel
// (https://discord.com/developers/docs/resources/webhook#execute-webhook).
type Webhook struct{ endpoint call.Endpoint }

var _ messenger.Verifier = Webhook{}

// NewWebhook returns a messenger that calls by an endpoint.
func NewWebhook(e call.Endpoint) Webhook { return Webhook{endpoint: e} }

// channelRate is the initial rate limit: Discord changes its limits at any time and
// returns them in its responses. Five calls in two seconds is the observed limit of a
// webhook and of a channel (unverified); pauses by 429 add to it.
var channelRate = ratelimit.Rate{Count: 2, Per: time.Second, Burst: 5}

// Spec describes an address with a webhook.
func (Webhook) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "discord",
		Title: "Discord webhook",
		Credential: messenger.Setting{
			Label:  "Webhook URL",
			Hint:   "https://discord.com/api/webhooks/…/…, from the channel's settings, Integrations, Webhooks; add ?thread_id=… to post into a thread; keep it secret",
			Secret: true,
			URL:    true,
			Check: func(value string) error {
				_, err := parseWebhookURL(value)
				return err
			},
		},
		Destination: messenger.Setting{
			Label:    "Channel",
			Hint:     "a label, such as #ops; the webhook determines the channel",
			Optional: true,
		},
		Verifiable: true,
		Limits:     messenger.Limits{Credential: channelRate},
	}
}

// Send executes the webhook with wait=true, which returns after Discord has saved the
// message. Without it Discord does not report a message that it fails to save. If there is
// a previous message of the incident, it changes that
// (https://discord.com/developers/docs/resources/webhook#edit-webhook-message).
func (d Webhook) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	at, err := parseWebhookURL(m.Credential)
	if err != nil {
		return call.BadCredential(err)
	}
	secrets := webhookSecrets(at, m.Credential) // of the webhook's URL: the id of a message in it is none
	method, query, previous := http.MethodPost, at.Query(), previousOf(m)
	message, cut := bodyOf(m)
	if m.Reply {
		previous = ""
	}
	if previous == "" {
		query.Set("wait", "true")
	} else {
		query.Del("wait")
		method, at.Path = http.MethodPatch, at.Path+"/messages/"+previous
		message = message.asChange()
	}
	at.RawQuery = query.Encode()
	header := baseHeader()
	header.Set("Content-Type", "application/json")
	r := d.endpoint.Call(ctx, method, at.String(), call.JSON(message), header)
	o := withReference(classifyWebhook(r, d.endpoint.Outcome(r), previous), m, previous)
	o.Truncated = cut
	return call.Redact(o, append(secrets, call.AckSecrets(m)...)...)
}

// Verify gets the webhook, which notifies no user
// (https://discord.com/developers/docs/resources/webhook#get-webhook-with-token).
func (d Webhook) Verify(ctx context.Context, credential, _ string) messenger.Outcome {
	at, err := parseWebhookURL(credential)
	if err != nil {
		return call.BadCredential(err)
	}
	at.RawQuery = ""
	r := d.endpoint.Get(ctx, at.String(), baseHeader())
	o := classifyWebhook(r, d.endpoint.Outcome(r), "")
	o.MessageID = "" // the response has the id of the webhook
	return call.Redact(o, webhookSecrets(at, credential)...)
}

// webhookSecrets returns the secrets of the called URL and of the credential.
func webhookSecrets(called *url.URL, credential string) []string {
	return append(call.URLSecrets(called.String()), call.URLSecrets(credential)...)
}

var webhookPath = regexp.MustCompile(`^/api/(?:v[0-9]+/)?(webhooks/[0-9]+/[A-Za-z0-9_-]+)/?$`)

// parseWebhookURL returns the URL of a webhook in version 10 of Discord's API. The
// webhook URLs that Discord shows to users have no version; they select a version that
// is deprecated and whose Retry-After is in milliseconds
// (https://github.com/discord/discord-api-docs/issues/2360).
func parseWebhookURL(value string) (*url.URL, error) {
	if err := messenger.CheckURL(value); err != nil {
		return nil, err
	}
	at, err := url.Parse(value)
	if err != nil || !webhookPath.MatchString(at.Path) {
		return nil, errors.New("must be the URL of a webhook, such as https://discord.com/api/webhooks/…/…")
	}
	at.Path = webhookPath.ReplaceAllString(at.Path, "/api/v10/$1")
	return at, nil
}

// classifyWebhook returns the outcome of a response to a webhook. "If a webhook
// returns a 404 status you should not attempt to use it again"
// (https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans):
// a 404 with Discord's error body is therefore permanent, unless it is about the previous
// message.
func classifyWebhook(r call.Response, o messenger.Outcome, previous string) messenger.Outcome {
	res := call.ReadJSON[reply](r)
	o = res.refine(r, o, messenger.NoScope)
	if gone, ok := res.asGone(o, previous); ok {
		return gone
	}
	if o.Status == http.StatusNotFound {
		o = call.Classify(o, call.DestinationFailed)
		o.Gone = res.Message != ""
	}
	return o
}
