package slack

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
)

func TestSlackGoldenRequests(t *testing.T) {
	messengertest.Goldens(t, sample, "SLACK-USER1-TOKEN", "USER1_CHANNEL_ID")
	messengertest.IncidentGoldens(t, sample, "SLACK-USER1-TOKEN", "USER1_CHANNEL_ID")
}

// TestSlackContent verifies that a message is shown as blocks if it fits, and as text
// otherwise.
func TestSlackContent(t *testing.T) {
	details := func(count int, value string) []messenger.Detail {
		return slices.Repeat([]messenger.Detail{{Name: "n", Value: value}}, count)
	}
	for name, c := range map[string]struct {
		change func(*messenger.Message)
		blocks int
		cut    bool
	}{
		"plain":                 {func(m *messenger.Message) { m.Title, m.Link, m.Details = "", "", nil }, 0, false},
		"a title":               {func(m *messenger.Message) { m.Link, m.Details = "", nil }, 2, false},
		"a link":                {func(m *messenger.Message) { m.Title, m.Details = "", nil }, 2, false},
		"all":                   {func(*messenger.Message) {}, 4, false},
		"a title that fits":     {func(m *messenger.Message) { m.Title = strings.Repeat("봉", 150) }, 4, false},
		"a title that does not": {func(m *messenger.Message) { m.Title = strings.Repeat("봉", 151) }, 0, false},
		"a text that fits":      {func(m *messenger.Message) { m.Text = strings.Repeat("봉", 2995) + "&" }, 4, false},
		"a text that does not":  {func(m *messenger.Message) { m.Text = strings.Repeat("봉", 2996) + "&" }, 0, false},
		"eleven details":        {func(m *messenger.Message) { m.Details = details(11, "v") }, 5, false},
		"too many details":      {func(m *messenger.Message) { m.Details = details(480, "") }, 0, false},
		"a detail too long":     {func(m *messenger.Message) { m.Details = details(1, strings.Repeat("v", 2000)) }, 0, false},
		"too much of it":        {func(m *messenger.Message) { m.Details = details(7, strings.Repeat("v", 1900)) }, 0, false},
		"all that fits":         {func(m *messenger.Message) { m.Details, m.Text = nil, strings.Repeat("v", 39_000) }, 0, false},
		"more than fits":        {func(m *messenger.Message) { m.Text = strings.Repeat("<", 10_001) }, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := messengertest.FullMessage("T", "C1")
			c.change(&m)
			content, cut := contentOf(m)
			if len(content.Blocks) != c.blocks || cut != c.cut {
				t.Errorf("%d blocks, cut %v", len(content.Blocks), cut)
			}
			if n := utf8.RuneCountInString(content.Text); n > textLimit || n == 0 {
				t.Errorf("a text of %d characters", n)
			}
			if c.blocks == 0 && !c.cut && content.Text != escapes.Replace(m.PlainText()) {
				t.Errorf("the text is %.100q", content.Text)
			}
			if !json.Valid(call.JSON(content)) {
				t.Error("no JSON")
			}
		})
	}
}

// TestSlackCut exceeds Slack's limit: the outcome records the truncation.
func TestSlackCut(t *testing.T) {
	m := messengertest.PlainMessage("SLACK-USER1-TOKEN", "C1")
	m.Text = strings.Repeat("&", 20_000)
	if request := messengertest.Request(t, sample, m, true); !strings.HasSuffix(strings.TrimSpace(string(request)), `&amp;…"}`) {
		t.Errorf("…%s", request[len(request)-100:])
	}
}

// TestSlackLinkStaysALink verifies that characters that end a link are escaped.
func TestSlackLinkStaysALink(t *testing.T) {
	m := messenger.Message{Text: "x", Link: "https://h.example/?a=1&b=<!channel>|c"}
	content, _ := contentOf(m)
	if got, want := content.Blocks[1].Text.Text, "<https://h.example/?a=1&amp;b=%3C!channel%3E%7Cc>"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestSlackMarkup verifies that Slack markup in a text is shown literally, and that
// ordinary text is sent unchanged.
func TestSlackMarkup(t *testing.T) {
	for text, marked := range map[string]bool{
		"[normal] node1 down": false, "[high] node_exporter_up of db-1 at 10:30:00, 5 > 3 & <x>": false, "see https://wiki.example/a_b_c?d=e#f": false, "a:b:1:c": true,
		"*/5 * * * *": true, "a *b* c": true, "~/bin": true, "`id`": true, "_x_ y": true, "x _y": true, "> quoted": true, "a\n > quoted": true, ":fire:": true, "봉_수": false, "봉 _수_": true,
	} {
		content, _ := contentOf(messenger.Message{Text: text})
		want := `{"text":` + string(call.JSON(escapes.Replace(text))) + `}`
		if marked {
			want = strings.TrimSuffix(want, "}") + `,"mrkdwn":false}`
		}
		if got := string(call.JSON(content)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		content, _ = contentOf(messenger.Message{Text: "x", Title: "x", Details: []messenger.Detail{{Name: "n", Value: text}}})
		field, plain := content.Blocks[2].Fields[0], "n\n"+text
		if !marked {
			plain = "*n*\n" + escapes.Replace(text)
		}
		if field.Text != plain || (field.Type == "plain_text") != marked {
			t.Errorf("detail %+v, want %q", field, plain)
		}
	}
}
