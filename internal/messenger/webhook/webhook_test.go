package webhook

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/kit/redact"
	"github.com/bongsu-project/bongsu/services/mockup"
)

// signingSecret is 24 bytes in Base64.
const signingSecret = "whsec_SECRETSECRETSECRETSECRETSECRETSE"

var sample = messengertest.Sample{
	New:             messengertest.Maker(New),
	Message:         messenger.Message{DeliveryID: 7, Credential: "https://example.com/hook/SECRET-abcdefghij?key=SECRET-klmnopqrst#" + signingSecret, Text: "[normal] node1 down"},
	Sent:            "thank you",
	Means:           map[int]call.Classification{404: call.DestinationFailed, 410: call.DestinationFailed},
	ShortCredential: "https://example.com/a?x=1&sig=b&v=true",
	Shown:           messengertest.Markup{Plain: []string{`"text":"` + messengertest.MarkupText + `"`}, Full: []string{`"text":"` + messengertest.MarkupText + `"`}},
}

func TestPromises(t *testing.T) { messengertest.Run(t, sample) }

func TestFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), sample) }

func TestWebhookRequest(t *testing.T) {
	messengertest.Goldens(t, sample, "https://example.com/hook/1?key=2#whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "ticket system")
	messengertest.Golden(t, "webhook/unsigned", messengertest.Request(t, sample, messengertest.PlainMessage("https://example.com/hook", ""), false))
}

// TestWebhookIncident verifies the fields of an incident.
func TestWebhookIncident(t *testing.T) {
	for i, m := range messengertest.IncidentMessages("https://example.com/hook", "") {
		messengertest.Golden(t, fmt.Sprintf("webhook/incident_%d_%s", i, m.Status()), messengertest.Request(t, sample, m, false))
	}
}

// headers returns n headers of a credential.
func headers(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("header=X-%d:a", i)
	}
	return strings.Join(all, "&")
}

func TestWebhookAuthentication(t *testing.T) {
	messengertest.Golden(t, "webhook/basic", messengertest.Request(t, sample, messengertest.PlainMessage("https://kim:p%2F%40ss@example.com/hook?a=b#whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ""), false))
	messengertest.Golden(t, "webhook/bearer", messengertest.Request(t, sample, messengertest.PlainMessage("https://example.com/hook#bearer=t0ken.a-b", ""), false))
	messengertest.Golden(t, "webhook/headers", messengertest.Request(t, sample, messengertest.PlainMessage("https://example.com/hook#whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw&header=Authorization:Token abc&header=X-Team:ops%26dev&header=user-agent:bongsu", ""), false))
}

// TestWebhookAuthenticationIsRedacted has an endpoint repeat the whole request in its
// response.
func TestWebhookAuthenticationIsRedacted(t *testing.T) {
	base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, messengertest.Echo(r)) })
	for _, credential := range []string{
		"https://kim:SECRET-%2Fpassword@example.com/hook",
		"https://kim:SECRET@example.com/hook#" + signingSecret,
		"https://example.com/hook#bearer=SECRET-token",
		"https://example.com/hook#header=X-Api-Key:SECRET",
		"https://example.com/hook#header=Authorization:Token SECRET-word",
		"https://example.com/hook#" + signingSecret + "&header=Cookie:session=SECRET; x=y",
	} {
		m := sample.Message
		m.Credential = credential
		if o := messengertest.Send(t.Context(), t, sample.At(t, base), m); o.Kind != messenger.Sent || !strings.Contains(o.Excerpt, redact.Placeholder) {
			t.Errorf("%s: %+v", credential, o)
		}
	}
}

// TestWebhookSignature verifies requests as an endpoint with the same library does; a
// retry has the same id and a new timestamp.
func TestWebhookSignature(t *testing.T) {
	var header http.Header
	var body []byte
	base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	now := time.Now()
	e := messengertest.Endpoint(base, messengertest.NewClient(t))
	e.Now = func() time.Time { return now }
	good, err := standardwebhooks.NewWebhook(signingSecret)
	if err != nil {
		t.Fatal(err)
	}
	other, err := standardwebhooks.NewWebhook("whsec_" + strings.Repeat("x", 32))
	if err != nil {
		t.Fatal(err)
	}
	var ids, times []string
	for range 2 {
		if o := messengertest.Send(t.Context(), t, New(e), sample.Message); o.Kind != messenger.Sent {
			t.Fatalf("%+v", o)
		}
		if err := good.Verify(body, header); err != nil {
			t.Errorf("%v: %v", err, header)
		}
		if other.Verify(body, header) == nil || good.Verify(append(body, ' '), header) == nil {
			t.Error("signature accepted with another secret or body")
		}
		ids, times = append(ids, header.Get("Webhook-Id")), append(times, header.Get("Webhook-Timestamp"))
		now = now.Add(time.Minute)
	}
	if ids[0] == "" || ids[0] != ids[1] || times[0] == times[1] || strings.Contains(ids[0], ".") {
		t.Errorf("ids %q at %q", ids, times)
	}
}

