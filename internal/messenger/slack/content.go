package slack

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// Slack's limits, in characters and in number of elements
// (https://docs.slack.dev/reference/methods/chat.postMessage,
// https://docs.slack.dev/reference/block-kit/blocks).
const (
	textLimit    = 40_000 // of a text: Slack truncates longer ones
	headerLimit  = 150
	sectionLimit = 3_000
	fieldLimit   = 2_000
	fieldCount   = 10 // fields of a section
	blockCount   = 50
	// blocksLimit is of all blocks of a message as JSON. It is not documented;
	// Slack was observed to reject more than about 13,200 with msg_blocks_too_long
	// (https://github.com/slackapi/bolt-js/issues/2509).
	blocksLimit    = 12_000
	buttonURLLimit = 3_000
)

// A postRequest is the request of chat.postMessage.
type postRequest struct {
	Channel  string `json:"channel"`
	ThreadTS string `json:"thread_ts,omitempty"` // of the message to answer
	// ReplyBroadcast shows an answer in the channel too: a person who does not follow the
	// thread must notice it.
	ReplyBroadcast bool `json:"reply_broadcast,omitempty"`
	messageContent
}

// A changeRequest is the request of chat.update. It has blocks and attachments also if they
// are empty: without them, Slack keeps those that the message has.
type changeRequest struct {
	Channel     string       `json:"channel"`
	TS          string       `json:"ts"`
	Blocks      []block      `json:"blocks"`
	Attachments []attachment `json:"attachments"`
	Text        string       `json:"text"`
}

// messageContent is the content of a message, for both the API and webhooks. With blocks,
// the text is shown in notifications only.
type messageContent struct {
	Attachments []attachment `json:"attachments,omitempty"`

	Text string `json:"text"`
	// Mrkdwn is false if the text contains characters that Slack would parse as markup,
	// so that they are shown literally
	// (https://docs.slack.dev/messaging/formatting-message-text#disabling-formatting).
	Mrkdwn *bool   `json:"mrkdwn,omitempty"`
	Blocks []block `json:"blocks,omitempty"`
}

type block struct {
	Type     string       `json:"type"`
	Text     *textObject  `json:"text,omitempty"`
	Fields   []textObject `json:"fields,omitempty"`
	Elements []button     `json:"elements,omitempty"` // of actions
}

// A button opens a URL.
type button struct {
	Type  string      `json:"type"`
	Text  *textObject `json:"text"`
	URL   string      `json:"url"`
	Style string      `json:"style,omitempty"`
}

// An attachment shows a status beside a bar of a color. Blocks cannot have a color.
type attachment struct {
	Color    string `json:"color"`
	Fallback string `json:"fallback"`
	Title    string `json:"title"`
}

// statusColors are the colors of the statuses that are shown, green and yellow.
var statusColors = map[string]string{"resolved": "#2eb67d", "acknowledged": "#ecb22e"}

// attachmentsOf returns the status of a message, if it shows one.
func attachmentsOf(m messenger.Message) []attachment {
	label := m.StatusLabel()
	if label == "" {
		return nil
	}
	return []attachment{{Color: statusColors[m.Status()], Fallback: label, Title: label}}
}

type textObject struct {
	Type string `json:"type"`
	Text string `json:"text"`
	// Verbatim disables links for names of users and channels.
	Verbatim bool `json:"verbatim,omitempty"`
	// Emoji is false to show names between colons literally.
	Emoji *bool `json:"emoji,omitempty"`
}

// boolFalse is false for settings that default to true.
var boolFalse = new(bool)

// contentOf formats a message with more than a text as blocks, unless they exceed
// Slack's limits: then all of it is text, cut if it exceeds the limit of a text.
func contentOf(m messenger.Message) (content messageContent, cut bool) {
	if m.IsPlain() && m.AckLink() == "" {
		return textContent(m)
	}
	return blockContent(m)
}

