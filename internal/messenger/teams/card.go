package teams

import (
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// sizeLimit is the size of a request, in bytes: "the message size limit is 28 KB"
// (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
// Whether that is 28,000 or 28,672 is not documented.
const sizeLimit = 28_000

type requestBody struct {
	Type        string       `json:"type"`
	Attachments []attachment `json:"attachments"`
}

type attachment struct {
	ContentType string       `json:"contentType"`
	ContentURL  *string      `json:"contentUrl"` // null
	Content     adaptiveCard `json:"content"`
}

// An adaptiveCard is an Adaptive Card
// (https://adaptivecards.io/explorer/AdaptiveCard.html).
type adaptiveCard struct {
	Schema  string     `json:"$schema"`
	Type    string     `json:"type"`
	Version string     `json:"version"`
	Body    []textLine `json:"body"`
	Actions []action   `json:"actions,omitempty"`
	Teams   width      `json:"msteams"`
}

type width struct {
	Width string `json:"width"`
}

// A textLine is a line of text. It is a RichTextBlock, not a TextBlock or a FactSet,
// because RichTextBlocks have no Markdown
// (https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features): a_b_c is
// shown literally.
type textLine struct {
	Type    string    `json:"type"`
	Spacing string    `json:"spacing,omitempty"`
	Inlines []textRun `json:"inlines"`
}

type textRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Color  string `json:"color,omitempty"`
}

// statusColors are the colors of the statuses that are shown.
var statusColors = map[string]string{"resolved": "Good", "acknowledged": "Warning"}

type action struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// bodyOf returns a card with the status, the title, the text, the details, and buttons for
// the links. A text that is too long is cut; details that do not fit after it are
// omitted.
func bodyOf(m messenger.Message) (body []byte, cut bool) {
	card := adaptiveCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		Body: []textLine{}, Teams: width{"Full"},
	}
	whole := func() []byte {
		return call.JSON(requestBody{"message", []attachment{{"application/vnd.microsoft.card.adaptive", nil, card}}})
	}
	for _, link := range []action{{"Action.OpenUrl", "Open", m.Link}, {"Action.OpenUrl", messenger.AckLabel, m.AckLink()}} {
		if link.URL == "" {
			continue
		}
		card.Actions = append(card.Actions, link)
		if len(whole()) > sizeLimit/2 { // a truncated link does not work
			card.Actions, cut = card.Actions[:len(card.Actions)-1], true
		}
	}
	add := func(lines ...textLine) { card.Body = append(card.Body, lines...) }
	if label := m.StatusLabel(); label != "" {
		add(textLine{"RichTextBlock", "", []textRun{{Type: "TextRun", Text: label, Weight: "Bolder", Color: statusColors[m.Status()]}}})
	}
	if m.Title != "" {
		title, short := messenger.Truncate(m.Title, sizeLimit/8, jsonSize)
		add(textLine{"RichTextBlock", "", []textRun{{Type: "TextRun", Text: title, Weight: "Bolder", Size: "Large"}}})
		cut = cut || short
	}
	text, short := messenger.Truncate(m.Text, sizeLimit-len(whole())-lineSize, linesSize)
	add(linesOf(text)...)
	cut = cut || short
	spacing := ""
	for _, d := range m.Details {
		detail := detailLine(d, spacing)
		if len(whole())+len(call.JSON(detail))+1 > sizeLimit {
			return whole(), true
		}
		add(detail)
		spacing = "None"
	}
	return whole(), cut
}

// linesOf returns the lines of a text. An empty line becomes a wider space.
func linesOf(text string) []textLine {
	var lines []textLine
	spacing := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			spacing = ""
			continue
		}
		lines = append(lines, textLine{"RichTextBlock", spacing, []textRun{{Type: "TextRun", Text: line}}})
		spacing = "None"
	}
	return lines
}

func detailLine(d messenger.Detail, spacing string) textLine {
	return textLine{"RichTextBlock", spacing, []textRun{
		{Type: "TextRun", Text: d.Name + ": ", Weight: "Bolder"},
		{Type: "TextRun", Text: d.Value},
	}}
}

// lineSize is about the size of a line without its text, in bytes, and never less.
const lineSize = 100

// linesSize returns the size of a text as lines of a card, in bytes.
func linesSize(s string) int { return jsonSize(s) + strings.Count(s, "\n")*lineSize }

// jsonSize returns the size of a JSON string without its quotes, in bytes.
func jsonSize(s string) int { return len(call.JSON(s)) - len(`""`) }
