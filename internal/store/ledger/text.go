package ledger

import (
	"strings"
	"unicode/utf8"
)

// storable says whether both databases can hold the texts.
func storable(texts ...string) bool {
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return false
		}
	}
	return true
}

// evidence makes a text of a provider's storable: what came of a call must be
// recorded, whatever the provider wrote.
func evidence(text string) string {
	if storable(text) {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
