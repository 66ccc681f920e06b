package messenger

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Webhook calls an endpoint of anybody's, in the way of Standard Webhooks
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
type Webhook struct{ Endpoint }

var _ Messenger = Webhook{}

// Spec describes an endpoint. It is not idempotent: every try of a delivery bears the
// same webhook-id, but whether an endpoint looks at it is not known.
func (Webhook) Spec() Spec {
	return Spec{
		Name:  "webhook",
		Title: "Webhook",
		Credential: Setting{
			Label: "URL, signing secret and headers",
			Hint: "https://example.com/hook#whsec_…: behind the # the secret of Standard Webhooks, 24 to 64 bytes in Base64, " +
				"which is not sent; without it calls are not signed. user:password@ before the host is basic authentication; " +
				"behind the #, with & between, may stand bearer=TOKEN and header=NAME:VALUE",
			Secret: true,
			URL:    true,
			Check:  checkWebhook,
		},
		Destination: Setting{
			Label:    "Label",
			Hint:     "a name for people, such as ticket system; it is not sent",
			Optional: true,
		},
	}
}

// Send posts the message and all that is known of it. Every 2xx is a yes.
func (w Webhook) Send(ctx context.Context, m Message) Outcome {
	c, err := parseWebhook(m.Credential)
	if err != nil {
		return uncallable(err)
	}
	body := marshal(webhookEventOf(m))
	now := w.Now()
	header := c.header
	header.Set("Content-Type", "application/json")
	header.Set(standardwebhooks.HeaderWebhookID, m.handle())
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	if c.secret != nil {
		signature, err := c.secret.Sign(m.handle(), now, body)
		if err != nil {
			return uncallable(errors.New("the signing secret cannot sign"))
		}
		header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	}
	return judgeWebhook(w.outcome(w.post(ctx, c.address, body, header))).without(c.secrets...)
}

// judgeWebhook makes of what a status means by itself what it means to an endpoint
// that is there for this alone: where there is none, or no more, nothing else that is
// sent to it will arrive, and a 410 asks never to call it again.
func judgeWebhook(o Outcome) Outcome {
	switch {
	case o.success():
		o.Code = ""
		return o.as(meaning{kind: Sent})
	case o.Status == http.StatusGone:
		o.Gone = true
		return o.as(meaning{Failed, DestinationScope})
	case o.Status == http.StatusNotFound:
		return o.as(meaning{Failed, DestinationScope})
	}
	return o
}