// changeOf formats a message for chat.update. It has no mrkdwn, so a text with markup is a
// block.
func changeOf(m messenger.Message) (content messageContent, cut bool) {
	if content, cut = contentOf(m); content.Mrkdwn != nil && content.Blocks == nil {
		content, cut = blockContent(m)
	}
	if content.Blocks == nil {
		content.Blocks = []block{}
	}
	if content.Attachments == nil {
		content.Attachments = []attachment{}
	}
	return content, cut
}

func blockContent(m messenger.Message) (content messageContent, cut bool) {
	blocks := blocksOf(m)
	if blocks == nil {
		return textContent(m)
	}
	return messageContent{Attachments: attachmentsOf(m), Text: escapes.Replace(m.Text), Mrkdwn: mrkdwn(m.Text), Blocks: blocks}, false
}

// textContent cuts a text that is too long before the link to acknowledge.
func textContent(m messenger.Message) (content messageContent, cut bool) {
	link := m.AckLine()
	if escapedLen(link) > textLimit/2 { // a truncated link does not work
		link, cut = "", true
	}
	text, short := messenger.Truncate(m.PlainText(), textLimit-escapedLen(link), escapedLen)
	text += link
	return messageContent{Attachments: attachmentsOf(m), Text: escapes.Replace(text), Mrkdwn: mrkdwn(text)}, cut || short
}

// mrkdwn returns nil for a text without Slack markup.
func mrkdwn(text string) *bool {
	if hasMarkup(text) {
		return boolFalse
	}
	return nil
}

// blocksOf returns nil for a message that exceeds the limits.
func blocksOf(m messenger.Message) []block {
	if utf8.RuneCountInString(m.Title) > headerLimit || escapedLen(m.Text) > sectionLimit || utf8.RuneCountInString(m.AckLink()) > buttonURLLimit {
		return nil
	}
	var blocks []block
	if m.Title != "" { // plain_text has no markup, so nothing is escaped
		blocks = append(blocks, block{Type: "header", Text: &textObject{Type: "plain_text", Text: m.Title}})
	}
	blocks = append(blocks, block{Type: "section", Text: textOf(escapes.Replace(m.Text), m.Text)})
	for some := range slices.Chunk(m.Details, fieldCount) {
		section := block{Type: "section"}
		for _, d := range some {
			field := textOf("*"+escapes.Replace(d.Name)+"*\n"+escapes.Replace(d.Value), d.Name+"\n"+d.Value)
			if utf8.RuneCountInString(field.Text) > fieldLimit {
				return nil
			}
			section.Fields = append(section.Fields, *field)
		}
		blocks = append(blocks, section)
	}
	if m.Link != "" {
		blocks = append(blocks, mrkdwnSection("<"+urlEscapes.Replace(m.Link)+">"))
	}
	if link := m.AckLink(); link != "" {
		label := &textObject{Type: "plain_text", Text: messenger.AckLabel}
		blocks = append(blocks, block{Type: "actions", Elements: []button{{Type: "button", Text: label, URL: link, Style: "primary"}}})
	}
	if len(blocks) > blockCount || utf8.RuneCount(call.JSON(blocks)) > blocksLimit {
		return nil
	}
	return blocks
}

func mrkdwnSection(text string) block {
	return block{Type: "section", Text: &textObject{Type: "mrkdwn", Text: text, Verbatim: true}}
}

// textOf returns text of a caller as mrkdwn; or as plain text, if it contains Slack
// markup.
func textOf(marked, plain string) *textObject {
	if hasMarkup(plain) {
		return &textObject{Type: "plain_text", Text: plain, Emoji: boolFalse}
	}
	return &textObject{Type: "mrkdwn", Text: marked, Verbatim: true}
}

// escapes escapes the control characters of Slack's text
// (https://docs.slack.dev/messaging/formatting-message-text).
var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// urlEscapes also escapes the characters that end a link or begin its label.
var urlEscapes = strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C")

// escapedLen returns the length in characters, after escaping.
func escapedLen(s string) int { return utf8.RuneCountInString(escapes.Replace(s)) }
