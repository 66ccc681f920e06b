package slack

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

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/services/mockup"
)

var sample = messengertest.Sample{
	New:       messengertest.Maker(New),
	Message:   messenger.Message{DeliveryID: 7, Credential: messengertest.Secret, Destination: "USER1_CHANNEL_ID", Text: "[normal] node1 down"},
	Sent:      `{"ok":true,"channel":"USER1_CHANNEL_ID","ts":"1503435956.000247","message":{"text":"x"}}`,
	MessageID: "1503435956.000247",
	Reference: "USER1_CHANNEL_ID:1503435956.000247",
	Changed:   `{"ok":true,"channel":"USER1_CHANNEL_ID","ts":"1503435956.000247","text":"x"}`,
	Gone: []messengertest.GoneResponse{
		{Body: `{"ok":false,"error":"message_not_found"}`},
		{Body: `{"ok":false,"error":"cant_update_message"}`},
		{Body: `{"ok":false,"error":"edit_window_closed"}`},
		{Body: `{"ok":false,"error":"thread_not_found"}`},
		{Body: `{"ok":false,"error":"cannot_reply_to_message"}`},
	},
	Refused:         `{"ok":false,"error":"not_in_channel"}`,
	ShortCredential: "a",
	Shown:           messengertest.Markup{Plain: []string{messengertest.MarkupHTML, `"mrkdwn":false`}, Full: []string{`"type":"plain_text","text":"` + messengertest.MarkupText + `","emoji":false`, `"mrkdwn":false`}},
}

func TestPromises(t *testing.T) { messengertest.Run(t, sample) }

func TestFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), sample) }

func at(t *testing.T, base string) Messenger {
	t.Helper()
	return New(messengertest.Endpoint(base, messengertest.NewClient(t)))
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
			base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
				got = r
				body, _ = io.ReadAll(r.Body)
				_, _ = io.WriteString(w, `{"ok":true,"ts":"1.2"}`)
			})
			for _, url := range []string{base, base + "/"} {
				m := messenger.Message{Credential: "SLACK-USER1-TOKEN", Destination: "USER1_CHANNEL_ID", Text: c.text}
				slack := at(t, url)
				if o := messengertest.Send(t.Context(), t, slack, m); o.Kind != messenger.Sent {
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

// TestSlackResponses verifies the outcome of every documented response of Slack.
func TestSlackResponses(t *testing.T) {
	type row struct {
		status     int
		retryAfter string
		body       string
		want       messenger.Outcome // without Excerpt and Status
	}
	refusal := func(code string) string { return fmt.Sprintf(`{"ok":false,"error":%q}`, code) }
	rows := []row{
		{200, "", `{"ok":true,"channel":"C1","ts":"1503435956.000247","warning":"missing_charset"}`, messenger.Outcome{Kind: messenger.Sent, MessageID: "1503435956.000247"}},
		{200, "5", `{"ok":true}`, messenger.Outcome{Kind: messenger.Sent}},
		{429, "30", "", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: 30 * time.Second}},
		{429, "3600", refusal("ratelimited"), messenger.Outcome{Kind: messenger.Paused, Code: "ratelimited", RetryAfter: time.Hour}},
		{429, "1", refusal("channel_not_found"), messenger.Outcome{Kind: messenger.Paused, Code: "channel_not_found", RetryAfter: time.Second}},
		{429, "1", `{"ok":true}`, messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: time.Second}},
		{200, "2", refusal("ratelimited"), messenger.Outcome{Kind: messenger.Paused, Code: "ratelimited", RetryAfter: 2 * time.Second}},
		{200, "", refusal("rate_limited"), messenger.Outcome{Kind: messenger.Paused, Code: "rate_limited"}},
		{200, "", refusal("fatal_error"), messenger.Outcome{Kind: messenger.Unknown, Code: "fatal_error"}},
		{500, "", refusal("fatal_error"), messenger.Outcome{Kind: messenger.Unknown, Code: "fatal_error"}},
		{503, "7", refusal("service_unavailable"), messenger.Outcome{Kind: messenger.Retry, Code: "service_unavailable", RetryAfter: 7 * time.Second}},
		{500, "", refusal("never_heard_of"), messenger.Outcome{Kind: messenger.Retry, Code: "never_heard_of"}},
		{500, "", `{"ok":true,"ts":"1.2"}`, messenger.Outcome{Kind: messenger.Retry, Code: "http_500"}},
		{502, "9", "<html>Bad Gateway", messenger.Outcome{Kind: messenger.Retry, Code: "http_502", RetryAfter: 9 * time.Second}},
		{200, "", refusal("never_heard_of"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "never_heard_of"}},
		{200, "", `{"ok":false,"OK":true,"error":"is_archived","Error":""}`, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "is_archived"}},
		{200, "", `{"ok":false}`, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "unspecified_error"}},
		{200, "", refusal("restricted_action_read_only_channel"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "restricted_action_read_only_channel"}},
		{403, "", refusal("never_heard_of"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "never_heard_of"}},
		{403, "", refusal("is_archived"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "is_archived"}},
		{401, "", "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "http_401"}},
		{404, "", "<html>", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "http_404"}},
		{302, "", "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "redirect"}},
	}
	for _, body := range []string{
		"", "ok", "<html>", "null", "[]", "{}", `"ok"`, "true", `{"ok":"true"}`, `{"ok":1}`, `{"ok":null}`, `{"OK":true}`, `{"Ok":true}`, "{\"o\u212a\":true}",
		`{"ok":true`, `{"ok":true,`, `{"ok":true,"ts":12}`, `{"ok":true}}`, `{"ok":true}{"ok":false}`, `{"ok":true} <html>`, "\xef\xbb\xbf",
		`{"nested":{"ok":true}}`, `{"ok":false,"error":7}`, `{"ok":true "ts":"1"}`,
	} {
		rows = append(rows, row{200, "", body, messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}})
	}
	for kind, codes := range map[messenger.Outcome][]string{
		{Kind: messenger.Retry}: {"internal_error", "request_timeout", "service_unavailable"},
		{Kind: messenger.Failed, Scope: messenger.DestinationScope}: {"channel_not_found", "not_in_channel", "is_archived", "restricted_action"},
		{Kind: messenger.Failed, Scope: messenger.CredentialScope}: {"invalid_auth", "not_authed", "account_inactive", "token_revoked",
			"token_expired", "missing_scope", "no_permission", "ekm_access_denied"},
		{Kind: messenger.Failed, Scope: messenger.MessageScope}: {"msg_too_long", "no_text", "invalid_blocks"},
	} {
		for _, code := range codes {
			want := kind
			want.Code = code
			rows = append(rows, row{200, "", refusal(code), want})
		}
	}
	var now row
	base := messengertest.Provider(t, func(w http.ResponseWriter, _ *http.Request) {
		if now.retryAfter != "" {
			w.Header().Set("Retry-After", now.retryAfter)
		}
		w.WriteHeader(now.status)
		_, _ = io.WriteString(w, now.body)
	})
	slack := at(t, base)
	for _, now = range rows {
		t.Run(fmt.Sprint(now.status, " ", now.body), func(t *testing.T) {
			o := messengertest.Send(t.Context(), t, slack, sample.Message)
			want := now.want
			want.Status, want.Excerpt = now.status, call.OneLine(now.body)
			if o != want {
				t.Errorf("answered %d %s\ngot  %+v\nwant %+v", now.status, now.body, o, want)
			}
		})
	}
}

