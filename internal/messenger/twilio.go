package messenger

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Twilio sends SMS by Twilio's Messages API.
type Twilio struct{ Endpoint }

var (
	_ Verifier = Twilio{}
	_ Receiver = Twilio{}
)

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

// twilioSender is what the slowest kind of sender, a US long code, sends: one segment
// a second (https://www.twilio.com/docs/api/errors/21611). Twilio would take more, and
// keep up to ten hours of it in a queue, first in first out: what waits here instead
// lets the urgent go first.
var twilioSender = Rate{Count: 1, Per: time.Second}

// A twilioAccount is what the credential says.
type twilioAccount struct{ sid, token, sender string }

var (
	twilioSID = regexp.MustCompile(`^AC[0-9A-Za-z]+$`)
	// twilioFrom is a number, a short code, a messaging service, or an alphanumeric
	// sender id (https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id).
	twilioFrom = regexp.MustCompile(`^(\+[1-9][0-9]{4,14}|[0-9]{3,8}|MG[0-9A-Za-z]+|[0-9A-Za-z ]{1,11})$`)
)

// parseTwilio reads a credential. Its error does not quote it.
func parseTwilio(value string) (twilioAccount, error) {
	words := strings.Split(value, ":")
	if len(words) != 3 || !twilioSID.MatchString(words[0]) || checkToken(words[1]) != nil || !twilioFrom.MatchString(words[2]) {
		return twilioAccount{}, errors.New("must be AC…:AUTHTOKEN:SENDER, the sender a number such as +15005550006, a short code, a messaging service MG… or a name")
	}
	return twilioAccount{words[0], words[1], words[2]}, nil
}

// url is that of the account in Twilio's API.
func (a twilioAccount) url() string {
	return "https://api.twilio.com/2010-04-01/Accounts/" + a.sid
}

// header says who calls.
func (a twilioAccount) header() http.Header {
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(a.sid, a.token)
	return req.Header
}

// secrets are all that an answer must not show, also as the header has it.
func (a twilioAccount) secrets(credential string) []string {
	return []string{credential, strings.TrimPrefix(a.header().Get("Authorization"), "Basic "), a.token}
}

// Send queues the message with Twilio. Sent means that Twilio took it; what became of
// it, Twilio says later, where it is told where (Endpoint.CallbackURL).
func (t Twilio) Send(ctx context.Context, m Message) Outcome {
	account, err := parseTwilio(m.Credential)
	if err != nil {
		return uncallable(err)
	}
	text, cut := m.sms()
	form := url.Values{"To": {m.Destination}, "Body": {text}}
	if strings.HasPrefix(account.sender, "MG") {
		form.Set("MessagingServiceSid", account.sender)
	} else {
		form.Set("From", account.sender)
	}
	if t.CallbackURL != "" {
		form.Set("StatusCallback", t.Callback(m.DeliveryID))
	}
	header := account.header()
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	r := t.post(ctx, account.url()+"/Messages.json", []byte(form.Encode()), header)
	o := readJSON[twilioReply](r).judge(t.outcome(r)).without(account.secrets(m.Credential)...)
	o.Cut = cut
	return o
}

// Verify asks for the account: whether the token opens it, and it is active. Of the
// destination nothing is asked.
func (t Twilio) Verify(ctx context.Context, credential, _ string) Outcome {
	account, err := parseTwilio(credential)
	if err != nil {
		return uncallable(err)
	}
	r := t.get(ctx, account.url()+".json", account.header())
	o, said := t.outcome(r), readJSON[twilioReply](r)
	switch {
	case !o.success():
		o = said.judge(o)
	case said.SID == account.sid && said.Status == "active":
		o.Kind, o.Code = Sent, ""
	case said.SID == account.sid: // suspended, closed
		o.Kind, o.Scope, o.Code = Failed, CredentialScope, "account_"+said.word()
	}
	return o.without(account.secrets(credential)...)
}
