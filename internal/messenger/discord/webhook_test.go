package discord

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/services/mockup"
)

const webhookURL = "https://discord.com/api/webhooks/123456789012345678/SECRET-SECRET_SECRET-SECRET?thread_id=223456789012345678"

// literalMarkup is messengertest.MarkupText as Discord shows it literally.
const literalMarkup = `\\*/5 \\* \\* \\* \\* \\_x\\_ \\~y\\~ \\` + "`z\\\\`" + ` \\<b>&`

const created = `{"id":"1334567890123456789","type":0,"content":"[normal] node1 down","channel_id":"323456789012345678"}`

var webhookSample = messengertest.Sample{
	New:       messengertest.Maker(NewWebhook),
	Message:   messenger.Message{DeliveryID: 7, Credential: webhookURL, Destination: "#ops", Text: "[normal] node1 down"},
	Sent:      created,
	MessageID: "1334567890123456789",
	Reference: "1334567890123456789",
	Gone: []messengertest.GoneResponse{
		{Status: 404, Body: `{"message":"Unknown Message","code":10008}`},
		{Status: 403, Body: `{"message":"Cannot edit a message authored by another user","code":50005}`},
		{Status: 429, Body: `{"message":"Maximum number of edits to messages older than 1 hour reached. Try again later.","code":30046}`},
	},
	Refused:         `{"message":"Invalid Form Body","code":50035}`,
	Means:           map[int]call.Classification{404: call.DestinationFailed},
	ShortCredential: "https://discord.com/api/webhooks/1/a?thread_id=1",
	Shown:           messengertest.Markup{Plain: []string{literalMarkup}, Full: []string{literalMarkup}},
}

func TestWebhookPromises(t *testing.T) { messengertest.Run(t, webhookSample) }

func TestWebhookFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), webhookSample) }

func TestDiscordRequest(t *testing.T) {
	messengertest.Goldens(t, webhookSample, webhookURL, "#ops")
	messengertest.IncidentGoldens(t, webhookSample, webhookURL, "#ops")
	m := messengertest.PlainMessage(strings.Replace(webhookURL, "/api/", "/api/v9/", 1), "")
	messengertest.Golden(t, "discord/plain", messengertest.Request(t, webhookSample, m, false)) // also if its URL has another API version
}

// refusal returns an error body of Discord.
func refusal(code int) string { return fmt.Sprintf(`{"message":"no","code":%d}`, code) }

// answers are the test cases that webhooks and bots share.
func answers() []messengertest.Response {
	unreadable := messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}
	rows := []messengertest.Response{
		{200, nil, created, messenger.Outcome{Kind: messenger.Sent, MessageID: "1334567890123456789"}},
		{200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.5"}, created, messenger.Outcome{Kind: messenger.Sent, MessageID: "1334567890123456789"}},
		{204, nil, "", unreadable},
		{200, nil, "{}", unreadable},
		{200, nil, `{"id":7}`, unreadable},
		{200, nil, "<html>", unreadable},
		{429, map[string]string{"Retry-After": "65"}, "error code: 1015", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: 65 * time.Second}},
		{429, map[string]string{"Retry-After": "65", "X-RateLimit-Scope": "global", "X-RateLimit-Global": "true"}, `{"message":"no","retry_after":64.57,"global":true}`,
			messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: 64570 * time.Millisecond}},
		{429, map[string]string{"X-RateLimit-Scope": "user"}, `{"message":"no","retry_after":0.5,"global":true}`, messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: 500 * time.Millisecond}},
		{429, nil, `{"message":"no","retry_after":3600.0001,"global":false,"code":20028}`, messenger.Outcome{Kind: messenger.Paused, Code: "20028", RetryAfter: time.Hour + time.Millisecond}},
		{429, nil, `{"retry_after":-1}`, messenger.Outcome{Kind: messenger.Paused, Code: "http_429"}},
		{429, messengertest.RetryLater, `{"retry_after":"soon"}`, messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: messengertest.Later}},
		{400, nil, refusal(1), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "1"}},
		{401, nil, `{"message":"401: Unauthorized","code":0}`, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "http_401"}},
		{403, nil, refusal(40333), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "40333"}},
		{302, nil, refusal(10003), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "redirect"}},
		{500, messengertest.RetryLater, refusal(10003), messenger.Outcome{Kind: messenger.Retry, Code: "10003", RetryAfter: messengertest.Later}},
		{502, nil, "<html>", messenger.Outcome{Kind: messenger.Retry, Code: "http_502"}},
		{503, nil, refusal(130000), messenger.Outcome{Kind: messenger.Retry, Code: "130000"}},
	}
	for means, codes := range map[call.Classification][]int{
		call.Retry:             {40004, 40006},
		call.DestinationFailed: {50001, 50007, 50008, 50013, 50083, 160005, 220001},
		call.CredentialFailed:  {40001, 50014, 50027},
		call.MessageFailed:     {50035, 50006, 50109, 40005, 200000, 240000},
	} {
		for _, code := range codes {
			rows = append(rows, messengertest.Response{403, nil, refusal(code), messenger.Outcome{Kind: means.Kind, Scope: means.Scope, Code: fmt.Sprint(code)}})
		}
	}
	return rows
}

