package messenger

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/mockup"
)

var slackSample = sample{
	make:            maker(NewSlack),
	message:         Message{DeliveryID: 7, Credential: secret, Destination: "USER1_CHANNEL_ID", Text: "[normal] node1 down"},
	sent:            `{"ok":true,"channel":"USER1_CHANNEL_ID","ts":"1503435956.000247","message":{"text":"x"}}`,
	messageID:       "1503435956.000247",
	refused:         `{"ok":false,"error":"not_in_channel"}`,
	shortCredential: "a",
	shown:           markup{plain: []string{markupHTML, `"mrkdwn":false`}, full: []string{`"type":"plain_text","text":"` + markupText + `","emoji":false`, `"mrkdwn":false`}},
}

func TestSlackPromises(t *testing.T) { verifyPromises(t, slackSample) }

func TestSlackFake(t *testing.T) { verifyFake(t, mockup.New(nil), slackSample) }

func slackAt(t *testing.T, base string) Slack {
	t.Helper()
	return NewSlack(endpoint(base, newClient(t)))
}

// TestSlackRequest verifies the request byte for byte, as docs/compatibility.md defines
// it.
func TestSlackRequest(t *testing.T) {
	for name, c := range map[string]struct{ text, body string }{
		"contract": {"[normal] node1 down", `{"channel":"USER1_CHANNEL_ID","text":"[normal] node1 down"}`},
		"escapes":  {`[high] a<b> && "c" </script>`, `{"channel":"USER1_CHANNEL_ID","text":"[high] a&lt;b&gt; &amp;&amp; \"c\" &lt;/script&gt;"}`},
		"Korean":   {"[critical] 노드1 장애\n🔥", `{"channel":"USER1_CHANNEL_ID","text":"[critical] 노드1 장애\n🔥"}`},
		"mention":  {"[low] <!channel>", `{"channel":"USER1_CHANNEL_ID","text":"[low] &lt;!channel&gt;"}`},
	} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			var body []byte
			base := provider(t, func(w http.ResponseWriter, r *http.Request) {
				got = r
				body, _ = io.ReadAll(r.Body)
				_, _ = io.WriteString(w, `{"ok":true,"ts":"1.2"}`)
			})
			for _, url := range []string{base, base + "/"} {
				m := Message{Credential: "SLACK-USER1-TOKEN", Destination: "USER1_CHANNEL_ID", Text: c.text}
				slack := slackAt(t, url)
				if o := send(t.Context(), t, slack, m); o.Kind != Sent {
					t.Fatalf("%+v", o)
				}
				if line := got.Method + " " + got.RequestURI + " " + got.Proto; line != "POST /api/chat.postMessage HTTP/1.1" {
					t.Errorf("called %q", line)
				}
				want := http.Header{
					"Content-Type":   {"application/json"},
					"Authorization":  {"Bearer SLACK-USER1-TOKEN"},
					"Content-Length": {fmt.Sprint(len(c.body))},
					"User-Agent":     {"Go-http-client/1.1"},
				}
				if !maps.EqualFunc(got.Header, want, slices.Equal) {
					t.Errorf("headers %v, want %v", got.Header, want)
				}
				if string(body) != c.body {
					t.Errorf("body\n%s, want\n%s", body, c.body)
				}
			}
		})
	}
}

