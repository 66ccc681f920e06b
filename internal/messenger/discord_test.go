package messenger

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

	"github.com/bongsu-project/bongsu/services/mockup"
)

const discordWebhookURL = "https://discord.com/api/webhooks/123456789012345678/SECRET-SECRET_SECRET-SECRET?thread_id=223456789012345678"

// discordMarkup is markupText as Discord shows it literally.
const discordMarkup = `\\*/5 \\* \\* \\* \\* \\_x\\_ \\~y\\~ \\` + "`z\\\\`" + ` \\<b>&`

const discordTaken = `{"id":"1334567890123456789","type":0,"content":"[normal] node1 down","channel_id":"323456789012345678"}`

var discordSample = sample{
	make:            maker(NewDiscord),
	message:         Message{DeliveryID: 7, Credential: discordWebhookURL, Destination: "#ops", Text: "[normal] node1 down"},
	sent:            discordTaken,
	messageID:       "1334567890123456789",
	refused:         `{"message":"Invalid Form Body","code":50035}`,
	means:           map[int]classification{404: destinationFailed},
	shortCredential: "https://discord.com/api/webhooks/1/a?thread_id=1",
	shown:           markup{plain: []string{discordMarkup}, full: []string{discordMarkup}},
}

func TestDiscordPromises(t *testing.T) { verifyPromises(t, discordSample) }

func TestDiscordFake(t *testing.T) { verifyFake(t, mockup.New(nil), discordSample) }

func TestDiscordRequest(t *testing.T) {
	goldens(t, discordSample, discordWebhookURL, "#ops")
	m := plainMessage(strings.Replace(discordWebhookURL, "/api/", "/api/v9/", 1), "")
	golden(t, "discord/plain", wire(t, discordSample, m, false)) // also if its URL has another API version
}

// discordRefusal returns an error body of Discord.
func discordRefusal(code int) string { return fmt.Sprintf(`{"message":"no","code":%d}`, code) }

