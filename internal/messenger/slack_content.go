package messenger

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// What Slack takes, in characters, and how many of what
// (https://docs.slack.dev/reference/methods/chat.postMessage,
// https://docs.slack.dev/reference/block-kit/blocks).
const (
	slackTextLimit    = 40_000 // of a text: Slack cuts what is beyond
	slackHeaderLimit  = 150
	slackSectionLimit = 3_000
	slackFieldLimit   = 2_000
	slackFieldCount   = 10 // fields of a section
	slackBlockCount   = 50
	// slackBlocksLimit is of all blocks of a message as JSON. Slack does not document
	// it; it was seen to refuse more than about 13,200 with msg_blocks_too_long
	// (https://github.com/slackapi/bolt-js/issues/2509).
	slackBlocksLimit = 12_000
)

// slackContent is what a message shows, in both of Slack's ways to send. Where there
// are blocks, the text is what notifications show.
type slackContent struct {
	Text string `json:"text"`
	// Mrkdwn is false where Slack would take signs of the text for markup: then it shows
	// them (https://docs.slack.dev/messaging/formatting-message-text#disabling-formatting).
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
	// Verbatim leaves names of people and channels what they are: text.
	Verbatim bool `json:"verbatim,omitempty"`
	// Emoji is false where names between colons are to stay what they are.
	Emoji *bool `json:"emoji,omitempty"`
}

// off is a setting that is on unless a message says otherwise.
var off = new(bool)

// slackContentOf shows more than a text by blocks, unless they would be too large
// for Slack: then all of it is text, and only what is too long for that is cut.
func slackContentOf(m Message) (content slackContent, cut bool) {
	if blocks := slackBlocksOf(m); blocks != nil {
		return slackContent{Text: slackEscapes.Replace(m.Text), Mrkdwn: slackMrkdwn(m.Text), Blocks: blocks}, false
	}
	text, cut := fit(m.Full(), slackTextLimit, slackSize)
	return slackContent{Text: slackEscapes.Replace(text), Mrkdwn: slackMrkdwn(text)}, cut
}

// slackMrkdwn is nil for a text in which Slack finds no markup.
func slackMrkdwn(text string) *bool {
	if slackMarked(text) {
		return off
	}
	return nil
}

// slackBlocksOf is nil for a plain message, and for one that does not fit.
func slackBlocksOf(m Message) []slackBlock {
	if m.Plain() || utf8.RuneCountInString(m.Title) > slackHeaderLimit || slackSize(m.Text) > slackSectionLimit {
		return nil
	}
	var blocks []slackBlock
	if m.Title != "" { // nothing means anything in a plain_text, so nothing is escaped
		blocks = append(blocks, slackBlock{Type: "header", Text: &slackText{Type: "plain_text", Text: m.Title}})
	}
	blocks = append(blocks, slackBlock{Type: "section", Text: slackWords(slackEscapes.Replace(m.Text), m.Text)})
	for some := range slices.Chunk(m.Details, slackFieldCount) {
		section := slackBlock{Type: "section"}
		for _, d := range some {
			field := slackWords("*"+slackEscapes.Replace(d.Name)+"*\n"+slackEscapes.Replace(d.Value), d.Name+"\n"+d.Value)
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

// slackWords is what people said, in markup of ours; or in plain text, where Slack would
// find markup in it.
func slackWords(marked, said string) *slackText {
	if slackMarked(said) {
		return &slackText{Type: "plain_text", Text: said, Emoji: off}
	}
	return &slackText{Type: "mrkdwn", Text: marked, Verbatim: true}
}

// slackEscapes are the characters that mean something in Slack's text
// (https://docs.slack.dev/messaging/formatting-message-text).
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// slackURLEscapes are those that would end a link, or begin its label.
var slackURLEscapes = strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C")

// slackSize measures in characters after the escapes.
func slackSize(s string) int { return utf8.RuneCountInString(slackEscapes.Replace(s)) }
