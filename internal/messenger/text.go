package messenger

import (
	"strings"

	"github.com/rivo/uniseg"
)

// mark stands where a text was cut.
const mark = "…"

// fit cuts a text that is longer than limit between two characters, as people see
// them, and puts the mark there. size measures as the provider does: in characters,
// bytes, UTF-16 units, and after its escapes. It must be additive over characters.
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

// bytesOf measures in bytes.
func bytesOf(s string) int { return len(s) }

// unitsOf measures in UTF-16 units, as JavaScript and Java count.
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

// Full is the message as plain text, for providers that have no form of their own
// for its title, details and link: the text alone where there is nothing more.
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