func TestDiscordResponses(t *testing.T) {
	dead := messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "10015", Gone: true}
	messengertest.CheckOutcomes(t, webhookSample, append(answers(),
		messengertest.Response{404, nil, refusal(10015), dead},
		messengertest.Response{404, nil, `{"message":"404: Not Found","code":0}`, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "http_404", Gone: true}},
		messengertest.Response{404, nil, "<html>", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "http_404"}}, // not an error body of Discord
		messengertest.Response{429, map[string]string{"X-RateLimit-Scope": "user"}, `{"message":"no","retry_after":0.25,"global":false}`,
			messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: 250 * time.Millisecond}}, // the webhook is the credential
	))
}

func TestDiscordSettings(t *testing.T) {
	messengertest.CheckSetting(t, Webhook{}.Spec().Credential, map[string]bool{
		webhookURL: true, "https://discordapp.com/api/v10/webhooks/1/a": true, "https://ptb.discord.com/api/webhooks/1/a-_/": true,
		"": false, "http://discord.com/api/webhooks/1/abcdef": false, "https://discord.com/api/webhooks/1/abcdef/slack": false,
		"https://discord.com/channels/1/2": false, "https://discord.com/api/webhooks/abc/def": false,
	})
	messengertest.CheckSetting(t, Webhook{}.Spec().Destination, map[string]bool{"": true, "#ops": true})
}

