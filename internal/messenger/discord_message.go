package messenger

import (
	"slices"
	"time"
)

// What Discord takes, in characters
// (https://discord.com/developers/docs/resources/message#create-message,
// https://discord.com/developers/docs/resources/message#embed-object-embed-limits).
const (
	discordContentLimit     = 2_000
	discordTitleLimit       = 256
	discordDescriptionLimit = 4_096
	discordNameLimit        = 256
	discordValueLimit       = 1_024
	discordEmbedsLimit      = 6_000 // of all of them together
	discordFieldCount       = 25    // fields of an embed
	discordEmbedCount       = 10
	discordURLLimit         = 2_048 // of an embed's link: unverified, no page says it
)

// A discordMessage is what both of Discord's ways to send take.
type discordMessage struct {
	Content         string          `json:"content"`
	Embeds          []discordEmbed  `json:"embeds,omitempty"`
	AllowedMentions discordMentions `json:"allowed_mentions"`
	Nonce           string          `json:"nonce,omitempty"`         // bots only
	EnforceNonce    bool            `json:"enforce_nonce,omitempty"` // bots only
}

// discordMentions says whom a text may call. Where Parse is empty, nobody.
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

// discordMessageOf shows the text as it would be without more, so that it stands in
// notifications, and the rest in an embed.
func discordMessageOf(m Message) (message discordMessage, cut bool) {
	message.AllowedMentions.Parse = []string{}
	message.Content, cut = discordText(m.Text, discordContentLimit)
	if m.Plain() {
		return message, cut
	}
	e := discordEmbedder{left: discordEmbedsLimit, cut: cut}
	message.Embeds = e.embeds(m)
	return message, e.cut
}

// A discordEmbedder makes embeds that are not too large together.
type discordEmbedder struct {
	left int  // how many characters may be written still
	cut  bool // some were not
}

func (e *discordEmbedder) embeds(m Message) []discordEmbed {
	first := discordEmbed{Title: e.write(m.Title, discordTitleLimit)}
	switch {
	case m.Link == "":
	case unitsOf(m.Link) > discordURLLimit: // half a link leads nowhere
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
	if first := embeds[0]; first.Title == "" && first.Description == "" && first.Fields == nil { // Discord refuses it
		return nil
	}
	return embeds
}

func (e *discordEmbedder) fields(details []Detail) []discordField {
	fields := make([]discordField, 0, len(details))
	for _, d := range details {
		if len(fields) == discordEmbedCount*discordFieldCount || e.left < discordNameLimit+len(mark) {
			e.cut = true
			break
		}
		name := e.write(shown(d.Name), discordNameLimit)
		fields = append(fields, discordField{Name: name, Value: e.write(shown(d.Value), discordValueLimit)})
	}
	return fields
}

// write takes what text needs, at most limit, of what is left.
func (e *discordEmbedder) write(text string, limit int) string {
	text, cut := discordText(text, min(limit, e.left))
	e.left -= unitsOf(text)
	e.cut = e.cut || cut
	return text
}

// shown is a text that Discord does not take for missing: it refuses fields without a
// name or a value.
func shown(text string) string {
	if text == "" {
		return "\u200b" // takes no room
	}
	return text
}
