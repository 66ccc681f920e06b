package messenger

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Slack's limits, in characters and in number of elements
// (https://docs.slack.dev/reference/methods/chat.postMessage,
// https://docs.slack.dev/reference/block-kit/blocks).
const (
	slackTextLimit    = 40_000 // of a text: Slack truncates longer ones
	slackHeaderLimit  = 150
	slackSectionLimit = 3_000
	slackFieldLimit   = 2_000
	slackFieldCount   = 10 // fields of a section
	slackBlockCount   = 50
	// slackBlocksLimit is of all blocks of a message as JSON. It is not documented;
	// Slack was observed to reject more than about 13,200 with msg_blocks_too_long
	// (https://github.com/slackapi/bolt-js/issues/2509).
	slackBlocksLimit = 12_000
)

// slackContent is the content of a message, for both the API and webhooks. With blocks,
// the text is shown in notifications only.
type slackContent struct {
	Text string `json:"text"`
	// Mrkdwn is false if the text contains characters that Slack would parse as markup,
	// so that they are shown literally
	// (https://docs.slack.dev/messaging/formatting-message-text#disabling-formatting).
	Mrkdwn *bool        `json:"mrkdwn,omitempty"`
	Blocks []slackBlock `json:"blocks,omitempty"`
}

type slackBlock struct {
	Type   string      `json:"type"`
	Text   *slackText  `json:"text,omitempty"`
	Fields []slackText `json:"fields,omitempty"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
	// Verbatim disables links for names of users and channels.
	Verbatim bool `json:"verbatim,omitempty"`
	// Emoji is false to show names between colons literally.
	Emoji *bool `json:"emoji,omitempty"`
}

// boolFalse is false for settings that default to true.
var boolFalse = new(bool)

// slackContentOf formats a message with more than a text as blocks, unless they exceed
// Slack's limits: then all of it is text, cut if it exceeds the limit of a text.
func slackContentOf(m Message) (content slackContent, cut bool) {
	if blocks := slackBlocksOf(m); blocks != nil {
		return slackContent{Text: slackEscapes.Replace(m.Text), Mrkdwn: slackMrkdwn(m.Text), Blocks: blocks}, false
	}
	text, cut := truncate(m.PlainText(), slackTextLimit, slackSize)
	return slackContent{Text: slackEscapes.Replace(text), Mrkdwn: slackMrkdwn(text)}, cut
}

// slackMrkdwn returns nil for a text without Slack markup.
func slackMrkdwn(text string) *bool {
	if slackMarked(text) {
		return boolFalse
	}
	return nil
}

// slackBlocksOf returns nil for a plain message, and for one that exceeds the limits.
func slackBlocksOf(m Message) []slackBlock {
	if m.IsPlain() || utf8.RuneCountInString(m.Title) > slackHeaderLimit || slackSize(m.Text) > slackSectionLimit {
		return nil
	}
	var blocks []slackBlock
	if m.Title != "" { // plain_text has no markup, so nothing is escaped
		blocks = append(blocks, slackBlock{Type: "header", Text: &slackText{Type: "plain_text", Text: m.Title}})
	}
	blocks = append(blocks, slackBlock{Type: "section", Text: slackTextOf(slackEscapes.Replace(m.Text), m.Text)})
	for some := range slices.Chunk(m.Details, slackFieldCount) {
		section := slackBlock{Type: "section"}
		for _, d := range some {
			field := slackTextOf("*"+slackEscapes.Replace(d.Name)+"*\n"+slackEscapes.Replace(d.Value), d.Name+"\n"+d.Value)
			if utf8.RuneCountInString(field.Text) > slackFieldLimit {
				return nil
			}
			section.Fields = append(section.Fields, *field)
		}
		blocks = append(blocks, section)
	}
	if m.Link != "" {
		blocks = append(blocks, slackSection("<"+slackURLEscapes.Replace(m.Link)+">"))
	}
	if len(blocks) > slackBlockCount || utf8.RuneCount(marshal(blocks)) > slackBlocksLimit {
		return nil
	}
	return blocks
}

func slackSection(text string) slackBlock {
	return slackBlock{Type: "section", Text: &slackText{Type: "mrkdwn", Text: text, Verbatim: true}}
}

// slackTextOf returns text of a caller as mrkdwn; or as plain text, if it contains Slack
// markup.
func slackTextOf(marked, said string) *slackText {
	if slackMarked(said) {
		return &slackText{Type: "plain_text", Text: said, Emoji: boolFalse}
	}
	return &slackText{Type: "mrkdwn", Text: marked, Verbatim: true}
}

// slackEscapes escapes the control characters of Slack's text
// (https://docs.slack.dev/messaging/formatting-message-text).
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// slackURLEscapes also escapes the characters that end a link or begin its label.
var slackURLEscapes = strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C")

// slackSize returns the length in characters, after escaping.
func slackSize(s string) int { return utf8.RuneCountInString(slackEscapes.Replace(s)) }
