package main

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// groupSeparator stands between the groups of a user, and groupEscape before a separator
// or an escape that belongs to a name.
const groupSeparator, groupEscape = ';', '\\'

// formulaMarks are what a cell begins with that spreadsheets take for a formula, some of
// them only where the language is one of wide characters.
const formulaMarks = "=+-@\t\r\n＝＋－＠"

// plainMark stands before a cell that must not be taken for a formula, as people write it
// in a spreadsheet.
const plainMark = '\''

// noFormula returns a cell that no spreadsheet takes for a formula, and that formula reads
// as text.
func noFormula(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && (first == plainMark || strings.ContainsRune(formulaMarks, first)) {
		return string(plainMark) + text
	}
	return text
}

// formula returns the text that noFormula made a cell of. A cell that people wrote is what
// they wrote, unless it begins as noFormula's do.
func formula(cell string) string {
	rest, ok := strings.CutPrefix(cell, string(plainMark))
	if first, _ := utf8.DecodeRuneInString(rest); ok && rest != "" && (first == plainMark || strings.ContainsRune(formulaMarks, first)) {
		return rest
	}
	return cell
}

// joinGroups returns the cell of group names. None of them becomes a formula, not even
// where a spreadsheet takes their separator for that of cells.
func joinGroups(names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteRune(groupSeparator)
		}
		for _, r := range noFormula(name) {
			if r == groupSeparator || r == groupEscape {
				b.WriteRune(groupEscape)
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// splitGroups returns the group names of a cell. White space around a name, and what is
// empty, are left out.
func splitGroups(cell string) []string {
	var names []string
	var b strings.Builder
	end := func() {
		if name := formula(strings.TrimSpace(b.String())); name != "" {
			names = append(names, name)
		}
		b.Reset()
	}
	escaped := false
	for _, r := range cell {
		switch {
		case escaped:
			if r != groupSeparator && r != groupEscape { // it escapes nothing, and is meant
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

// separatorOf returns what stands between the cells of a file: what its first line says
// (sep=;, as spreadsheets write it), or what stands first in its header. rest is the file
// without such a line, and skipped the number of lines that are left out.
func separatorOf(text []byte) (separator rune, rest []byte, skipped int) {
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimRight(line, "\r")
	if said, ok := bytes.CutPrefix(bytes.ToLower(bytes.Trim(line, `"`)), []byte("sep=")); ok {
		if r, size := utf8.DecodeRune(said); size == len(said) && strings.ContainsRune(",;\t|", r) {
			return r, rest, 1
		}
	}
	quoted := false
	for _, c := range bytes.TrimLeft(text, "\r\n ") { // no name of a column holds a line end
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

// blankRow reports whether nothing stands in a row.
func blankRow(cells []string) bool {
	for _, cell := range cells {
		if strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return true
}
