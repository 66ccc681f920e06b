// Package redact removes secrets from texts that people may read, such as logs and errors:
// also where a text quotes a secret in an escaped form.
package redact

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Placeholder replaces a secret.
const Placeholder = "[redacted]"

// Lengths of secrets, in characters, that decide where a match is redacted.
const (
	minAnywhereLen = 8 // from this length, also within other words
	minWordLen     = 4 // from this length, as a word of its own; below it, only next to a delimiter
)

// Text returns s without the secrets, ignoring case and decoding escapes: URL, JSON and
// HTML, also nested. A short secret is redacted only as a whole word, a very short one
// only next to a delimiter, as in key=x, so that ordinary words are kept.
func Text(s string, secrets ...string) string {
	var found []span
	left := maxComparisons
	for _, secret := range secrets {
		found = append(found, findSecret(s, secret, &left)...)
	}
	if left <= 0 {
		return Placeholder
	}
	if len(found) == 0 {
		return s
	}
	slices.SortFunc(found, func(a, b span) int { return a.start - b.start })
	var b strings.Builder
	end := 0
	for _, f := range found {
		if f.start < end { // overlaps a redacted span
			end = max(end, f.end)
			continue
		}
		b.WriteString(s[end:f.start])
		b.WriteString(Placeholder)
		end = f.end
	}
	b.WriteString(s[end:])
	return b.String()
}

// maxComparisons bounds the work on a text, in character comparisons. A text that exceeds it
// consists of nested escapes, and is redacted as a whole.
const maxComparisons = 1 << 19

// A span is a part of a text.
type span struct{ start, end int }

// findSecret returns the spans of a secret in s, in order and without overlaps. It stops when
// the budget is used up.
func findSecret(s, secret string, left *int) []span {
	if secret == "" {
		return nil
	}
	length := utf8.RuneCountInString(secret)
	first, _ := utf8.DecodeRuneInString(secret)
	lower, upper := byte(unicode.ToLower(first)), byte(unicode.ToUpper(first)) // for ASCII only
	var found []span
	for i := 0; i < len(s) && *left > 0; i++ {
		c := s[i]
		if first < utf8.RuneSelf && c != lower && c != upper && c < utf8.RuneSelf && c != '%' && c != '\\' && c != '&' && c != '+' {
			continue
		}
		end := matchSecret(s, i, secret, left)
		if end < 0 || length < minAnywhereLen && !standsAlone(s, i, end, length) {
			continue
		}
		found = append(found, span{i, end})
		i = end - 1
	}
	return found
}

// matchSecret returns the end index of the secret that begins at i, in its longest encoding,
// or -1.
func matchSecret(s string, i int, secret string, left *int) int {
	ends := []int{i}
	var next []int
	for _, r := range secret {
		next = next[:0]
		*left -= len(ends)
		for _, at := range ends {
			next = escapedEnds(next, s, at, r)
		}
		if len(next) == 0 {
			return -1
		}
		slices.Sort(next)
		next = slices.Compact(next)
		ends = append(ends[:0], next[max(0, len(next)-maxNesting):]...)
	}
	return ends[len(ends)-1]
}

// standsAlone reports whether a short secret of length characters at s[i:end] stands
// alone, not within another word.
func standsAlone(s string, i, end, length int) bool {
	before, after := runeBefore(s, i), runeAfter(s, end)
	if isWord(before) || isWord(after) {
		return false
	}
	return length >= minWordLen || before == noRune && after == noRune ||
		strings.ContainsRune("=:\"'`<[{&?@#|\\", before) || strings.ContainsRune("=\"'`>]}&@#|\\", after) ||
		before == '(' && after == ')'
}

// noRune is the character before the first and after the last.
const noRune rune = -1

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// runeBefore returns the character before i, decoded if it is escaped.
func runeBefore(s string, i int) rune {
	if i == 0 {
		return noRune
	}
	for _, length := range []int{3, 6} { // %2F, \u002f
		if i < length {
			break
		}
		if r, end := decodeEscape(s, i-length); end == i {
			return r
		}
	}
	r, _ := utf8.DecodeLastRuneInString(s[:i])
	return r
}

// runeAfter returns the character at i, decoded if it is escaped.
func runeAfter(s string, i int) rune {
	if i >= len(s) {
		return noRune
	}
	if r, end := decodeEscape(s, i); end > 0 {
		return r
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	return r
}