// TestSlackAnswers verifies the outcome of every documented response of Slack.
func TestSlackAnswers(t *testing.T) {
	type row struct {
		status     int
		retryAfter string
		body       string
		want       Outcome // without Excerpt and Status
	}
	refusal := func(code string) string { return fmt.Sprintf(`{"ok":false,"error":%q}`, code) }
	rows := []row{
		{200, "", `{"ok":true,"channel":"C1","ts":"1503435956.000247","warning":"missing_charset"}`, Outcome{Kind: Sent, MessageID: "1503435956.000247"}},
		{200, "5", `{"ok":true}`, Outcome{Kind: Sent}},
		{429, "30", "", Outcome{Kind: Paused, Code: "http_429", RetryAfter: 30 * time.Second}},
		{429, "3600", refusal("ratelimited"), Outcome{Kind: Paused, Code: "ratelimited", RetryAfter: time.Hour}},
		{429, "1", refusal("channel_not_found"), Outcome{Kind: Paused, Code: "channel_not_found", RetryAfter: time.Second}},
		{429, "1", `{"ok":true}`, Outcome{Kind: Paused, Code: "http_429", RetryAfter: time.Second}},
		{200, "2", refusal("ratelimited"), Outcome{Kind: Paused, Code: "ratelimited", RetryAfter: 2 * time.Second}},
		{200, "", refusal("rate_limited"), Outcome{Kind: Paused, Code: "rate_limited"}},
		{200, "", refusal("fatal_error"), Outcome{Kind: Unknown, Code: "fatal_error"}},
		{500, "", refusal("fatal_error"), Outcome{Kind: Unknown, Code: "fatal_error"}},
		{503, "7", refusal("service_unavailable"), Outcome{Kind: Retry, Code: "service_unavailable", RetryAfter: 7 * time.Second}},
		{500, "", refusal("never_heard_of"), Outcome{Kind: Retry, Code: "never_heard_of"}},
		{500, "", `{"ok":true,"ts":"1.2"}`, Outcome{Kind: Retry, Code: "http_500"}},
		{502, "9", "<html>Bad Gateway", Outcome{Kind: Retry, Code: "http_502", RetryAfter: 9 * time.Second}},
		{200, "", refusal("never_heard_of"), Outcome{Kind: Failed, Scope: MessageScope, Code: "never_heard_of"}},
		{200, "", `{"ok":false,"OK":true,"error":"is_archived","Error":""}`, Outcome{Kind: Failed, Scope: DestinationScope, Code: "is_archived"}},
		{200, "", `{"ok":false}`, Outcome{Kind: Failed, Scope: MessageScope, Code: "unspecified_error"}},
		{200, "", refusal("restricted_action_read_only_channel"), Outcome{Kind: Failed, Scope: DestinationScope, Code: "restricted_action_read_only_channel"}},
		{403, "", refusal("never_heard_of"), Outcome{Kind: Failed, Scope: CredentialScope, Code: "never_heard_of"}},
		{403, "", refusal("is_archived"), Outcome{Kind: Failed, Scope: DestinationScope, Code: "is_archived"}},
		{401, "", "", Outcome{Kind: Failed, Scope: CredentialScope, Code: "http_401"}},
		{404, "", "<html>", Outcome{Kind: Failed, Scope: MessageScope, Code: "http_404"}},
		{302, "", "", Outcome{Kind: Failed, Scope: MessageScope, Code: "redirect"}},
	}
	for _, body := range []string{
		"", "ok", "<html>", "null", "[]", "{}", `"ok"`, "true", `{"ok":"true"}`, `{"ok":1}`, `{"ok":null}`, `{"OK":true}`, `{"Ok":true}`, "{\"o\u212a\":true}",
		`{"ok":true`, `{"ok":true,`, `{"ok":true,"ts":12}`, `{"ok":true}}`, `{"ok":true}{"ok":false}`, `{"ok":true} <html>`, "\xef\xbb\xbf",
		`{"nested":{"ok":true}}`, `{"ok":false,"error":7}`, `{"ok":true "ts":"1"}`,
	} {
		rows = append(rows, row{200, "", body, Outcome{Kind: Unknown, Code: "unreadable_answer"}})
	}
	for kind, codes := range map[Outcome][]string{
		{Kind: Retry}:                           {"internal_error", "request_timeout", "service_unavailable"},
		{Kind: Failed, Scope: DestinationScope}: {"channel_not_found", "not_in_channel", "is_archived", "restricted_action"},
		{Kind: Failed, Scope: CredentialScope}: {"invalid_auth", "not_authed", "account_inactive", "token_revoked",
			"token_expired", "missing_scope", "no_permission", "ekm_access_denied"},
		{Kind: Failed, Scope: MessageScope}: {"msg_too_long", "no_text", "invalid_blocks"},
	} {
		for _, code := range codes {
			want := kind
			want.Code = code
			rows = append(rows, row{200, "", refusal(code), want})
		}
	}
	var now row
	base := provider(t, func(w http.ResponseWriter, _ *http.Request) {
		if now.retryAfter != "" {
			w.Header().Set("Retry-After", now.retryAfter)
		}
		w.WriteHeader(now.status)
		_, _ = io.WriteString(w, now.body)
	})
	slack := slackAt(t, base)
	for _, now = range rows {
		t.Run(fmt.Sprint(now.status, " ", now.body), func(t *testing.T) {
			o := send(t.Context(), t, slack, slackSample.message)
			want := now.want
			want.Status, want.Excerpt = now.status, oneLine(now.body)
			if o != want {
				t.Errorf("answered %d %s\ngot  %+v\nwant %+v", now.status, now.body, o, want)
			}
		})
	}
}

