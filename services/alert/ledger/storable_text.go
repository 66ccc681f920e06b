package ledger

import (
	"strings"
	"unicode/utf8"
)

// isStorable reports whether both databases can store the texts.
func isStorable(texts ...string) bool {
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return false
		}
	}
	return true
}

// storableText returns a storable version of a text of a provider: the outcome of a call must be
// recorded, whatever the provider returned.
func storableText(text string) string {
	if isStorable(text) {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
