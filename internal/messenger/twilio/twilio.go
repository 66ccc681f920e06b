// Package twilio sends SMS by Twilio. Documentation:
// https://www.twilio.com/docs/messaging/api/message-resource.
//
// Limits: one message a second per sender, the rate of the slowest kind; a text has at
// most 1,600 characters. A message costs money.
//
// Outcomes: Sent means that Twilio accepted the message: the body has its SID and a
// status that is no failure. Twilio's error code refines a failure; other codes are
// classified by their status. Callbacks report later whether the message was delivered.
package twilio

import (
	"context"
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

// Messenger sends SMS by Twilio's Messages API.
type Messenger struct{ endpoint call.Endpoint }

var (
	_ messenger.Verifier      = Messenger{}
	_ messenger.ReceiptParser = Messenger{}
)

// New returns a messenger that calls by an endpoint.
func New(e call.Endpoint) Messenger { return Messenger{endpoint: e} }

// Spec describes an address at Twilio.
func (Messenger) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "twilio",
		Title: "SMS (Twilio)",
		Credential: messenger.Setting{
			Label:  "Account and sender",
			Hint:   "AC…:AUTHTOKEN:SENDER: the account's SID and auth token from the console, and one of its numbers (+15005550006), a short code, a messaging service (MG…) or a name",
			Secret: true,
			Check:  messenger.CheckBy(parseAccount),
		},
		Destination: messenger.PhoneSetting,
		Costly:      true,
		Verifiable:  true,
		Limits:      messenger.Limits{Credential: senderRate},
	}
}

// senderRate is the rate of the slowest kind of sender, a US long code: one segment a
// second (https://www.twilio.com/docs/api/errors/21611). Twilio would accept more and
// queue up to ten hours of it, first in first out; messages that wait here instead are
// ordered by rank.
var senderRate = ratelimit.Rate{Count: 1, Per: time.Second}

// An account is a parsed credential.
type account struct{ sid, token, sender string }

var (
	accountSID = regexp.MustCompile(`^AC[0-9A-Za-z]+$`)
	// senderPattern matches a number, a short code, a messaging service, or an
	// alphanumeric sender id
	// (https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id).
	senderPattern = regexp.MustCompile(`^(\+[1-9][0-9]{4,14}|[0-9]{3,8}|MG[0-9A-Za-z]+|[0-9A-Za-z ]{1,11})$`)
)

// parseAccount parses a credential. Its error does not quote it.
func parseAccount(value string) (account, error) {
	words := strings.Split(value, ":")
	if len(words) != 3 || !accountSID.MatchString(words[0]) || messenger.CheckToken(words[1]) != nil || !senderPattern.MatchString(words[2]) {
		return account{}, errors.New("must be AC…:AUTHTOKEN:SENDER, the sender a number such as +15005550006, a short code, a messaging service MG… or a name")
	}
	return account{words[0], words[1], words[2]}, nil
}

// url returns the URL of the account in Twilio's API.
func (a account) url() string {
	return "https://api.twilio.com/2010-04-01/Accounts/" + a.sid
}

// header returns the basic authentication of a call.
func (a account) header() http.Header {
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(a.sid, a.token)
	return req.Header
}

// secrets returns the secrets that a response must not contain, also as the header
// encodes them.
func (a account) secrets(credential string) []string {
	return []string{credential, strings.TrimPrefix(a.header().Get("Authorization"), "Basic "), a.token}
}

// Send queues the message with Twilio. Sent means that Twilio accepted it; Twilio sends
// receipts later, if its endpoint has a CallbackURL.
func (t Messenger) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	account, err := parseAccount(m.Credential)
	if err != nil {
		return call.BadCredential(err)
	}
	text, cut := m.SMS(t.endpoint.MaxSMSSegments)
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
	r := t.endpoint.Post(ctx, account.url()+"/Messages.json", []byte(form.Encode()), header)
	o := call.Redact(call.ReadJSON[reply](r).refine(t.endpoint.Outcome(r)), account.secrets(m.Credential)...)
	o.Truncated = cut
	return o
}

// Verify gets the account: the token must be valid, and the account active. The
// destination is not checked.
func (t Messenger) Verify(ctx context.Context, credential, _ string) messenger.Outcome {
	account, err := parseAccount(credential)
	if err != nil {
		return call.BadCredential(err)
	}
	r := t.endpoint.Get(ctx, account.url()+".json", account.header())
	o, res := t.endpoint.Outcome(r), call.ReadJSON[reply](r)
	switch {
	case !o.IsSuccess():
		o = res.refine(o)
	case res.SID == account.sid && res.Status == "active":
		o.Kind, o.Code = messenger.Sent, ""
	case res.SID == account.sid: // suspended or closed
		o.Kind, o.Scope, o.Code = messenger.Failed, messenger.CredentialScope, "account_"+res.word()
	}
	return call.Redact(o, account.secrets(credential)...)
}
