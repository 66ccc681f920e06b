package messenger

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Webhook calls any endpoint, as specified by Standard Webhooks
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
type Webhook struct{ endpoint Endpoint }

var _ Messenger = Webhook{}

// NewWebhook returns a messenger that calls by an endpoint.
func NewWebhook(e Endpoint) Webhook { return Webhook{endpoint: e} }

// Spec describes an endpoint. It is not Idempotent: every attempt of a delivery has the
// same webhook-id, but an endpoint may ignore it.
func (Webhook) Spec() Spec {
	return Spec{
		Name:  "webhook",
		Title: "Webhook",
		Credential: Setting{
			Label: "URL, signing secret and headers",
			Hint: "https://example.com/hook#whsec_…: after the # the secret of Standard Webhooks, 24 to 64 bytes in Base64, " +
				"which is not sent; without it calls are not signed. user:password@ before the host is basic authentication; " +
				"bearer=TOKEN and header=NAME:VALUE may follow the #, separated by &",
			Secret: true,
			URL:    true,
			Check:  checkWebhook,
		},
		Destination: Setting{
			Label:    "Label",
			Hint:     "a label, such as ticket system; it is not sent",
			Optional: true,
		},
	}
}

// Send posts the message with all its fields. Every 2xx is success.
func (w Webhook) Send(ctx context.Context, m Message) Outcome {
	c, err := parseWebhook(m.Credential)
	if err != nil {
		return badCredentialOutcome(err)
	}
	body := marshal(webhookEventOf(m))
	now := w.endpoint.Now()
	header := c.header
	header.Set("Content-Type", "application/json")
	header.Set(standardwebhooks.HeaderWebhookID, m.idempotencyHandle())
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	if c.secret != nil {
		signature, err := c.secret.Sign(m.idempotencyHandle(), now, body)
		if err != nil {
			return badCredentialOutcome(errors.New("signing failed with the signing secret"))
		}
		header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	}
	return redactOutcome(classifyWebhook(w.endpoint.outcome(w.endpoint.post(ctx, c.address, body, header))), c.secrets...)
}

// classifyWebhook refines the outcome of the HTTP status for an endpoint that is dedicated
// to this webhook: if it does not exist, every later call fails too, and a 410 requests
// no further calls.
func classifyWebhook(o Outcome) Outcome {
	switch {
	case o.IsSuccess():
		o.Code = ""
		return classify(o, meansSent)
	case o.Status == http.StatusGone:
		o.Gone = true
		return classify(o, destinationFailed)
	case o.Status == http.StatusNotFound:
		return classify(o, destinationFailed)
	}
	return o
}
