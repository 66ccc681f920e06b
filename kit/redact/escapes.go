package redact

import (
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escapedEnds appends to ends the end index of each encoding of r that begins at i:
// literal, URL, JSON and HTML escapes, also nested in one another.
func escapedEnds(ends []int, s string, i int, r rune) []int {
	if i >= len(s) {
		return ends
	}
	if c, size := utf8.DecodeRuneInString(s[i:]); equalFoldRune(c, r) {
		ends = append(ends, i+size)
	}
	switch s[i] {
	case '+':
		if r == ' ' {
			ends = append(ends, i+1)
		}
	case '%':
		ends = percentEnds(ends, s, i, r)
		if r == ' ' {
			ends = percentEnds(ends, s, i, '+')
		}
	case '\\':
		ends = backslashEnds(ends, s, i, r)
	case '&':
		ends = entityEnds(ends, s, i, r)
	}
	return ends
}

// maxNesting bounds how deep nested escapes are followed, such as \\\\/ for \/, so that a
// response of backslashes alone takes no longer than another.
const maxNesting = 8

// equalFoldRune reports whether two characters are equal, ignoring case.
func equalFoldRune(a, b rune) bool {
	return a == b || unicode.ToLower(a) == unicode.ToLower(b) || unicode.ToUpper(a) == unicode.ToUpper(b)
}

// percentEnds appends the end indexes of r percent-encoded at i: %2F, or %252F if encoded
// twice.
func percentEnds(ends []int, s string, i int, r rune) []int {
	var bytes [utf8.UTFMax]byte
	starts := []int{i}
	for _, want := range bytes[:utf8.EncodeRune(bytes[:], r)] {
		var next []int
		for _, at := range starts {
			next = percentByte(next, s, at, want)
		}
		starts = next
	}
	return append(ends, starts...)
}

// percentByte appends the end indexes of one percent-encoded byte.
func percentByte(ends []int, s string, i int, want byte) []int {
	if i >= len(s) || s[i] != '%' {
		return ends
	}
	i++
	for range maxNesting {
		if i+2 > len(s) || !isHex(s[i:i+2]) {
			break
		}
		if n, err := strconv.ParseUint(s[i:i+2], 16, 8); err == nil && equalFoldRune(rune(n), rune(want)) {
			ends = append(ends, i+2)
		}
		if s[i:i+2] != "25" {
			break
		}
		i += 2
	}
	return ends
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// backslashEnds appends the end indexes of r backslash-escaped at i, as in JSON and source
// code: \/, \u002f or \x2f, with more backslashes if escaped more than once.
func backslashEnds(ends []int, s string, i int, r rune) []int {
	q := i
	for q < len(s) && s[q] == '\\' && q-i < 2*maxNesting {
		q++
		if r == '\\' && q > i+1 {
			ends = append(ends, q)
		}
	}
	if c, end := unicodeEscape(s, q); end > 0 && equalFoldRune(c, r) {
		ends = append(ends, end)
	}
	if isWord(r) || r == '\\' || q == len(s) {
		return ends
	}
	if c, size := utf8.DecodeRuneInString(s[q:]); c == r {
		ends = append(ends, q+size)
	}
	if s[q] == '&' { // JSON in HTML
		ends = entityEnds(ends, s, q, r)
	}
	return ends
}

// unicodeEscape decodes the escape after a backslash: \u002f, a surrogate pair of two
// such, or \x2f. It returns end 0 if there is none.
func unicodeEscape(s string, i int) (r rune, end int) {
	code := func(i, digits int) (rune, bool) {
		if i+digits > len(s) || !isHex(s[i:i+digits]) {
			return 0, false
		}
		n, err := strconv.ParseUint(s[i:i+digits], 16, 32)
		return rune(n), err == nil
	}
	switch {
	case strings.HasPrefix(s[i:], "x"):
		if r, ok := code(i+1, 2); ok {
			return r, i + 3
		}
	case strings.HasPrefix(s[i:], "u"):
		high, ok := code(i+1, 4)
		if !ok {
			return 0, 0
		}
		if high < 0xD800 || high > 0xDBFF {
			return high, i + 5
		}
		q := i + 5
		for q < len(s) && s[q] == '\\' && q-i < 2*maxNesting {
			q++
		}
		if q < len(s) && s[q] == 'u' {
			if low, ok := code(q+1, 4); ok && low >= 0xDC00 && low <= 0xDFFF {
				return (high-0xD800)<<10 + (low - 0xDC00) + 0x10000, q + 5
			}
		}
	}
	return 0, 0
}

// entityEnds appends the end indexes of r as an HTML entity at i: &lt;, &#60; or &#x3c;, or
// &amp;lt; if escaped twice.
func entityEnds(ends []int, s string, i int, r rune) []int {
	const longest = 12 // of the entity names and numbers of single characters that are in use
	i++
	for range maxNesting {
		length := strings.IndexByte(s[min(len(s), i):min(len(s), i+longest)], ';')
		if length <= 0 {
			return ends
		}
		name := s[i : i+length+1]
		if c, size := utf8.DecodeRuneInString(html.UnescapeString("&" + name)); size > 0 && c == r && html.UnescapeString("&"+name) == string(c) {
			ends = append(ends, i+length+1)
		}
		if name != "amp;" {
			return ends
		}
		i += length + 1
	}
	return ends
}

// decodeEscape decodes one character that is escaped as %2F or \u002f at i. It returns end 0
// if there is none.
func decodeEscape(s string, i int) (r rune, end int) {
	switch {
	case s[i] == '\\':
		return unicodeEscape(s, i+1)
	case s[i] == '%' && i+3 <= len(s) && isHex(s[i+1:i+3]):
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err == nil {
			return rune(n), i + 3
		}
	}
	return 0, 0
}
