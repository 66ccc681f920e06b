package messenger

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Discord sends by a webhook of a Discord channel
// (https://discord.com/developers/docs/resources/webhook#execute-webhook).
type Discord struct{ endpoint Endpoint }

var _ Verifier = Discord{}

// NewDiscord returns a messenger that calls by an endpoint.
func NewDiscord(e Endpoint) Discord { return Discord{endpoint: e} }

// discordRate is the initial rate limit: Discord changes its limits at any time and
// returns them in its responses. Five calls in two seconds is the observed limit of a
// webhook and of a channel (unverified); pauses by 429 add to it.
var discordRate = ratelimit.Rate{Count: 2, Per: time.Second, Burst: 5}

// Spec describes an address with a webhook.
func (Discord) Spec() Spec {
	return Spec{
		Name:  "discord",
		Title: "Discord webhook",
		Credential: Setting{
			Label:  "Webhook URL",
			Hint:   "https://discord.com/api/webhooks/…/…, from the channel's settings, Integrations, Webhooks; add ?thread_id=… to post into a thread; keep it secret",
			Secret: true,
			URL:    true,
			Check: func(value string) error {
				_, err := discordWebhook(value)
				return err
			},
		},
		Destination: Setting{
			Label:    "Channel",
			Hint:     "a label, such as #ops; the webhook determines the channel",
			Optional: true,
		},
		Verifiable: true,
		Limits:     Limits{Credential: discordRate},
	}
}

// Send executes the webhook with wait=true, which returns after Discord has saved the
// message. Without it Discord does not report a message that it fails to save.
func (d Discord) Send(ctx context.Context, m Message) Outcome {
	at, err := discordWebhook(m.Credential)
	if err != nil {
		return badCredentialOutcome(err)
	}
	query := at.Query()
	query.Set("wait", "true")
	at.RawQuery = query.Encode()
	message, cut := discordMessageOf(m)
	header := discordHeader()
	header.Set("Content-Type", "application/json")
	r := d.endpoint.post(ctx, at.String(), marshal(message), header)
	o := classifyDiscordWebhook(r, d.endpoint.outcome(r))
	o.Truncated = cut
	return redactOutcome(o, discordSecrets(at, m.Credential)...)
}

// Verify gets the webhook, which notifies nobody
// (https://discord.com/developers/docs/resources/webhook#get-webhook-with-token).
func (d Discord) Verify(ctx context.Context, credential, _ string) Outcome {
	at, err := discordWebhook(credential)
	if err != nil {
		return badCredentialOutcome(err)
	}
	at.RawQuery = ""
	r := d.endpoint.get(ctx, at.String(), discordHeader())
	o := classifyDiscordWebhook(r, d.endpoint.outcome(r))
	o.MessageID = "" // the response has the id of the webhook
	return redactOutcome(o, discordSecrets(at, credential)...)
}

// discordSecrets returns the secrets of the called URL and of the credential.
func discordSecrets(called *url.URL, credential string) []string {
	return append(urlSecrets(called.String()), urlSecrets(credential)...)
}

var discordPath = regexp.MustCompile(`^/api/(?:v[0-9]+/)?(webhooks/[0-9]+/[A-Za-z0-9_-]+)/?$`)

// discordWebhook returns the URL of a webhook in version 10 of Discord's API. The
// webhook URLs that Discord shows to users have no version; they select a version that
// is deprecated and whose Retry-After is in milliseconds
// (https://github.com/discord/discord-api-docs/issues/2360).
func discordWebhook(value string) (*url.URL, error) {
	if err := checkURL(value); err != nil {
		return nil, err
	}
	at, err := url.Parse(value)
	if err != nil || !discordPath.MatchString(at.Path) {
		return nil, errors.New("must be the URL of a webhook, such as https://discord.com/api/webhooks/…/…")
	}
	at.Path = discordPath.ReplaceAllString(at.Path, "/api/v10/$1")
	return at, nil
}

// classifyDiscordWebhook returns the outcome of a response to a webhook. "If a webhook
// returns a 404 status you should not attempt to use it again"
// (https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans):
// a 404 with Discord's error body is therefore permanent.
func classifyDiscordWebhook(r response, o Outcome) Outcome {
	res := readJSON[discordReply](r)
	o = res.refine(r, o, NoScope)
	if o.Status == http.StatusNotFound {
		o = classify(o, destinationFailed)
		o.Gone = res.Message != ""
	}
	return o
}
