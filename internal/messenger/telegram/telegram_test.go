package telegram

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/kit/redact"
	"github.com/bongsu-project/bongsu/services/mockup"
)

var sample = messengertest.Sample{
	New:       messengertest.Maker(New),
	Message:   messenger.Message{DeliveryID: 7, Credential: "123456789:SECRET-abcdefghijklmnop_QRSTUVWXYZ", Destination: "-1001234567890", Text: "[normal] node1 down"},
	Sent:      `{"ok":true,"result":{"message_id":4711,"date":1772366400,"text":"x"}}`,
	MessageID: "4711",
	Reference: "-1001234567890:4711",
	Gone: []messengertest.GoneResponse{
		{Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: message to edit not found"}`},
		{Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: message can't be edited"}`},
		{Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: MESSAGE_ID_INVALID"}`},
	},
	Refused:         `{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the supergroup chat"}`,
	ShortCredential: "1:a",
	Shown:           messengertest.Markup{Plain: []string{`"text":"` + messengertest.MarkupText + `"}`}, Full: []string{messengertest.MarkupHTML, `"parse_mode":"HTML"`}},
}

func TestPromises(t *testing.T) { messengertest.Run(t, sample) }

func TestFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), sample) }

func TestTelegramRequest(t *testing.T) {
	messengertest.Goldens(t, sample, "123456789:AA-b_c", "-1001234567890")
	messengertest.IncidentGoldens(t, sample, "123456789:AA-b_c", "-1001234567890")
	m := messengertest.FullMessage("123456789:AA-b_c", "@status")
	m.Title = ""
	messengertest.Golden(t, "telegram/without-title", messengertest.Request(t, sample, m, false))
	m = messengertest.FullMessage("123456789:AA-b_c", "42")
	m.Details = []messenger.Detail{{Name: "log", Value: strings.Repeat("노드1 <장애>\n", 500)}}
	messengertest.Golden(t, "telegram/cut", messengertest.Request(t, sample, m, true))
}

// TestTelegramText verifies that texts are cut before the link, and counted as Telegram
// does: after entities.
func TestTelegramText(t *testing.T) {
	for name, c := range map[string]struct {
		m    messenger.Message
		head string // of the text
		tail string
		cut  bool
	}{
		"fits":            {messenger.Message{Text: strings.Repeat("x", 4096)}, "x", "x", false},
		"too long":        {messenger.Message{Text: strings.Repeat("x", 4097)}, "x", "x…", true},
		"pairs":           {messenger.Message{Text: strings.Repeat("🔥", 2049)}, "🔥", "🔥…", true},
		"link stays":      {messenger.Message{Text: strings.Repeat("x", 5000), Link: "https://h/1"}, "x", "x…\n\nhttps://h/1", true},
		"endless link":    {messenger.Message{Text: "x", Link: "https://h/" + strings.Repeat("1", 5000)}, "x", "x", true},
		"escapes are not": {messenger.Message{Text: strings.Repeat("<", 4000), Title: "t"}, "<b>t</b>\n&lt;", "&lt;", false},
		"endless title":   {messenger.Message{Text: "x", Title: strings.Repeat("<", 5000)}, "<<", "<…", true},
	} {
		t.Run(name, func(t *testing.T) {
			text, cut := requestOf(c.m)
			shown := strings.NewReplacer("<b>", "", "</b>", "", "&lt;", "<").Replace(text.Text)
			if cut != c.cut || !strings.HasPrefix(text.Text, c.head) || !strings.HasSuffix(text.Text, c.tail) || messenger.UTF16Len(shown) > 4096 {
				t.Errorf("%.20q…%q: %d units, cut %v", text.Text, text.Text[max(0, len(text.Text)-20):], messenger.UTF16Len(shown), cut)
			}
			if strings.Contains(text.Text, "<b>") != (text.ParseMode == "HTML") {
				t.Errorf("%.20q is sent as %q", text.Text, text.ParseMode)
			}
		})
	}
}

