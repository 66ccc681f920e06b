package intake

import (
	"slices"
	"strings"
)

// over holds the words by which other systems tell that a thing is over.
var over = []string{"resolved", "ok", "normal", "inactive", "closed", "cleared", "recovered", "recovery", "resolve"}

// statusOf returns the status that a word of another system means. A word that is not
// known, such as suppressed, means that the thing goes on: a source that sends it wants
// to notify. usual reports whether the word is one of Alertmanager's own.
func statusOf(word string) (status Status, usual bool) {
	word = strings.ToLower(strings.TrimSpace(word))
	if slices.Contains(over, word) {
		return Resolved, word == "resolved"
	}
	return Firing, word == "firing" || word == ""
}