// TestSlackLongAnswer verifies that a long text, which Slack repeats in its response,
// is Sent, although only the head of that response is read.
func TestSlackLongAnswer(t *testing.T) {
	long, _ := json.Marshal(strings.Repeat("봉수", 30_000))
	for body, want := range map[string]OutcomeKind{
		`{"ok":true,"channel":"C1","ts":"1.2","message":{"text":` + string(long) + `}}`: Sent,
		`{"ok":false,"error":"is_archived","message":` + string(long) + `}`:             Failed,
		`{"message":{"text":` + string(long) + `},"ok":true,"ts":"1.2"}`:                Unknown, // "ok" is beyond the part that is read
		`{"ok":true,"ts":"1.2"}` + strings.Repeat(" ", 2*maxResponseBytes):              Sent,
		`{"ok":true,"ts":"1.2"}` + strings.Repeat("x", 2*maxResponseBytes):              Unknown,
	} {
		base := provider(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if o := send(t.Context(), t, slackAt(t, base), slackSample.message); o.Kind != want {
			t.Errorf("%.40s… %d bytes: %+v, want %s", body, len(body), o, want)
		}
	}
}

func TestSlackRefusesWhatCannotBeCalled(t *testing.T) {
	called := false
	base := provider(t, func(http.ResponseWriter, *http.Request) { called = true })
	for _, c := range []struct {
		url, credential string
		scope           Scope
		code            string
	}{
		{base, "", CredentialScope, "invalid_credential"},
		{base, "two\nlines", CredentialScope, "invalid_credential"},
		{base, "two words", CredentialScope, "invalid_credential"},
		{"http://bad host:port", "T", CredentialScope, "invalid_url"},
	} {
		m := Message{Credential: c.credential, Destination: "C1", Text: "x"}
		o := slackAt(t, c.url).Send(t.Context(), m)
		if o.Kind != Failed || o.Scope != c.scope || o.Code != c.code || called {
			t.Errorf("%q at %s: %+v, called: %v", c.credential, c.url, o, called)
		}
		if strings.Contains(o.Excerpt, "words") || strings.Contains(o.Excerpt, "lines") {
			t.Errorf("excerpt quotes the secret: %q", o.Excerpt)
		}
	}
}

func TestSlackSettings(t *testing.T) {
	spec := Slack{}.Spec()
	if !spec.Credential.Secret || spec.Destination.Secret {
		t.Error("the token is the secret, the channel is none")
	}
	for value, good := range map[string]bool{
		"SLACK-USER1-TOKEN": true, "xoxb-12-ab": true, strings.Repeat("x", 255): true,
		"": false, "a b": false, "a\tb": false, "a\n": false, "토큰": false, "a\x7f": false, "\xff": false,
	} {
		if err := spec.Credential.Check(value); (err == nil) != good {
			t.Errorf("token %q: %v", value, err)
		} else if err != nil && value != "" && strings.Contains(err.Error(), value) {
			t.Errorf("the error quotes the token: %v", err)
		}
	}
	for value, good := range map[string]bool{
		"USER1_CHANNEL_ID": true, "#general": true, "#장애": true, "C0123456789": true,
		"": false, "a b": false, "a\u00a0b": false, "a\nb": false, "\xff": false,
	} {
		if err := spec.Destination.Check(value); (err == nil) != good {
			t.Errorf("channel %q: %v", value, err)
		}
	}
}

// FuzzSlackAnswer verifies that a response is Sent only if another JSON parser also
// finds ok.
func FuzzSlackAnswer(f *testing.F) {
	for _, seed := range []string{`{"ok":true,"ts":"1.2"}`, `{"ok":true,"ok":false}`, `{"a":[{}],"ok":true}`, `{"ok":true}x`, `{"ok":tru`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := response{status: 200, body: body}
		o := redactOutcome(readSlack(r).refine(r.outcome(noon)), secret)
		var other map[string]any
		err := json.Unmarshal(body, &other)
		if o.Kind == Sent && (err != nil || other["ok"] != true) {
			t.Errorf("%q is Sent, but says %v (%v)", body, other["ok"], err)
		}
	})
}