// TestTelegramResponses verifies the outcome of every documented response of Telegram.
func TestTelegramResponses(t *testing.T) {
	refusal := func(code int, description, more string) string {
		return fmt.Sprintf(`{"ok":false,"error_code":%d,"description":%q%s}`, code, description, more)
	}
	const moved = "Bad Request: group chat was upgraded to a supergroup chat"
	rows := []messengertest.Response{
		{200, nil, `{"ok":true,"result":{"message_id":1}}`, messenger.Outcome{Kind: messenger.Sent, MessageID: "1"}},
		{200, nil, `{"ok":true,"result":{}}`, messenger.Outcome{Kind: messenger.Sent}},
		{500, nil, `{"ok":true,"result":{"message_id":1}}`, messenger.Outcome{Kind: messenger.Retry, Code: "http_500"}},
		{429, nil, refusal(429, "Too Many Requests: retry after 35", `,"parameters":{"retry_after":35}`), messenger.Outcome{Kind: messenger.Paused, Code: "Too Many Requests", RetryAfter: 35 * time.Second}},
		{429, nil, refusal(429, "Too Many Requests: retry after 20000", `,"parameters":{"retry_after":20000}`), messenger.Outcome{Kind: messenger.Paused, Code: "Too Many Requests", RetryAfter: 20_000 * time.Second}},
		{429, nil, refusal(429, "Too Many Requests", `,"parameters":{"retry_after":1.5}`), messenger.Outcome{Kind: messenger.Paused, Code: "Too Many Requests", RetryAfter: 1500 * time.Millisecond}},
		{429, messengertest.RetryLater, refusal(429, "Too Many Requests", ""), messenger.Outcome{Kind: messenger.Paused, Code: "Too Many Requests", RetryAfter: messengertest.Later}},
		{429, nil, refusal(400, "Bad Request: chat not found", ""), messenger.Outcome{Kind: messenger.Paused, Code: "Bad Request: chat not found"}},
		{200, nil, refusal(429, "Too Many Requests", `,"parameters":{"retry_after":3}`), messenger.Outcome{Kind: messenger.Paused, Code: "Too Many Requests", RetryAfter: 3 * time.Second}},
		{400, nil, refusal(400, moved, `,"parameters":{"migrate_to_chat_id":-1009876543210}`), messenger.Outcome{Kind: messenger.Retry, Code: moved, Destination: "-1009876543210"}},
		{400, nil, refusal(400, "Bad Request: group chat was migrated to a supergroup chat", `,"parameters":{"migrate_to_chat_id":-123}`), messenger.Outcome{Kind: messenger.Retry, Code: "Bad Request: group chat was migrated to a supergroup chat", Destination: "-123"}},
		{200, nil, `{"ok":false}`, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "unspecified_error"}},
		{400, nil, `{"ok":false}`, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "http_400"}},
		{400, nil, "<html>", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "http_400"}},
		{403, nil, "<html>", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "http_403"}},
		{404, nil, "<html>", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "http_404"}},
		{302, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "redirect"}},
	}
	for scope, errors := range map[messenger.Scope]map[int][]string{
		messenger.CredentialScope: {401: {"Unauthorized"}, 404: {"Not Found"}},
		messenger.DestinationScope: {
			403: {"Forbidden: bot was blocked by the user", "Forbidden: bot was kicked from the group chat", "Forbidden: user is deactivated",
				"Forbidden: bot can't initiate conversation with a user", "Forbidden: bot is not a member of the channel chat"},
			400: {"Bad Request: chat not found", "Bad Request: group is deactivated", "Bad Request: PEER_ID_INVALID", "Bad Request: user not found",
				"Bad Request: not enough rights to send text messages to the chat", "Bad Request: have no rights to send a message",
				"Bad Request: need administrator rights in the channel chat", "Bad Request: CHAT_WRITE_FORBIDDEN", moved},
		},
		messenger.MessageScope: {400: {"Bad Request: can't parse entities: Unsupported start tag", "Bad Request: message text is empty", "Bad Request: message is too long", "Bad Request: never heard of"}},
	} {
		for code, descriptions := range errors {
			for _, description := range descriptions {
				rows = append(rows, messengertest.Response{code, nil, refusal(code, description, ""), messenger.Outcome{Kind: messenger.Failed, Scope: scope, Code: description}})
			}
		}
	}
	for _, code := range []int{500, 502, 504} {
		rows = append(rows, messengertest.Response{code, nil, refusal(code, "Bad Gateway", ""), messenger.Outcome{Kind: messenger.Retry, Code: "Bad Gateway"}})
	}
	for _, body := range []string{"", "ok", "null", "[]", "{}", "true", `{"ok":"true"}`, `{"ok":1}`, `{"ok":null}`, `{"ok":true`, `{"ok":true}{"ok":false}`, `{"ok":true} <html>`, `{"ok":true,"result":7}`, `{"result":{"ok":true}}`} {
		rows = append(rows, messengertest.Response{200, nil, body, messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}})
	}
	messengertest.CheckOutcomes(t, sample, rows)
}

