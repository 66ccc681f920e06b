package messenger

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Ellipsis follows a truncated text.
const Ellipsis = "…"

// Truncate cuts a text that is longer than limit between two grapheme clusters, and
// appends Ellipsis. size returns the length in the provider's unit, such as characters, bytes or
// UTF-16 units, after its escapes. It must be additive over characters.
func Truncate(text string, limit int, size func(string) int) (fitted string, cut bool) {
	if size(text) <= limit {
		return text, false
	}
	var b strings.Builder
	left, state := limit-size(Ellipsis), -1
	for rest := text; rest != ""; {
		var character string
		character, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if left -= size(character); left < 0 {
			break
		}
		b.WriteString(character)
	}
	return strings.TrimRight(b.String(), " \t\r\n") + Ellipsis, true
}

// ByteLen returns the length in bytes.
func ByteLen(s string) int { return len(s) }

// UTF16Len returns the length in UTF-16 units, as JavaScript and Java count.
func UTF16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// PlainText returns the message as plain text, for providers without a format for title,
// details and link.
func (m Message) PlainText() string {
	if m.IsPlain() {
		return m.Text
	}
	var b strings.Builder
	if m.Title != "" {
		b.WriteString(m.Title + "\n")
	}
	b.WriteString(m.Text)
	if len(m.Details) > 0 {
		b.WriteString("\n")
	}
	for _, d := range m.Details {
		b.WriteString("\n" + d.Name + ": " + d.Value)
	}
	if m.Link != "" {
		b.WriteString("\n\n" + m.Link)
	}
	return b.String()
}
