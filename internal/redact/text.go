// Package redact takes secrets out of texts that people may read.
package redact

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mark stands where a secret stood.
const Mark = "[redacted]"

// How long a secret must be to be found where other words are not meant.
const (
	anywhere = 8 // from here on it is found within other words too
	asWord   = 4 // from here on it is found as a word of its own; below, only beside a delimiter
)

// Text returns s without the secrets, whatever their letters' case and however they
// are escaped: for URLs, JSON or HTML, and one within the other. A short secret is
// taken out only where it stands as a word, a very short one only where it stands
// beside a delimiter, as in key=x: an ordinary word stays what it is.
func Text(s string, secrets ...string) string {
	var found []span
	left := budget
	for _, secret := range secrets {
		found = append(found, find(s, secret, &left)...)
	}
	if left <= 0 {
		return Mark
	}
	if len(found) == 0 {
		return s
	}
	slices.SortFunc(found, func(a, b span) int { return a.start - b.start })
	var b strings.Builder
	end := 0
	for _, f := range found {
		if f.start < end { // within what was taken out already, or beginning there
			end = max(end, f.end)
			continue
		}
		b.WriteString(s[end:f.start])
		b.WriteString(Mark)
		end = f.end
	}
	b.WriteString(s[end:])
	return b.String()
}

// budget bounds the work on a text, in characters compared. What takes more is made of
// escapes within escapes, and is dropped whole.
const budget = 1 << 19

// A span is a part of a text.
type span struct{ start, end int }

// find returns where a secret stands in s, from the left and without overlaps. It stops
// when nothing is left of the budget.
func find(s, secret string, left *int) []span {
	if secret == "" {
		return nil
	}
	length := utf8.RuneCountInString(secret)
	first, _ := utf8.DecodeRuneInString(secret)
	lower, upper := byte(unicode.ToLower(first)), byte(unicode.ToUpper(first)) // of ASCII only
	var found []span
	for i := 0; i < len(s) && *left > 0; i++ {
		c := s[i]
		if first < utf8.RuneSelf && c != lower && c != upper && c < utf8.RuneSelf && c != '%' && c != '\\' && c != '&' && c != '+' {
			continue
		}
		end := match(s, i, secret, left)
		if end < 0 || length < anywhere && !isolated(s, i, end, length) {
			continue
		}
		found = append(found, span{i, end})
		i = end - 1
	}
	return found
}

// match returns where the secret that begins at i ends, in its longest spelling, or -1.
func match(s string, i int, secret string, left *int) int {
	ends := []int{i}
	var next []int
	for _, r := range secret {
		next = next[:0]
		*left -= len(ends)
		for _, at := range ends {
			next = spellings(next, s, at, r)
		}
		if len(next) == 0 {
			return -1
		}
		slices.Sort(next)
		next = slices.Compact(next)
		ends = append(ends[:0], next[max(0, len(next)-nested):]...)
	}
	return ends[len(ends)-1]
}

// isolated reports whether a short secret of so many characters at s[i:end] is meant,
// and no part of another word.
func isolated(s string, i, end, length int) bool {
	before, after := runeBefore(s, i), runeAfter(s, end)
	if isWord(before) || isWord(after) {
		return false
	}
	return length >= asWord || before == none && after == none ||
		strings.ContainsRune("=:\"'`<[{&?@#|\\", before) || strings.ContainsRune("=\"'`>]}&@#|\\", after) ||
		before == '(' && after == ')'
}

// none stands for the character before the first, or after the last.
const none rune = -1

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// runeBefore returns the character before i, also where an escape stands for it.
func runeBefore(s string, i int) rune {
	if i == 0 {
		return none
	}
	for _, length := range []int{3, 6} { // %2F, \u002f
		if i < length {
			break
		}
		if r, end := escape(s, i-length); end == i {
			return r
		}
	}
	r, _ := utf8.DecodeLastRuneInString(s[:i])
	return r
}

// runeAfter returns the character at i, also where an escape stands for it.
func runeAfter(s string, i int) rune {
	if i >= len(s) {
		return none
	}
	if r, end := escape(s, i); end > 0 {
		return r
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	return r
}
