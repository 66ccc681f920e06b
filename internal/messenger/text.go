package messenger

import (
	"strings"

	"github.com/rivo/uniseg"
)

// mark follows a truncated text.
const mark = "…"

// fit cuts a text that is longer than limit between two grapheme clusters, and appends
// mark. size returns the length in the provider's unit, such as characters, bytes or
// UTF-16 units, after its escapes. It must be additive over characters.
func fit(text string, limit int, size func(string) int) (fitted string, cut bool) {
	if size(text) <= limit {
		return text, false
	}
	var b strings.Builder
	left, state := limit-size(mark), -1
	for rest := text; rest != ""; {
		var character string
		character, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if left -= size(character); left < 0 {
			break
		}
		b.WriteString(character)
	}
	return strings.TrimRight(b.String(), " \t\r\n") + mark, true
}

// bytesOf returns the length in bytes.
func bytesOf(s string) int { return len(s) }

// unitsOf returns the length in UTF-16 units, as JavaScript and Java count.
func unitsOf(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// Full returns the message as plain text, for providers without a format for title,
// details and link.
func (m Message) Full() string {
	if m.Plain() {
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