func TestDiscordText(t *testing.T) {
	for text, want := range map[string]string{
		"[normal] node1 down":               `[normal] node1 down`,
		"a_b *c* ~~d~~ `e` |f| \\":          "a\\_b \\*c\\* \\~\\~d\\~\\~ \\`e\\` \\|f\\| \\\\",
		"<@1> <@&2> <#3> <t:4> a<b":         `\<@1> \<@&2> \<#3> \<t:4> a\<b`,
		"- a\n# b\n> c\n 1. d\n-# e\nf - g": "\\- a\n\\# b\n\\> c\n 1\\. d\n\\-# e\nf - g",
		"at https://h.example/a_b*c (x_y)":  `at https://h.example/a_b*c (x\_y)`,
		"[x](https://h.example/a_b)":        `[x]\(https://h.example/a_b)`,
		"2026-03-01 1.5 노드1":                "2026-03-01 1.5 노드1",
	} {
		if got, cut := literalText(text, 2000); got != want || cut {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// escapePattern matches an escape as Discord parses it.
var escapePattern = regexp.MustCompile(`\\([^0-9A-Za-z\s])`)

func FuzzDiscordText(f *testing.F) {
	f.Add("# a_b https://x_y <@1>\n1. 봉🔥", uint16(20))
	f.Fuzz(func(t *testing.T, text string, limit uint16) {
		if !utf8.ValidString(text) || limit == 0 {
			t.Skip("texts are valid UTF-8")
		}
		got, cut := literalText(text, int(limit))
		if messenger.UTF16Len(got) > int(limit) || cut != strings.HasSuffix(got, messenger.Ellipsis) && !strings.HasSuffix(text, messenger.Ellipsis) {
			t.Errorf("%q at %d: %q, cut %v", text, limit, got, cut)
		}
		if again := escapePattern.ReplaceAllString(got, "$1"); !cut && again != text && !strings.Contains(text, `\`) {
			t.Errorf("%q reads %q", text, again)
		}
	})
}

// TestDiscordTruncates sends messages that exceed each of Discord's limits.
func TestDiscordTruncates(t *testing.T) {
	var got requestBody
	base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
		got = requestBody{}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, created)
	})
	m := messengertest.PlainMessage(webhookURL, "")
	m.Text = "[normal] " + strings.Repeat("봉🔥_", 1000)
	if o := messengertest.Send(t.Context(), t, webhookSample.At(t, base), m); o.Kind != messenger.Sent || !o.Truncated || messenger.UTF16Len(got.Content) > 2000 || !strings.HasSuffix(got.Content, messenger.Ellipsis) {
		t.Errorf("%+v, %d units", o, messenger.UTF16Len(got.Content))
	}
	for name, change := range map[string]func(*messenger.Message){
		"a long title": func(m *messenger.Message) { m.Title = strings.Repeat("t", 257) },
		"a long value": func(m *messenger.Message) {
			m.Details = []messenger.Detail{{Name: "n", Value: strings.Repeat("v", 1025)}}
		},
		"long details": func(m *messenger.Message) {
			m.Details = slices.Repeat([]messenger.Detail{{Name: strings.Repeat("n", 200), Value: strings.Repeat("v", 900)}}, 6)
		},
		"many details": func(m *messenger.Message) {
			m.Details = slices.Repeat([]messenger.Detail{{Name: "n", Value: "v"}}, 251)
		},
		"a link of no end":  func(m *messenger.Message) { m.Link = "https://h.example/" + strings.Repeat("l", 2048) },
		"a title of no end": func(m *messenger.Message) { m.Title = strings.Repeat("t", 10_000) },
	} {
		t.Run(name, func(t *testing.T) {
			m := messengertest.PlainMessage(webhookURL, "")
			change(&m)
			o := messengertest.Send(t.Context(), t, webhookSample.At(t, base), m)
			if o.Kind != messenger.Sent || !o.Truncated {
				t.Errorf("%+v", o)
			}
			withinLimits(t, got)
		})
	}
	m = messengertest.FullMessage(webhookURL, "")
	m.Details = append(slices.Repeat([]messenger.Detail{{Name: "n", Value: "v"}}, 60), messenger.Detail{Name: "", Value: ""})
	if o := messengertest.Send(t.Context(), t, webhookSample.At(t, base), m); o.Kind != messenger.Sent || o.Truncated || len(got.Embeds) != 3 {
		t.Errorf("%+v: 61 details in %d embeds", o, len(got.Embeds))
	}
	withinLimits(t, got)
}

// withinLimits verifies that a message is within Discord's limits.
func withinLimits(t *testing.T, m requestBody) {
	t.Helper()
	sum := 0
	for _, e := range m.Embeds {
		sum += messenger.UTF16Len(e.Title) + messenger.UTF16Len(e.Description)
		if messenger.UTF16Len(e.Title) > 256 || len(e.Fields) > 25 || e.Title == "" && e.Description == "" && len(e.Fields) == 0 {
			t.Errorf("embed %+v", e)
		}
		for _, f := range e.Fields {
			sum += messenger.UTF16Len(f.Name) + messenger.UTF16Len(f.Value)
			if f.Name == "" || f.Value == "" || messenger.UTF16Len(f.Name) > 256 || messenger.UTF16Len(f.Value) > 1024 {
				t.Errorf("field %+v", f)
			}
		}
	}
	if sum > 6000 || len(m.Embeds) > 10 {
		t.Errorf("%d characters in %d embeds", sum, len(m.Embeds))
	}
}

func TestDiscordVerify(t *testing.T) {
	const webhook = "GET /api/v10/webhooks/123456789012345678/SECRET-SECRET_SECRET-SECRET"
	dead := messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "10015", Gone: true}
	messengertest.CheckVerify(t, webhookSample, webhookURL, "#ops", map[string]messengertest.Verification{
		"there": {Responses: map[string]string{webhook: `{"type":1,"id":"123456789012345678","name":"bongsu","token":"SECRET-SECRET_SECRET-SECRET"}`},
			Want: messenger.Outcome{Kind: messenger.Sent}, Excerpt: "bongsu"},
		"deleted": {Responses: map[string]string{webhook: refusal(10015)}, Status: map[string]int{webhook: 404}, Want: dead},
	})
	messengertest.CheckVerify(t, webhookSample, "https://discord.com/SECRET", "", map[string]messengertest.Verification{
		"no webhook": {Want: messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "invalid_credential"}},
	})
}
