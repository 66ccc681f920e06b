package intake

import (
	"slices"
	"strings"
)

// resolvedWords are the words of other systems for the status resolved.
var resolvedWords = []string{"resolved", "ok", "normal", "inactive", "closed", "cleared", "recovered", "recovery", "resolve"}

// statusOf returns the status for another system's word. An unknown word, such as
// suppressed, is Firing: a source that sends it wants to notify. usual reports whether the
// word is one of Alertmanager's own.
func statusOf(word string) (status Status, usual bool) {
	word = strings.ToLower(strings.TrimSpace(word))
	if slices.Contains(resolvedWords, word) {
		return Resolved, word == "resolved"
	}
	return Firing, word == "firing" || word == ""
}