// TestSlackLongResponse verifies that a long text, which Slack repeats in its response,
// is Sent, although only the head of that response is read.
func TestSlackLongResponse(t *testing.T) {
	long, _ := json.Marshal(strings.Repeat("봉수", 30_000))
	for body, want := range map[string]messenger.OutcomeKind{
		`{"ok":true,"channel":"C1","ts":"1.2","message":{"text":` + string(long) + `}}`: messenger.Sent,
		`{"ok":false,"error":"is_archived","message":` + string(long) + `}`:             messenger.Failed,
		`{"message":{"text":` + string(long) + `},"ok":true,"ts":"1.2"}`:                messenger.Unknown, // "ok" is beyond the part that is read
		`{"ok":true,"ts":"1.2"}` + strings.Repeat(" ", 2*call.MaxResponseBytes):         messenger.Sent,
		`{"ok":true,"ts":"1.2"}` + strings.Repeat("x", 2*call.MaxResponseBytes):         messenger.Unknown,
	} {
		base := messengertest.Provider(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if o := messengertest.Send(t.Context(), t, at(t, base), sample.Message); o.Kind != want {
			t.Errorf("%.40s… %d bytes: %+v, want %s", body, len(body), o, want)
		}
	}
}

func TestSlackRefusesInvalidAddresses(t *testing.T) {
	called := false
	base := messengertest.Provider(t, func(http.ResponseWriter, *http.Request) { called = true })
	for _, c := range []struct {
		url, credential string
		scope           messenger.Scope
		code            string
	}{
		{base, "", messenger.CredentialScope, "invalid_credential"},
		{base, "two\nlines", messenger.CredentialScope, "invalid_credential"},
		{base, "two words", messenger.CredentialScope, "invalid_credential"},
		{"http://bad host:port", "T", messenger.CredentialScope, "invalid_url"},
	} {
		m := messenger.Message{Credential: c.credential, Destination: "C1", Text: "x"}
		o := at(t, c.url).Send(t.Context(), m)
		if o.Kind != messenger.Failed || o.Scope != c.scope || o.Code != c.code || called {
			t.Errorf("%q at %s: %+v, called: %v", c.credential, c.url, o, called)
		}
		if strings.Contains(o.Excerpt, "words") || strings.Contains(o.Excerpt, "lines") {
			t.Errorf("excerpt quotes the secret: %q", o.Excerpt)
		}
	}
}

func TestSlackSettings(t *testing.T) {
	spec := Messenger{}.Spec()
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

// FuzzSlackResponse verifies that a response is Sent only if another JSON parser also
// finds ok.
func FuzzSlackResponse(f *testing.F) {
	for _, seed := range []string{`{"ok":true,"ts":"1.2"}`, `{"ok":true,"ok":false}`, `{"a":[{}],"ok":true}`, `{"ok":true}x`, `{"ok":tru`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := call.Response{Status: 200, Body: body}
		o := call.Redact(readReply(r).refine(r.Outcome(messengertest.Noon)), messengertest.Secret)
		var other map[string]any
		err := json.Unmarshal(body, &other)
		if o.Kind == messenger.Sent && (err != nil || other["ok"] != true) {
			t.Errorf("%q is Sent, but says %v (%v)", body, other["ok"], err)
		}
	})
}
