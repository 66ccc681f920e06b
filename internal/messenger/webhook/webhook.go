// Package webhook calls any endpoint as Standard Webhooks specifies. Documentation:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
//
// Limits: none of its own; those of an endpoint are in its responses. A message is sent
// whole, with all fields of the alert.
//
// Outcomes: the status alone decides. Every 2xx is Sent; 404 and 410 are about the
// destination, and after a 410 the URL is not called again; 401 and 403 are about the
// credential.
package webhook

import (
	"context"
	"net/http"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// Messenger calls any endpoint, as specified by Standard Webhooks
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
type Messenger struct{ endpoint call.Endpoint }

var _ messenger.Messenger = Messenger{}

// New returns a messenger that calls by an endpoint.
func New(e call.Endpoint) Messenger { return Messenger{endpoint: e} }

// Spec describes an endpoint. It is not Idempotent: every attempt of a delivery has the
// same webhook-id, but an endpoint may ignore it.
func (Messenger) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "webhook",
		Title: "Webhook",
		Credential: messenger.Setting{
			Label: "URL, signing secret and headers",
			Hint: "https://example.com/hook#whsec_…: after the # the secret of Standard Webhooks, 24 to 64 bytes in Base64, " +
				"which is not sent; without it calls are not signed. user:password@ before the host is basic authentication; " +
				"bearer=TOKEN and header=NAME:VALUE may follow the #, separated by &",
			Secret: true,
			URL:    true,
			Check:  checkCredential,
		},
		Destination: messenger.Setting{
			Label:    "Label",
			Hint:     "a label, such as ticket system; it is not sent",
			Optional: true,
		},
		Stateful: true,
	}
}

// Send posts the message with all its fields. Every 2xx is success.
func (w Messenger) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	c, err := parseCredential(m.Credential)
	if err != nil {
		return call.BadCredential(err)
	}
	body := call.JSON(eventOf(m))
	header := c.header
	header.Set("Content-Type", "application/json")
	if err := c.secret.SetHeader(header, m.IdempotencyHandle(), w.endpoint.Now(), body); err != nil {
		return call.BadCredential(err)
	}
	return call.Redact(classify(w.endpoint.Outcome(w.endpoint.Post(ctx, c.address, body, header))), append(c.secrets, call.AckSecrets(m)...)...)
}

// classify refines the outcome of the HTTP status for an endpoint that is dedicated
// to this webhook: if it does not exist, every later call fails too, and a 410 requests
// no further calls.
func classify(o messenger.Outcome) messenger.Outcome {
	switch {
	case o.IsSuccess():
		o.Code = ""
		return call.Classify(o, call.Sent)
	case o.Status == http.StatusGone:
		o.Gone = true
		return call.Classify(o, call.DestinationFailed)
	case o.Status == http.StatusNotFound:
		return call.Classify(o, call.DestinationFailed)
	}
	return o
}
