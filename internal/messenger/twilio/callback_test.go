package twilio

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// formOf returns the request form of a message with a callback URL.
func formOf(t *testing.T, callbackURL string, m messenger.Message) url.Values {
	t.Helper()
	var form url.Values
	e := messengertest.Endpoint(messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ = url.ParseQuery(string(body))
		w.WriteHeader(sample.Status)
		_, _ = io.WriteString(w, sample.Sent)
	}), messengertest.NewClient(t))
	e.CallbackURL = callbackURL
	if o := messengertest.Send(t.Context(), t, New(e), m); o.Kind != messenger.Sent {
		t.Fatalf("%+v", o)
	}
	return form
}

// TestTwilioSignature verifies the signature with the example of Twilio's
// documentation, https://www.twilio.com/docs/usage/security#validating-requests.
func TestTwilioSignature(t *testing.T) {
	form := url.Values{
		"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+12349013030"}, "Digits": {"1234"}, "From": {"+12349013030"}, "To": {"+18005551212"},
	}
	const callback, want = "https://mycompany.com/myapp.php?foo=1&bar=2", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
	if got := sign(callback, form, "12345"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	form["Digits"] = []string{"1234", "1234"}
	if got := sign(callback, form, "12345"); got != want {
		t.Errorf("a value twice: %s, want %s", got, want)
	}
}

func callbackForm(status, code string) url.Values {
	form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {status}, "AccountSid": {"AC0123456789abcdef"}, "To": {testNumber}}
	if code != "" {
		form.Set("ErrorCode", code)
	}
	return form
}

func TestTwilioReceipts(t *testing.T) {
	sent := messenger.Outcome{Kind: messenger.Sent}
	failed := func(scope messenger.Scope, code string) messenger.Outcome {
		return messenger.Outcome{Kind: messenger.Failed, Scope: scope, Code: code}
	}
	m := New(call.Endpoint{CallbackURL: "https://bongsu.example"})
	for _, c := range []struct {
		status, code string
		final        bool
		want         messenger.Outcome // without Status, MessageID and Excerpt
	}{
		{"accepted", "", false, sent},
		{"queued", "", false, sent},
		{"sending", "", false, sent},
		{"sent", "", false, sent},
		{"something new", "", false, sent},
		{"delivered", "", true, sent},
		{"read", "", true, sent},
		{"undelivered", "30003", true, failed(messenger.DestinationScope, "30003")},
		{"undelivered", "30007", true, failed(messenger.MessageScope, "30007")},
		{"failed", "30002", true, failed(messenger.CredentialScope, "30002")},
		{"failed", "30001", true, messenger.Outcome{Kind: messenger.Retry, Code: "30001"}},
		{"failed", "30008", true, failed(messenger.MessageScope, "30008")},
		{"failed", "", true, failed(messenger.MessageScope, "failed")},
		{"canceled", "", true, failed(messenger.MessageScope, "canceled")},
	} {
		t.Run(c.status+c.code, func(t *testing.T) {
			form := callbackForm(c.status, c.code)
			form.Set("ErrorMessage", "what SECRETtoken0123 says")
			r, err := m.ParseReceipt(7, form, sign(m.Callback(7), form, "SECRETtoken0123"), testCredential)
			if err != nil || r.MessageID != "SM1" || r.Status != c.status || r.Final != c.final {
				t.Fatalf("%+v, %v", r, err)
			}
			messengertest.CheckOutcome(t, r.Outcome, testCredential)
			r.Outcome.Status, r.Outcome.MessageID, r.Outcome.Excerpt = 0, "", ""
			if r.Outcome != c.want {
				t.Errorf("%+v, want %+v", r.Outcome, c.want)
			}
		})
	}
}

// TestTwilioReceiptIsAuthenticated verifies that callbacks that are not from Twilio, or are
// for another delivery, are rejected.
func TestTwilioReceiptIsAuthenticated(t *testing.T) {
	m := New(call.Endpoint{CallbackURL: "https://bongsu.example"})
	form := callbackForm("delivered", "")
	signed := func(form url.Values, at, token string) string { return sign(at, form, token) }
	good := signed(form, m.Callback(7), "SECRETtoken0123")
	if _, err := m.ParseReceipt(7, form, good, testCredential); err != nil {
		t.Fatal(err)
	}
	empty := url.Values{}
	for name, c := range map[string]struct {
		delivery   int64
		form       url.Values
		signature  string
		credential string
	}{
		"no signature":     {7, form, "", testCredential},
		"another delivery": {8, form, good, testCredential},
		"another word":     {7, callbackForm("failed", ""), good, testCredential},
		"another token":    {7, form, signed(form, m.Callback(7), "other"), testCredential},
		"no credential":    {7, form, good, "SECRET"},
		"no message":       {7, empty, signed(empty, m.Callback(7), "SECRETtoken0123"), testCredential},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := m.ParseReceipt(c.delivery, c.form, c.signature, c.credential)
			if !errors.Is(err, fault.ErrInvalid) || r != (messenger.Receipt{}) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}
