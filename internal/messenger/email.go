package messenger

import (
	"context"
	"net/url"
)

// Email sends by SMTP through a relay.
type Email struct{ endpoint Endpoint }

var _ Verifier = Email{}

// NewEmail returns a messenger that calls by an endpoint.
func NewEmail(e Endpoint) Email { return Email{endpoint: e} }

// Spec describes a mail address. It has no rate limits: those of a relay are its own,
// and its responses report them.
func (Email) Spec() Spec {
	return Spec{
		Name:  "email",
		Title: "Email",
		Credential: Setting{
			Label:  "Mail relay",
			Hint:   "smtp://user:password@relay.example.com:587?from=bongsu@example.com, encrypted by STARTTLS, or smtps://…:465; special characters of user and password are escaped, / as %2F",
			Secret: true,
			Check:  checkBy(parseRelay),
			URL:    true,
		},
		Destination: Setting{
			Label: "Mail address",
			Hint:  "such as ops@example.com",
			Check: checkMail,
		},
		Verifiable: true,
	}
}

// Send delivers one mail for one recipient to the relay. Sent means that the relay took
// responsibility for it (RFC 5321, 4.2.5); the relay reports a later failure by mail to
// the sender.
func (e Email) Send(ctx context.Context, m Message) Outcome {
	r, err := parseRelay(m.Credential)
	if err != nil {
		return badCredentialOutcome(err)
	}
	if err := checkMail(m.Destination); err != nil {
		return badDestinationOutcome(err)
	}
	mail, id, err := encodeMail(m, r, e.endpoint.Now())
	if err != nil {
		return Outcome{Kind: Failed, Scope: MessageScope, Code: "invalid_message", Excerpt: "the message cannot be encoded as mail"}
	}
	o := e.deliver(ctx, r, m.Destination, mail)
	if o.Kind == Sent {
		o.MessageID = id
	}
	return redactOutcome(o, r.secrets(m.Credential)...)
}

// Verify checks that the relay accepts mail from the sender to the destination, and
// disconnects before DATA.
func (e Email) Verify(ctx context.Context, credential, destination string) Outcome {
	r, err := parseRelay(credential)
	if err != nil {
		return badCredentialOutcome(err)
	}
	if err := checkMail(destination); err != nil {
		return badDestinationOutcome(err)
	}
	return redactOutcome(e.deliver(ctx, r, destination, nil), r.secrets(credential)...)
}

// deliver runs an SMTP session with the relay, or with the operator's URL, whose scheme
// then decides the encryption.
func (e Email) deliver(ctx context.Context, r relay, to string, mail []byte) Outcome {
	refuse := func(why string) Outcome {
		return Outcome{Kind: Failed, Scope: CredentialScope, Code: "invalid_url", Excerpt: "not called: " + why}
	}
	if e.endpoint.URL != "" {
		u, err := url.Parse(e.endpoint.URL)
		if err != nil || u.Port() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
			return refuse("the URL of the messenger must be such as smtp://127.0.0.1:18025")
		}
		r.host, r.port, r.implicit, r.clear = u.Hostname(), u.Port(), u.Scheme == "smtps", u.Scheme == "smtp"
	} else if r.clear && !e.endpoint.HTTP && !isLoopback(r.host) {
		return refuse("tls=off sends the password unencrypted; an operator must allow it by --allow-http")
	}
	return e.endpoint.deliverMail(ctx, r.mailRelay, to, mail)
}