// TestTelegramLongResponse has Telegram repeat the longest message, all of it escaped.
func TestTelegramLongResponse(t *testing.T) {
	escaped := strings.Repeat(`\ubd09`, 4096)
	base := messengertest.Provider(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true,"result":{"message_id":1,"text":"`+escaped+`"}}`)
	})
	if o := messengertest.Send(t.Context(), t, sample.At(t, base), sample.Message); o.Kind != messenger.Sent {
		t.Errorf("%+v", o)
	}
}

func TestTelegramVerify(t *testing.T) {
	const bot, group = `{"ok":true,"result":{"id":123456789,"is_bot":true}}`, `{"ok":true,"result":{"id":-100,"type":"group"}}`
	const nobody = `{"ok":false,"error_code":401,"description":"Unauthorized"}`
	const nowhere = `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`
	for name, c := range map[string]struct {
		answers map[string]string // by method
		kind    messenger.OutcomeKind
		scope   messenger.Scope
		calls   string
	}{
		"both good": {map[string]string{"getMe": bot, "getChat": group}, messenger.Sent, messenger.NoScope, `getMe {} getChat {"chat_id":-1001234567890}`},
		"no bot":    {map[string]string{"getMe": nobody}, messenger.Failed, messenger.CredentialScope, "getMe {}"},
		"no chat":   {map[string]string{"getMe": bot, "getChat": nowhere}, messenger.Failed, messenger.DestinationScope, `getMe {} getChat {"chat_id":-1001234567890}`},
		"no word":   {map[string]string{}, messenger.Unknown, messenger.NoScope, "getMe {}"},
	} {
		t.Run(name, func(t *testing.T) {
			var calls []string
			base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
				method := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
				body, _ := io.ReadAll(r.Body)
				calls = append(calls, method, string(body))
				_, _ = io.WriteString(w, c.answers[method])
			})
			m := sample.Message
			o := New(messengertest.Endpoint(base, messengertest.NewClient(t))).Verify(t.Context(), m.Credential, m.Destination)
			if o.Kind != c.kind || o.Scope != c.scope || strings.Join(calls, " ") != c.calls || strings.Contains(fmt.Sprintf("%+v", o), "SECRET") {
				t.Errorf("%+v after %q", o, calls)
			}
		})
	}
	if o := (Messenger{}).Verify(t.Context(), "no token", "1"); o.Kind != messenger.Failed || o.Code != "invalid_credential" {
		t.Errorf("%+v", o)
	}
}

func TestTelegramSettings(t *testing.T) {
	spec := Messenger{}.Spec()
	messengertest.CheckSetting(t, spec.Credential, map[string]bool{
		"123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw-_": true,
		"": false, "987654321": false, "123:a/b": false, "123:a?b": false, "123:": false, "123:a\n": false, "bot123:a": false, "123:봉": false,
	})
	messengertest.CheckSetting(t, spec.Destination, map[string]bool{
		"123456789": true, "-1001234567890": true, "@status": true,
		"": false, "somewhere": false, "@": false, "12a": false, "1 2": false, "99999999999999999999": false, "@1a": false,
	})
	if o := (Messenger{}).Send(t.Context(), messenger.Message{Credential: "12 34", Destination: "1", Text: "x"}); o.Kind != messenger.Failed || o.Scope != messenger.CredentialScope || o.Code != "invalid_credential" {
		t.Errorf("%+v", o)
	}
}

// TestTelegramKeyAlone has a response quote the secret part of a token, without the
// bot's id.
func TestTelegramKeyAlone(t *testing.T) {
	base := messengertest.Provider(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":false,"description":"SECRET-abcdefghijklmnop_QRSTUVWXYZ"}`)
	})
	if o := messengertest.Send(t.Context(), t, sample.At(t, base), sample.Message); o.Code != redact.Placeholder {
		t.Errorf("%+v", o)
	}
}

// FuzzTelegramResponse verifies that a response is Sent only if another JSON parser also
// finds ok.
func FuzzTelegramResponse(f *testing.F) {
	for _, seed := range []string{`{"ok":true,"result":{"message_id":1}}`, `{"ok":true,"ok":false}`, `{"ok":true}x`, `{"ok":false,"error_code":429}`} {
		f.Add([]byte(seed), 200)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		if status < 200 || status > 599 {
			t.Skip("no status of an answer")
		}
		r := call.Response{Status: status, Body: body}
		o := call.ReadJSON[reply](r).refine(r.Outcome(messengertest.Noon))
		var other struct{ OK any }
		if o.Kind == messenger.Sent && (json.Unmarshal(body, &other) != nil || other.OK != true || status/100 != 2) {
			t.Errorf("%d %q is Sent", status, body)
		}
		if (o.Scope != messenger.NoScope) != (o.Kind == messenger.Failed) {
			t.Errorf("%d %q: %+v", status, body, o)
		}
	})
}
