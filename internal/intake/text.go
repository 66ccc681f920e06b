package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
)

// cut gives at most the first most characters of s.
func cut(s string, most int) string {
	for i := range s {
		if most == 0 {
			return s[:i]
		}
		most--
	}
	return s
}

// trim makes s fit for a message.
func trim(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", ""))
}

// line makes s fit for one line.
func line(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// key is an idempotency key of a source: of one length, whatever it is made of.
func key(source, of string) string {
	sum := sha256.Sum256([]byte(of))
	return source + "/" + hex.EncodeToString(sum[:])
}

// first is the first of words that is not empty.
func first(words ...string) string {
	for _, w := range words {
		if strings.TrimSpace(w) != "" {
			return w
		}
	}
	return ""
}