// TestWebhookResponses verifies the outcome of every documented response of endpoints.
func TestWebhookResponses(t *testing.T) {
	rows := []messengertest.Response{
		{200, nil, "", messenger.Outcome{Kind: messenger.Sent}},
		{201, nil, "anything", messenger.Outcome{Kind: messenger.Sent}},
		{202, nil, `{"ok":false}`, messenger.Outcome{Kind: messenger.Sent}},
		{204, nil, "", messenger.Outcome{Kind: messenger.Sent}},
		{408, nil, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_408"}},
		{425, nil, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_425"}},
		{429, nil, "", messenger.Outcome{Kind: messenger.Paused, Code: "http_429"}},
		{429, map[string]string{"Retry-After": "3600"}, "", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: time.Hour}},
		{429, map[string]string{"Retry-After": "Sun, 01 Mar 2026 12:10:00 GMT"}, "", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: 10 * time.Minute}},
		{503, map[string]string{"Retry-After": "0.5"}, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_503", RetryAfter: 500 * time.Millisecond}},
		{503, map[string]string{"Retry-After": "Sun, 01 Mar 2026 13:00:00 GMT"}, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_503", RetryAfter: time.Hour}},
		{500, nil, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_500"}},
		{502, nil, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_502"}},
		{504, nil, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_504"}},
		{410, nil, "moved out", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "http_410", Gone: true}},
		{404, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "http_404"}},
		{401, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "http_401"}},
		{403, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "http_403"}},
		{301, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "redirect"}},
		{304, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "redirect"}},
	}
	for status, code := range map[int]string{400: "http_400", 405: "http_405", 409: "http_409", 413: "http_413", 415: "http_415", 422: "http_422"} {
		rows = append(rows, messengertest.Response{status, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: code}})
	}
	messengertest.CheckOutcomes(t, sample, rows)
}

// TestWebhookKeyAlone has an endpoint quote single parts of the credential.
func TestWebhookKeyAlone(t *testing.T) {
	var quoted string
	base := messengertest.Provider(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, quoted) })
	for _, quoted = range []string{signingSecret, strings.TrimPrefix(signingSecret, "whsec_"), "SECRET-abcdefghij", "SECRET-klmnopqrst", "/hook/SECRET-abcdefghij"} {
		if o := messengertest.Send(t.Context(), t, sample.At(t, base), sample.Message); o.Kind != messenger.Sent || !strings.Contains(o.Excerpt, redact.Placeholder) {
			t.Errorf("%q: %+v", quoted, o)
		}
	}
}

func TestWebhookSettings(t *testing.T) {
	spec := Messenger{}.Spec()
	messengertest.CheckSetting(t, spec.Credential, map[string]bool{
		"https://example.com/hook": true, "https://example.com/hook?a=b#" + signingSecret: true,
		"https://example.com/hook#" + strings.TrimPrefix(signingSecret, "whsec_"): true,
		"": false, "http://example.com/hook": false, "example.com/hook": false,
		"https://user:pass@example.com/": true, "https://user:p%2Fss@example.com/#" + signingSecret: true, "https://user@example.com/": false, "https://:pass@example.com/": false,
		"https://user:pa/ss@example.com/": false, "https://us%3Aer:pass@example.com/": false, "https://user:pa%0Ass@example.com/": false,
		"https://example.com/#bearer=abc": true, "https://example.com/#" + signingSecret + "&bearer=abc&header=X-Team:ops": true, "https://example.com/#header=X-Team:%20a%26b": true,
		"https://example.com/#bearer=": false, "https://example.com/#bearer=a%20b": false, "https://example.com/#bearer=a%zz": false, "https://example.com/#bearer=a&bearer=b": false,
		"https://user:pass@example.com/#bearer=a": false, "https://example.com/#bearer=a&header=Authorization:b": false, "https://example.com/#header=Authorization:Token%20b": true,
		"https://example.com/#header=X-Team": false, "https://example.com/#header=X-Team:": false, "https://example.com/#header=X%20Team:a": false, "https://example.com/#header=:a": false,
		"https://example.com/#header=X-Team:a%0D%0AHost:%20b": false, "https://example.com/#header=X-Team:a&header=x-team:b": false, "https://example.com/#header=X-Team:%ED%95%9C": false,
		"https://example.com/#header=Host:a": false, "https://example.com/#header=content-length:1": false, "https://example.com/#header=Content-Type:text/plain": false,
		"https://example.com/#header=webhook-signature:a": false, "https://example.com/#header=WEBHOOK-ID:a": false, "https://example.com/#header=Transfer-Encoding:chunked": false,
		"https://example.com/#header=Proxy-Authorization:a": false, "https://example.com/#header=Connection:close": false, "https://example.com/#header=Expect:100-continue": false,
		"https://example.com/#bearer=a&" + signingSecret: false, "https://example.com/#" + signingSecret + "&": false, "https://example.com/#color=red": false,
		"https://example.com/#" + headers(10): true, "https://example.com/#" + headers(11): false,
		"https://example.com/hook#": false, "https://example.com/hook#whsec_": false, "https://example.com/hook#whsec_c2hvcnQ=": false,
		"https://example.com/hook#whsec_not base64": false, "https://example.com/hook#whsec_" + strings.Repeat("a", 100): false,
	})
	messengertest.CheckSetting(t, spec.Destination, map[string]bool{"": true, "ticket system": true})
	if o := (Messenger{}).Send(t.Context(), messenger.Message{Credential: "https://example.com/#x", Text: "x"}); o.Kind != messenger.Failed || o.Scope != messenger.CredentialScope || o.Code != "invalid_credential" {
		t.Errorf("%+v", o)
	}
}

// TestWebhookQuotesItsURL has an endpoint quote parts of its URL.
func TestWebhookQuotesItsURL(t *testing.T) {
	messengertest.CheckEvidence(t, sample, "https://example.com/hook?sig=abcde", "sig abcde is bad", "sig [redacted] is bad")
	messengertest.CheckEvidence(t, sample, "https://example.com/hook/k3y-of-hook", "K3Y-OF-HOOK%2F", "[redacted]%2F")
	messengertest.CheckEvidence(t, sample, "https://example.com/a", `no route "/a"`, `no route "[redacted]"`)
	messengertest.CheckEvidence(t, sample, "https://example.com/a", "no route https://EXAMPLE.com/a", "no route [redacted]")
}
