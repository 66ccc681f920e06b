package messenger

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// twilioForm returns the request form of a message with a callback URL.
func twilioForm(t *testing.T, callbackURL string, m Message) url.Values {
	t.Helper()
	var form url.Values
	e := endpoint(provider(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ = url.ParseQuery(string(body))
		w.WriteHeader(twilioSample.status)
		_, _ = io.WriteString(w, twilioSample.sent)
	}), newClient(t))
	e.CallbackURL = callbackURL
	if o := send(t.Context(), t, NewTwilio(e), m); o.Kind != Sent {
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
	if got := twilioSignature(callback, form, "12345"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	form["Digits"] = []string{"1234", "1234"}
	if got := twilioSignature(callback, form, "12345"); got != want {
		t.Errorf("a value twice: %s, want %s", got, want)
	}
}

func twilioWord(status, code string) url.Values {
	form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {status}, "AccountSid": {"AC0123456789abcdef"}, "To": {twilioTo}}
	if code != "" {
		form.Set("ErrorCode", code)
	}
	return form
}

func TestTwilioReceipts(t *testing.T) {
	way := Outcome{Kind: Sent}
	failed := func(scope Scope, code string) Outcome { return Outcome{Kind: Failed, Scope: scope, Code: code} }
	m := NewTwilio(Endpoint{CallbackURL: "https://bongsu.example"})
	for _, c := range []struct {
		status, code string
		final        bool
		want         Outcome // without Status, MessageID and Excerpt
	}{
		{"accepted", "", false, way},
		{"queued", "", false, way},
		{"sending", "", false, way},
		{"sent", "", false, way},
		{"something new", "", false, way},
		{"delivered", "", true, way},
		{"read", "", true, way},
		{"undelivered", "30003", true, failed(DestinationScope, "30003")},
		{"undelivered", "30007", true, failed(MessageScope, "30007")},
		{"failed", "30002", true, failed(CredentialScope, "30002")},
		{"failed", "30001", true, Outcome{Kind: Retry, Code: "30001"}},
		{"failed", "30008", true, failed(MessageScope, "30008")},
		{"failed", "", true, failed(MessageScope, "failed")},
		{"canceled", "", true, failed(MessageScope, "canceled")},
	} {
		t.Run(c.status+c.code, func(t *testing.T) {
			form := twilioWord(c.status, c.code)
			form.Set("ErrorMessage", "what SECRETtoken0123 says")
			r, err := m.ParseReceipt(7, form, twilioSignature(m.Callback(7), form, "SECRETtoken0123"), twilioCredential)
			if err != nil || r.MessageID != "SM1" || r.Status != c.status || r.Final != c.final {
				t.Fatalf("%+v, %v", r, err)
			}
			sound(t, r.Outcome, twilioCredential)
			r.Outcome.Status, r.Outcome.MessageID, r.Outcome.Excerpt = 0, "", ""
			if r.Outcome != c.want {
				t.Errorf("%+v, want %+v", r.Outcome, c.want)
			}
		})
	}
}

// TestTwilioReceiptIsTwilios verifies that callbacks that are not from Twilio, or are
// for another delivery, are rejected.
func TestTwilioReceiptIsTwilios(t *testing.T) {
	m := NewTwilio(Endpoint{CallbackURL: "https://bongsu.example"})
	form := twilioWord("delivered", "")
	signed := func(form url.Values, at, token string) string { return twilioSignature(at, form, token) }
	good := signed(form, m.Callback(7), "SECRETtoken0123")
	if _, err := m.ParseReceipt(7, form, good, twilioCredential); err != nil {
		t.Fatal(err)
	}
	empty := url.Values{}
	for name, c := range map[string]struct {
		delivery   int64
		form       url.Values
		signature  string
		credential string
	}{
		"no signature":     {7, form, "", twilioCredential},
		"another delivery": {8, form, good, twilioCredential},
		"another word":     {7, twilioWord("failed", ""), good, twilioCredential},
		"another token":    {7, form, signed(form, m.Callback(7), "other"), twilioCredential},
		"no credential":    {7, form, good, "SECRET"},
		"no message":       {7, empty, signed(empty, m.Callback(7), "SECRETtoken0123"), twilioCredential},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := m.ParseReceipt(c.delivery, c.form, c.signature, c.credential)
			if !errors.Is(err, fault.ErrInvalid) || r != (Receipt{}) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}
