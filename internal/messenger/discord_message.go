package messenger

import (
	"slices"
	"time"
)

// Discord's limits, in characters
// (https://discord.com/developers/docs/resources/message#create-message,
// https://discord.com/developers/docs/resources/message#embed-object-embed-limits).
const (
	discordContentLimit     = 2_000
	discordTitleLimit       = 256
	discordDescriptionLimit = 4_096
	discordNameLimit        = 256
	discordValueLimit       = 1_024
	discordEmbedsLimit      = 6_000 // of all embeds together
	discordFieldCount       = 25    // fields of an embed
	discordEmbedCount       = 10
	discordURLLimit         = 2_048 // of an embed's link: unverified, not documented
)

// A discordMessage is the request body of both webhooks and bots.
type discordMessage struct {
	Content         string          `json:"content"`
	Embeds          []discordEmbed  `json:"embeds,omitempty"`
	AllowedMentions discordMentions `json:"allowed_mentions"`
	Nonce           string          `json:"nonce,omitempty"`         // bots only
	EnforceNonce    bool            `json:"enforce_nonce,omitempty"` // bots only
}

// discordMentions lists the allowed kinds of mentions. An empty Parse allows none.
type discordMentions struct {
	Parse []string `json:"parse"`
}

type discordEmbed struct {
	Title       string         `json:"title,omitempty"`
	URL         string         `json:"url,omitempty"`
	Description string         `json:"description,omitempty"`
	Timestamp   string         `json:"timestamp,omitempty"`
	Fields      []discordField `json:"fields,omitempty"`
}

type discordField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline,omitempty"`
}

// discordMessageOf puts the text into the content, which notifications show, and the
// rest of the message into embeds.
func discordMessageOf(m Message) (message discordMessage, cut bool) {
	message.AllowedMentions.Parse = []string{}
	message.Content, cut = discordText(m.Text, discordContentLimit)
	if m.IsPlain() {
		return message, cut
	}
	e := discordEmbedder{left: discordEmbedsLimit, cut: cut}
	message.Embeds = e.embeds(m)
	return message, e.cut
}

// A discordEmbedder builds embeds within their common limit.
type discordEmbedder struct {
	left int  // characters left
	cut  bool // some text was cut
}

func (e *discordEmbedder) embeds(m Message) []discordEmbed {
	first := discordEmbed{Title: e.write(m.Title, discordTitleLimit)}
	switch {
	case m.Link == "":
	case utf16Len(m.Link) > discordURLLimit: // a truncated link does not work
		e.cut = true
	case first.Title == "":
		first.Description = e.write(m.Link, discordDescriptionLimit)
	default:
		first.URL = m.Link
	}
	if !m.Time.IsZero() {
		first.Timestamp = m.Time.UTC().Format(time.RFC3339)
	}
	embeds := []discordEmbed{first}
	for some := range slices.Chunk(e.fields(m.Details), discordFieldCount) {
		if last := &embeds[len(embeds)-1]; last.Fields == nil {
			last.Fields = some
		} else {
			embeds = append(embeds, discordEmbed{Fields: some})
		}
	}
	if first := embeds[0]; first.Title == "" && first.Description == "" && first.Fields == nil { // Discord rejects it
		return nil
	}
	return embeds
}

func (e *discordEmbedder) fields(details []Detail) []discordField {
	fields := make([]discordField, 0, len(details))
	for _, d := range details {
		if len(fields) == discordEmbedCount*discordFieldCount || e.left < discordNameLimit+len(ellipsis) {
			e.cut = true
			break
		}
		name := e.write(nonEmptyField(d.Name), discordNameLimit)
		fields = append(fields, discordField{Name: name, Value: e.write(nonEmptyField(d.Value), discordValueLimit)})
	}
	return fields
}

// write returns text cut to limit and to the characters left, and subtracts its length.
func (e *discordEmbedder) write(text string, limit int) string {
	text, cut := discordText(text, min(limit, e.left))
	e.left -= utf16Len(text)
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
