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
	Embeds          []embed         `json:"embeds,omitzero"`
	AllowedMentions allowedMentions `json:"allowed_mentions"`

	Reference *messageReference `json:"message_reference,omitempty"` // bots only

	Nonce        string `json:"nonce,omitempty"`         // bots only
	EnforceNonce bool   `json:"enforce_nonce,omitempty"` // bots only
}

// A messageReference is the message that a bot answers. Discord shows the answer also if
// that message does not exist.
type messageReference struct {
	MessageID       string `json:"message_id"`
	FailIfNotExists bool   `json:"fail_if_not_exists"`
}

// answerTo returns the reference to a message; nil for no message.
func answerTo(previous string) *messageReference {
	if previous == "" {
		return nil
	}
	return &messageReference{MessageID: previous}
}

// asChange returns the body that changes a message. It has embeds also if they are empty:
// without them, Discord keeps those that the message has.
func (b requestBody) asChange() requestBody {
	if b.Embeds == nil {
		b.Embeds = []embed{}
	}
	return b
}

// allowedMentions lists the allowed kinds of mentions. An empty Parse allows none.
type allowedMentions struct {
	Parse []string `json:"parse"`
}

type embed struct {
	Title       string  `json:"title,omitempty"`
	URL         string  `json:"url,omitempty"`
	Description string  `json:"description,omitempty"`
	Color       int     `json:"color,omitempty"`
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
	e := embedder{left: embedsLimit, cut: cut}
	status := e.statusEmbeds(m)
	if !m.IsPlain() {
		message.Embeds = e.embeds(m, embedCount-len(status))
	}
	message.Embeds = append(message.Embeds, status...)
	return message, e.cut
}

// statusColors are the colors of the statuses that are shown, green and yellow.
var statusColors = map[string]int{"resolved": 0x2eb67d, "acknowledged": 0xecb22e}

// statusEmbeds returns the status of the incident, or a link to acknowledge it.
func (e *embedder) statusEmbeds(m messenger.Message) []embed {
	if label := m.StatusLabel(); label != "" {
		return []embed{{Title: e.write(label, titleLimit), Color: statusColors[m.Status()]}}
	}
	switch link := m.AckLink(); {
	case link == "":
		return nil
	case messenger.UTF16Len(link) > urlLimit: // a truncated link does not work
		e.cut = true
		return nil
	default:
		return []embed{{Title: e.write(messenger.AckLabel, titleLimit), URL: link}}
	}
}

// An embedder builds embeds within their common limit.
type embedder struct {
	left int  // characters left
	cut  bool // some text was cut
}

// embeds returns at most limit embeds.
func (e *embedder) embeds(m messenger.Message, limit int) []embed {
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
	for some := range slices.Chunk(e.fields(m.Details, limit*fieldCount), fieldCount) {
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

// fields returns at most limit fields.
func (e *embedder) fields(details []messenger.Detail, limit int) []field {
	fields := make([]field, 0, len(details))
	for _, d := range details {
		if len(fields) == limit || e.left < nameLimit+len(messenger.Ellipsis) {
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
