package intake

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/bongsu-project/bongsu/internal/wiretext"
)

// truncate returns at most the first most characters of s.
func truncate(s string, most int) string {
	for i := range s {
		if most == 0 {
			return s[:i]
		}
		most--
	}
	return s
}

// trimMessage returns s as a valid message: UTF-8, without NUL and surrounding space.
func trimMessage(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", ""))
}

// singleLine returns s on a single line: UTF-8, with spaces for control characters.
func singleLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// firstNonBlank returns the first of words that is not blank.
func firstNonBlank(words ...string) string {
	for _, w := range words {
		if strings.TrimSpace(w) != "" {
			return w
		}
	}
	return ""
}

// targetsOf returns the targets of a JSON value: a text that splitTargets splits, or an
// array of texts.
func targetsOf(value any) []string {
	list, ok := value.([]any)
	if !ok {
		return splitTargets(wiretext.TextOf(value))
	}
	var all []string
	for _, one := range list {
		all = append(all, splitTargets(wiretext.TextOf(one))...)
	}
	return all
}

// beforeTarget matches the white space before a target.
var beforeTarget = regexp.MustCompile(`\s+@`)

// splitTargets returns the targets of a text, separated by commas or by white space before
// an @. Other white space does not separate them, since names may contain spaces.
func splitTargets(text string) []string {
	var all []string
	for word := range strings.SplitSeq(beforeTarget.ReplaceAllString(text, ",@"), ",") {
		if word = strings.TrimSpace(word); word != "" {
			all = append(all, word)
		}
	}
	return all
}
