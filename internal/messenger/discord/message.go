package discord

import (
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// Discord's limits, in characters
// (https://discord.com/developers/docs/resources/message#create-message,
// https://discord.com/developers/docs/resources/message#embed-object-embed-limits).
const (
	contentLimit     = 2_000
	titleLimit       = 256
	descriptionLimit = 4_096
	nameLimit        = 256
	valueLimit       = 1_024
	embedsLimit      = 6_000 // of all embeds together
	fieldCount       = 25    // fields of an embed
	embedCount       = 10
	urlLimit         = 2_048 // of an embed's link: unverified, not documented
)

// A requestBody is the request body of both webhooks and bots.
type requestBody struct {
	Content         string          `json:"content"`
	Embeds          []embed         `json:"embeds,omitempty"`
	AllowedMentions allowedMentions `json:"allowed_mentions"`
	Nonce           string          `json:"nonce,omitempty"`         // bots only
	EnforceNonce    bool            `json:"enforce_nonce,omitempty"` // bots only
}

// allowedMentions lists the allowed kinds of mentions. An empty Parse allows none.
type allowedMentions struct {
	Parse []string `json:"parse"`
}

type embed struct {
	Title       string  `json:"title,omitempty"`
	URL         string  `json:"url,omitempty"`
	Description string  `json:"description,omitempty"`
	Timestamp   string  `json:"timestamp,omitempty"`
	Fields      []field `json:"fields,omitempty"`
}

type field struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline,omitempty"`
}

// bodyOf puts the text into the content, which notifications show, and the rest of the
// message into embeds.
func bodyOf(m messenger.Message) (message requestBody, cut bool) {
	message.AllowedMentions.Parse = []string{}
	message.Content, cut = literalText(m.Text, contentLimit)
	if m.IsPlain() {
		return message, cut
	}
	e := embedder{left: embedsLimit, cut: cut}
	message.Embeds = e.embeds(m)
	return message, e.cut
}

// An embedder builds embeds within their common limit.
type embedder struct {
	left int  // characters left
	cut  bool // some text was cut
}

func (e *embedder) embeds(m messenger.Message) []embed {
	first := embed{Title: e.write(m.Title, titleLimit)}
	switch {
	case m.Link == "":
	case messenger.UTF16Len(m.Link) > urlLimit: // a truncated link does not work
		e.cut = true
	case first.Title == "":
		first.Description = e.write(m.Link, descriptionLimit)
	default:
		first.URL = m.Link
	}
	if !m.Time.IsZero() {
		first.Timestamp = m.Time.UTC().Format(time.RFC3339)
	}
	embeds := []embed{first}
	for some := range slices.Chunk(e.fields(m.Details), fieldCount) {
		if last := &embeds[len(embeds)-1]; last.Fields == nil {
			last.Fields = some
		} else {
			embeds = append(embeds, embed{Fields: some})
		}
	}
	if first := embeds[0]; first.Title == "" && first.Description == "" && first.Fields == nil { // Discord rejects it
		return nil
	}
	return embeds
}

func (e *embedder) fields(details []messenger.Detail) []field {
	fields := make([]field, 0, len(details))
	for _, d := range details {
		if len(fields) == embedCount*fieldCount || e.left < nameLimit+len(messenger.Ellipsis) {
			e.cut = true
			break
		}
		name := e.write(nonEmptyField(d.Name), nameLimit)
		fields = append(fields, field{Name: name, Value: e.write(nonEmptyField(d.Value), valueLimit)})
	}
	return fields
}

// write returns text cut to limit and to the characters left, and subtracts its length.
func (e *embedder) write(text string, limit int) string {
	text, cut := literalText(text, min(limit, e.left))
	e.left -= messenger.UTF16Len(text)
	e.cut = e.cut || cut
	return text
}

// nonEmptyField returns a text that Discord does not treat as missing: it rejects fields
// without a name or a value.
func nonEmptyField(text string) string {
	if text == "" {
		return "\u200b" // zero-width space
	}
	return text
}
