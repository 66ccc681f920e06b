// Package email sends mail by SMTP through a relay. Documentation: RFC 5321, RFC 3463
// (enhanced status codes), RFC 4954 (authentication) and RFC 8314 (TLS).
//
// Limits: those of the relay, which its responses report. A subject has at most 150
// characters; a session delivers one mail for one recipient.
//
// Mail cannot be changed: a later one of an incident follows the first as a reply, with the
// same subject, so that clients show one thread.
//
// Outcomes: Sent is a 250 after the final dot: the relay took responsibility. A 4xx is
// Retry. The scope of a 5xx depends on the step of the session: before MAIL FROM the
// credential, at RCPT TO the destination, and at the content mostly the message.
package email

import (
	"context"
	"net/url"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// Messenger sends by SMTP through a relay.
type Messenger struct{ endpoint call.Endpoint }

var _ messenger.Verifier = Messenger{}

// New returns a messenger that calls by an endpoint.
func New(e call.Endpoint) Messenger { return Messenger{endpoint: e} }

// Spec describes a mail address. It has no rate limits: those of a relay are its own,
// and its responses report them.
func (Messenger) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "email",
		Title: "Email",
		Credential: messenger.Setting{
			Label:  "Mail relay",
			Hint:   "smtp://user:password@relay.example.com:587?from=bongsu@example.com, encrypted by STARTTLS, or smtps://…:465; special characters of user and password are escaped, / as %2F",
			Secret: true,
			Check:  messenger.CheckBy(parseRelay),
			URL:    true,
		},
		Destination: messenger.Setting{
			Label: "Mail address",
			Hint:  "such as ops@example.com",
			Check: checkAddress,
		},
		Verifiable: true,
	}
}

// Send delivers one mail, in the thread of the first one of its incident, for one recipient to the relay. Sent means that the relay took
// responsibility for it (RFC 5321, 4.2.5); the relay reports a later failure by mail to
// the sender.
func (e Messenger) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	r, err := parseRelay(m.Credential)
	if err != nil {
		return call.BadCredential(err)
	}
	if err := checkAddress(m.Destination); err != nil {
		return call.BadDestination(err)
	}
	mail, id, thread, err := encode(m, r, e.endpoint.Now())
	if err != nil {
		return messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "invalid_message", Excerpt: "the message cannot be encoded as mail"}
	}
	o := e.deliver(ctx, r, m.Destination, mail)
	if o.Kind == messenger.Sent {
		o.MessageID = id
		if m.Incident != 0 {
			o.Reference = thread.String()
		}
	}
	return call.Redact(o, append(r.secrets(m.Credential), call.AckSecrets(m)...)...)
}

// Verify checks that the relay accepts mail from the sender to the destination, and
// disconnects before DATA.
func (e Messenger) Verify(ctx context.Context, credential, destination string) messenger.Outcome {
	r, err := parseRelay(credential)
	if err != nil {
		return call.BadCredential(err)
	}
	if err := checkAddress(destination); err != nil {
		return call.BadDestination(err)
	}
	return call.Redact(e.deliver(ctx, r, destination, nil), r.secrets(credential)...)
}

// deliver runs an SMTP session with the relay, or with the operator's URL, whose scheme
// then decides the encryption.
func (e Messenger) deliver(ctx context.Context, r relay, to string, mail []byte) messenger.Outcome {
	refuse := func(why string) messenger.Outcome {
		return messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "invalid_url", Excerpt: "not called: " + why}
	}
	if e.endpoint.URL != "" {
		u, err := url.Parse(e.endpoint.URL)
		if err != nil || u.Port() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
			return refuse("the URL of the messenger must be such as smtp://127.0.0.1:18025")
		}
		r.Host, r.Port, r.ImplicitTLS, r.Unencrypted = u.Hostname(), u.Port(), u.Scheme == "smtps", u.Scheme == "smtp"
	} else if r.Unencrypted && !e.endpoint.HTTP && !messenger.IsLoopback(r.Host) {
		return refuse("tls=off sends the password unencrypted; an operator must allow it by --allow-http")
	}
	return e.endpoint.DeliverMail(ctx, r.Relay, to, mail)
}
