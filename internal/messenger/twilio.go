package messenger

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Twilio sends SMS by Twilio's Messages API.
type Twilio struct{ endpoint Endpoint }

var (
	_ Verifier      = Twilio{}
	_ ReceiptParser = Twilio{}
)

// NewTwilio returns a messenger that calls by an endpoint.
func NewTwilio(e Endpoint) Twilio { return Twilio{endpoint: e} }

// Spec describes an address at Twilio.
func (Twilio) Spec() Spec {
	return Spec{
		Name:  "twilio",
		Title: "SMS (Twilio)",
		Credential: Setting{
			Label:  "Account and sender",
			Hint:   "AC…:AUTHTOKEN:SENDER: the account's SID and auth token from the console, and one of its numbers (+15005550006), a short code, a messaging service (MG…) or a name",
			Secret: true,
			Check:  checkBy(parseTwilio),
		},
		Destination: phoneSetting,
		Costly:      true,
		Verifiable:  true,
		Limits:      Limits{Credential: twilioSender},
	}
}

// twilioSender is the rate of the slowest kind of sender, a US long code: one segment a
// second (https://www.twilio.com/docs/api/errors/21611). Twilio would accept more and
// queue up to ten hours of it, first in first out; messages that wait here instead are
// ordered by rank.
var twilioSender = ratelimit.Rate{Count: 1, Per: time.Second}

// A twilioAccount is a parsed credential.
type twilioAccount struct{ sid, token, sender string }

var (
	twilioSID = regexp.MustCompile(`^AC[0-9A-Za-z]+$`)
	// twilioFrom matches a number, a short code, a messaging service, or an
	// alphanumeric sender id
	// (https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id).
	twilioFrom = regexp.MustCompile(`^(\+[1-9][0-9]{4,14}|[0-9]{3,8}|MG[0-9A-Za-z]+|[0-9A-Za-z ]{1,11})$`)
)

// parseTwilio parses a credential. Its error does not quote it.
func parseTwilio(value string) (twilioAccount, error) {
	words := strings.Split(value, ":")
	if len(words) != 3 || !twilioSID.MatchString(words[0]) || checkToken(words[1]) != nil || !twilioFrom.MatchString(words[2]) {
		return twilioAccount{}, errors.New("must be AC…:AUTHTOKEN:SENDER, the sender a number such as +15005550006, a short code, a messaging service MG… or a name")
	}
	return twilioAccount{words[0], words[1], words[2]}, nil
}

// url returns the URL of the account in Twilio's API.
func (a twilioAccount) url() string {
	return "https://api.twilio.com/2010-04-01/Accounts/" + a.sid
}

// header returns the basic authentication of a call.
func (a twilioAccount) header() http.Header {
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(a.sid, a.token)
	return req.Header
}

// secrets returns the secrets that a response must not contain, also as the header
// encodes them.
func (a twilioAccount) secrets(credential string) []string {
	return []string{credential, strings.TrimPrefix(a.header().Get("Authorization"), "Basic "), a.token}
}

// Send queues the message with Twilio. Sent means that Twilio accepted it; Twilio sends
// receipts later, if its endpoint has a CallbackURL.
func (t Twilio) Send(ctx context.Context, m Message) Outcome {
	account, err := parseTwilio(m.Credential)
	if err != nil {
		return badCredentialOutcome(err)
	}
	text, cut := m.sms()
	form := url.Values{"To": {m.Destination}, "Body": {text}}
	if strings.HasPrefix(account.sender, "MG") {
		form.Set("MessagingServiceSid", account.sender)
	} else {
		form.Set("From", account.sender)
	}
	if t.endpoint.CallbackURL != "" {
		form.Set("StatusCallback", t.Callback(m.DeliveryID))
	}
	header := account.header()
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	r := t.endpoint.post(ctx, account.url()+"/Messages.json", []byte(form.Encode()), header)
	o := redactOutcome(readJSON[twilioReply](r).refine(t.endpoint.outcome(r)), account.secrets(m.Credential)...)
	o.Truncated = cut
	return o
}

// Verify gets the account: the token must be valid, and the account active. The
// destination is not checked.
func (t Twilio) Verify(ctx context.Context, credential, _ string) Outcome {
	account, err := parseTwilio(credential)
	if err != nil {
		return badCredentialOutcome(err)
	}
	r := t.endpoint.get(ctx, account.url()+".json", account.header())
	o, res := t.endpoint.outcome(r), readJSON[twilioReply](r)
	switch {
	case !o.IsSuccess():
		o = res.refine(o)
	case res.SID == account.sid && res.Status == "active":
		o.Kind, o.Code = Sent, ""
	case res.SID == account.sid: // suspended or closed
		o.Kind, o.Scope, o.Code = Failed, CredentialScope, "account_"+res.word()
	}
	return redactOutcome(o, account.secrets(credential)...)
}
