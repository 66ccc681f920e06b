package messenger

import "strings"

// teamsLimit is the size of a request, in bytes: "the message size limit is 28 KB"
// (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
// Whether that is 28,000 or 28,672 is not documented.
const teamsLimit = 28_000

type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	ContentURL  *string   `json:"contentUrl"` // null
	Content     teamsCard `json:"content"`
}

// A teamsCard is an Adaptive Card
// (https://adaptivecards.io/explorer/AdaptiveCard.html).
type teamsCard struct {
	Schema  string        `json:"$schema"`
	Type    string        `json:"type"`
	Version string        `json:"version"`
	Body    []teamsLine   `json:"body"`
	Actions []teamsAction `json:"actions,omitempty"`
	Teams   teamsWidth    `json:"msteams"`
}

type teamsWidth struct {
	Width string `json:"width"`
}

// A teamsLine is a line of text. It is a RichTextBlock, not a TextBlock or a FactSet,
// because RichTextBlocks have no Markdown
// (https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features): a_b_c is
// shown literally.
type teamsLine struct {
	Type    string     `json:"type"`
	Spacing string     `json:"spacing,omitempty"`
	Inlines []teamsRun `json:"inlines"`
}

type teamsRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
}

type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// teamsMessageOf returns a card with the title, the text, the details and a button for
// the link. A text that is too long is cut; details that do not fit after it are
// omitted.
func teamsMessageOf(m Message) (body []byte, cut bool) {
	card := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		Body: []teamsLine{}, Teams: teamsWidth{"Full"},
	}
	whole := func() []byte {
		return marshal(teamsMessage{"message", []teamsAttachment{{"application/vnd.microsoft.card.adaptive", nil, card}}})
	}
	if m.Link != "" {
		card.Actions = []teamsAction{{"Action.OpenUrl", "Open", m.Link}}
		if len(whole()) > teamsLimit/2 { // a truncated link does not work
			card.Actions, cut = nil, true
		}
	}
	add := func(lines ...teamsLine) { card.Body = append(card.Body, lines...) }
	if m.Title != "" {
		title, short := truncate(m.Title, teamsLimit/8, jsonSize)
		add(teamsLine{"RichTextBlock", "", []teamsRun{{Type: "TextRun", Text: title, Weight: "Bolder", Size: "Large"}}})
		cut = cut || short
	}
	text, short := truncate(m.Text, teamsLimit-len(whole())-teamsLineSize, teamsSize)
	add(teamsLines(text)...)
	cut = cut || short
	spacing := ""
	for _, d := range m.Details {
		detail := teamsDetail(d, spacing)
		if len(whole())+len(marshal(detail))+1 > teamsLimit {
			return whole(), true
		}
		add(detail)
		spacing = "None"
	}
	return whole(), cut
}

// teamsLines returns the lines of a text. An empty line becomes a wider space.
func teamsLines(text string) []teamsLine {
	var lines []teamsLine
	spacing := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			spacing = ""
			continue
		}
		lines = append(lines, teamsLine{"RichTextBlock", spacing, []teamsRun{{Type: "TextRun", Text: line}}})
		spacing = "None"
	}
	return lines
}

func teamsDetail(d Detail, spacing string) teamsLine {
	return teamsLine{"RichTextBlock", spacing, []teamsRun{
		{Type: "TextRun", Text: d.Name + ": ", Weight: "Bolder"},
		{Type: "TextRun", Text: d.Value},
	}}
}

// teamsLineSize is about the size of a line without its text, in bytes, and never less.
const teamsLineSize = 100

// teamsSize returns the size of a text as lines of a card, in bytes.
func teamsSize(s string) int { return jsonSize(s) + strings.Count(s, "\n")*teamsLineSize }

// jsonSize returns the size of a JSON string without its quotes, in bytes.
func jsonSize(s string) int { return len(marshal(s)) - len(`""`) }