// discordAnswers are the test cases that webhooks and bots share.
func discordAnswers() []answered {
	unreadable := Outcome{Kind: Unknown, Code: "unreadable_answer"}
	rows := []answered{
		{200, nil, discordTaken, Outcome{Kind: Sent, MessageID: "1334567890123456789"}},
		{200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.5"}, discordTaken, Outcome{Kind: Sent, MessageID: "1334567890123456789"}},
		{204, nil, "", unreadable},
		{200, nil, "{}", unreadable},
		{200, nil, `{"id":7}`, unreadable},
		{200, nil, "<html>", unreadable},
		{429, map[string]string{"Retry-After": "65"}, "error code: 1015", Outcome{Kind: Paused, Code: "http_429", RetryAfter: 65 * time.Second}},
		{429, map[string]string{"Retry-After": "65", "X-RateLimit-Scope": "global", "X-RateLimit-Global": "true"}, `{"message":"no","retry_after":64.57,"global":true}`,
			Outcome{Kind: Paused, Code: "http_429", RetryAfter: 64570 * time.Millisecond}},
		{429, map[string]string{"X-RateLimit-Scope": "user"}, `{"message":"no","retry_after":0.5,"global":true}`, Outcome{Kind: Paused, Code: "http_429", RetryAfter: 500 * time.Millisecond}},
		{429, nil, `{"message":"no","retry_after":3600.0001,"global":false,"code":20028}`, Outcome{Kind: Paused, Code: "20028", RetryAfter: time.Hour + time.Millisecond}},
		{429, nil, `{"retry_after":-1}`, Outcome{Kind: Paused, Code: "http_429"}},
		{429, retryLater, `{"retry_after":"soon"}`, Outcome{Kind: Paused, Code: "http_429", RetryAfter: later}},
		{400, nil, discordRefusal(1), Outcome{Kind: Failed, Scope: MessageScope, Code: "1"}},
		{401, nil, `{"message":"401: Unauthorized","code":0}`, Outcome{Kind: Failed, Scope: CredentialScope, Code: "http_401"}},
		{403, nil, discordRefusal(40333), Outcome{Kind: Failed, Scope: CredentialScope, Code: "40333"}},
		{302, nil, discordRefusal(10003), Outcome{Kind: Failed, Scope: MessageScope, Code: "redirect"}},
		{500, retryLater, discordRefusal(10003), Outcome{Kind: Retry, Code: "10003", RetryAfter: later}},
		{502, nil, "<html>", Outcome{Kind: Retry, Code: "http_502"}},
		{503, nil, discordRefusal(130000), Outcome{Kind: Retry, Code: "130000"}},
	}
	for means, codes := range map[classification][]int{
		meansRetry:        {40004, 40006},
		destinationFailed: {50001, 50007, 50008, 50013, 50083, 160005, 220001},
		credentialFailed:  {40001, 50014, 50027},
		messageFailed:     {50035, 50006, 50109, 40005, 200000, 240000},
	} {
		for _, code := range codes {
			rows = append(rows, answered{403, nil, discordRefusal(code), Outcome{Kind: means.kind, Scope: means.scope, Code: fmt.Sprint(code)}})
		}
	}
	return rows
}

func TestDiscordAnswers(t *testing.T) {
	dead := Outcome{Kind: Failed, Scope: DestinationScope, Code: "10015", Gone: true}
	meanings(t, discordSample, append(discordAnswers(),
		answered{404, nil, discordRefusal(10015), dead},
		answered{404, nil, `{"message":"404: Not Found","code":0}`, Outcome{Kind: Failed, Scope: DestinationScope, Code: "http_404", Gone: true}},
		answered{404, nil, "<html>", Outcome{Kind: Failed, Scope: DestinationScope, Code: "http_404"}}, // not an error body of Discord
		answered{429, map[string]string{"X-RateLimit-Scope": "user"}, `{"message":"no","retry_after":0.25,"global":false}`,
			Outcome{Kind: Paused, Code: "http_429", RetryAfter: 250 * time.Millisecond}}, // the webhook is the credential
	))
}

func TestDiscordSettings(t *testing.T) {
	checks(t, Discord{}.Spec().Credential, map[string]bool{
		discordWebhookURL: true, "https://discordapp.com/api/v10/webhooks/1/a": true, "https://ptb.discord.com/api/webhooks/1/a-_/": true,
		"": false, "http://discord.com/api/webhooks/1/abcdef": false, "https://discord.com/api/webhooks/1/abcdef/slack": false,
		"https://discord.com/channels/1/2": false, "https://discord.com/api/webhooks/abc/def": false,
	})
	checks(t, Discord{}.Spec().Destination, map[string]bool{"": true, "#ops": true})
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
		if got, cut := discordText(text, 2000); got != want || cut {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// discordEscape matches an escape as Discord parses it.
var discordEscape = regexp.MustCompile(`\\([^0-9A-Za-z\s])`)

func FuzzDiscordText(f *testing.F) {
	f.Add("# a_b https://x_y <@1>\n1. 봉🔥", uint16(20))
	f.Fuzz(func(t *testing.T, text string, limit uint16) {
		if !utf8.ValidString(text) || limit == 0 {
			t.Skip("texts are valid UTF-8")
		}
		got, cut := discordText(text, int(limit))
		if utf16Len(got) > int(limit) || cut != strings.HasSuffix(got, ellipsis) && !strings.HasSuffix(text, ellipsis) {
			t.Errorf("%q at %d: %q, cut %v", text, limit, got, cut)
		}
		if again := discordEscape.ReplaceAllString(got, "$1"); !cut && again != text && !strings.Contains(text, `\`) {
			t.Errorf("%q reads %q", text, again)
		}
	})
}

// TestDiscordCutsWhatIsTooLong sends messages that exceed each of Discord's limits.
func TestDiscordCutsWhatIsTooLong(t *testing.T) {
	var got discordMessage
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		got = discordMessage{}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, discordTaken)
	})
	m := plainMessage(discordWebhookURL, "")
	m.Text = "[normal] " + strings.Repeat("봉🔥_", 1000)
	if o := send(t.Context(), t, discordSample.at(t, base), m); o.Kind != Sent || !o.Truncated || utf16Len(got.Content) > 2000 || !strings.HasSuffix(got.Content, ellipsis) {
		t.Errorf("%+v, %d units", o, utf16Len(got.Content))
	}
	for name, change := range map[string]func(*Message){
		"a long title": func(m *Message) { m.Title = strings.Repeat("t", 257) },
		"a long value": func(m *Message) { m.Details = []Detail{{Name: "n", Value: strings.Repeat("v", 1025)}} },
		"long details": func(m *Message) {
			m.Details = slices.Repeat([]Detail{{Name: strings.Repeat("n", 200), Value: strings.Repeat("v", 900)}}, 6)
		},
		"many details":      func(m *Message) { m.Details = slices.Repeat([]Detail{{Name: "n", Value: "v"}}, 251) },
		"a link of no end":  func(m *Message) { m.Link = "https://h.example/" + strings.Repeat("l", 2048) },
		"a title of no end": func(m *Message) { m.Title = strings.Repeat("t", 10_000) },
	} {
		t.Run(name, func(t *testing.T) {
			m := plainMessage(discordWebhookURL, "")
			change(&m)
			o := send(t.Context(), t, discordSample.at(t, base), m)
			if o.Kind != Sent || !o.Truncated {
				t.Errorf("%+v", o)
			}
			withinDiscord(t, got)
		})
	}
	m = full(discordWebhookURL, "")
	m.Details = append(slices.Repeat([]Detail{{Name: "n", Value: "v"}}, 60), Detail{Name: "", Value: ""})
	if o := send(t.Context(), t, discordSample.at(t, base), m); o.Kind != Sent || o.Truncated || len(got.Embeds) != 3 {
		t.Errorf("%+v: 61 details in %d embeds", o, len(got.Embeds))
	}
	withinDiscord(t, got)
}

// withinDiscord verifies that a message is within Discord's limits.
func withinDiscord(t *testing.T, m discordMessage) {
	t.Helper()
	sum := 0
	for _, e := range m.Embeds {
		sum += utf16Len(e.Title) + utf16Len(e.Description)
		if utf16Len(e.Title) > 256 || len(e.Fields) > 25 || e.Title == "" && e.Description == "" && len(e.Fields) == 0 {
			t.Errorf("embed %+v", e)
		}
		for _, f := range e.Fields {
			sum += utf16Len(f.Name) + utf16Len(f.Value)
			if f.Name == "" || f.Value == "" || utf16Len(f.Name) > 256 || utf16Len(f.Value) > 1024 {
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
	dead := Outcome{Kind: Failed, Scope: DestinationScope, Code: "10015", Gone: true}
	looks(t, discordSample, discordWebhookURL, "#ops", map[string]look{
		"there": {answers: map[string]string{webhook: `{"type":1,"id":"123456789012345678","name":"bongsu","token":"SECRET-SECRET_SECRET-SECRET"}`},
			want: Outcome{Kind: Sent}, says: "bongsu"},
		"deleted": {answers: map[string]string{webhook: discordRefusal(10015)}, status: map[string]int{webhook: 404}, want: dead},
	})
	looks(t, discordSample, "https://discord.com/SECRET", "", map[string]look{
		"no webhook": {want: Outcome{Kind: Failed, Scope: CredentialScope, Code: "invalid_credential"}},
	})
}
