package cli

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// groupSeparator separates the groups of a user. groupEscape precedes a separator or an
// escape that is part of a name.
const groupSeparator, groupEscape = ';', '\\'

// formulaMarks are the first characters that make a spreadsheet read a cell as a
// formula, some of them only in locales with full-width characters.
const formulaMarks = "=+-@\t\r\n＝＋－＠"

// plainMark before a cell makes a spreadsheet read it as text.
const plainMark = '\''

// escapeFormula returns the cell of a text. No spreadsheet reads it as a formula, and
// unescapeFormula decodes it.
func escapeFormula(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && (first == plainMark || strings.ContainsRune(formulaMarks, first)) {
		return string(plainMark) + text
	}
	return text
}

// unescapeFormula returns the text of a cell that escapeFormula encoded. Other cells are returned
// unchanged.
func unescapeFormula(cell string) string {
	rest, ok := strings.CutPrefix(cell, string(plainMark))
	if first, _ := utf8.DecodeRuneInString(rest); ok && rest != "" && (first == plainMark || strings.ContainsRune(formulaMarks, first)) {
		return rest
	}
	return cell
}

// joinGroups returns the cell of group names. No name becomes a formula, even if a
// spreadsheet splits the cell at the separator.
func joinGroups(names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteRune(groupSeparator)
		}
		for _, r := range escapeFormula(name) {
			if r == groupSeparator || r == groupEscape {
				b.WriteRune(groupEscape)
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// splitGroups returns the group names of a cell, without surrounding white space and
// without empty names.
func splitGroups(cell string) []string {
	var names []string
	var b strings.Builder
	end := func() {
		if name := unescapeFormula(strings.TrimSpace(b.String())); name != "" {
			names = append(names, name)
		}
		b.Reset()
	}
	escaped := false
	for _, r := range cell {
		switch {
		case escaped:
			if r != groupSeparator && r != groupEscape { // not an escape sequence, keep the character
				b.WriteRune(groupEscape)
			}
			b.WriteRune(r)
			escaped = false
		case r == groupEscape:
			escaped = true
		case r == groupSeparator:
			end()
		default:
			b.WriteRune(r)
		}
	}
	if escaped {
		b.WriteRune(groupEscape)
	}
	end()
	return names
}

// separatorOf returns the cell separator of a file: that of a first line sep=; as
// spreadsheets write it, or else the first separator in the header. rest is the file
// without the sep line, and skipped the number of skipped lines.
func separatorOf(text []byte) (separator rune, rest []byte, skipped int) {
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimRight(line, "\r")
	if named, ok := bytes.CutPrefix(bytes.ToLower(bytes.Trim(line, `"`)), []byte("sep=")); ok {
		if r, size := utf8.DecodeRune(named); size == len(named) && strings.ContainsRune(",;\t|", r) {
			return r, rest, 1
		}
	}
	quoted := false
	for _, c := range bytes.TrimLeft(text, "\r\n ") { // column names hold no line ends
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ';' || c == '\t'):
			return rune(c), text, 0
		case c == '\n':
			return ',', text, 0
		}
	}
	return ',', text, 0
}

// blankRow reports whether all cells of a row are blank.
func blankRow(cells []string) bool {
	for _, cell := range cells {
		if strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return true
}
