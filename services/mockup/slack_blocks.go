package mockup

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// slackBlock is the part of Block Kit that the fake supports: headers, sections, and
// actions with buttons.
type slackBlock struct {
	Type     string        `json:"type"`
	Text     *slackText    `json:"text,omitempty"`
	Fields   []slackText   `json:"fields,omitempty"`
	Elements []slackButton `json:"elements,omitempty"`
}

type slackButton struct {
	Type string     `json:"type"`
	Text *slackText `json:"text,omitempty"`
	URL  string     `json:"url,omitempty"`
}

// slackAttachment is the part of an attachment that the fake supports.
type slackAttachment struct {
	Color    string `json:"color"`
	Fallback string `json:"fallback"`
	Title    string `json:"title"`
	Text     string `json:"text"`
}

// slackAttachments returns Slack's error for attachments, or "": each needs a text to show.
func slackAttachments(attachments []slackAttachment) string {
	switch {
	case len(attachments) > 100:
		return "too_many_attachments"
	case slices.ContainsFunc(attachments, func(a slackAttachment) bool { return a.Fallback == "" && a.Title == "" && a.Text == "" }):
		return "no_text"
	}
	return ""
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// slackBlocks returns Slack's error for blocks, or "". The limits are those of
// https://docs.slack.dev/reference/block-kit/blocks; the one of all blocks together is
// not documented, and was observed at about 13,200 characters.
func slackBlocks(blocks []slackBlock) string {
	all, err := json.Marshal(blocks)
	switch {
	case err != nil, len(blocks) > 50:
		return "invalid_blocks"
	case utf8.RuneCount(all) > 13_200:
		return "msg_blocks_too_long"
	case slices.ContainsFunc(blocks, func(b slackBlock) bool { return !b.valid() }):
		return "invalid_blocks"
	}
	return ""
}

func (b slackBlock) valid() bool {
	switch b.Type {
	case "header":
		return b.Text != nil && b.Text.Type == "plain_text" && b.Text.within(150)
	case "section":
		if b.Text == nil && len(b.Fields) == 0 || len(b.Fields) > 10 {
			return false
		}
		return (b.Text == nil || b.Text.within(3000)) &&
			!slices.ContainsFunc(b.Fields, func(t slackText) bool { return !t.within(2000) })
	case "actions":
		return len(b.Elements) > 0 && len(b.Elements) <= 25 &&
			!slices.ContainsFunc(b.Elements, func(e slackButton) bool { return !e.valid() })
	}
	return false
}

func (e slackButton) valid() bool {
	return e.Type == "button" && e.Text != nil && e.Text.Type == "plain_text" && e.Text.within(75) && utf8.RuneCountInString(e.URL) <= 3000
}

func (t slackText) within(limit int) bool {
	return (t.Type == "plain_text" || t.Type == "mrkdwn") && t.Text != "" && utf8.RuneCountInString(t.Text) <= limit
}
