package intake

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode"
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

// textOf returns a JSON value as text: numbers as written, null as "", arrays and objects
// as JSON.
func textOf(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}

// targetsOf returns the targets of a JSON value: a text that splitTargets splits, or an
// array of texts.
func targetsOf(value any) []string {
	list, ok := value.([]any)
	if !ok {
		return splitTargets(textOf(value))
	}
	var all []string
	for _, one := range list {
		all = append(all, splitTargets(textOf(one))...)
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
