package event

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// The limits of an alert, in characters. Titles and messages are cut, so that a long alert is
// sent rather than lost; links and severities would mean something else when cut.
const (
	maxTitle    = 200
	maxMessage  = 20_000
	maxLink     = 2000
	maxSeverity = 30
	maxTargets  = 1000
)

// linkForm matches the links of alerts.
var linkForm = regexp.MustCompile(`^https?://[^\x00-\x20\x7f]+$`)

// fitTitle returns a title on one line, cut to its limit.
func fitTitle(text string) string { return cutText(singleLine(text), maxTitle) }

// fitMessage returns a message, cut to a limit. An empty one is fault.ErrInvalid.
func fitMessage(text string, most int) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD"))
	if text == "" {
		return "", fault.Invalidf("message is empty")
	}
	return cutText(text, most), nil
}

// fitLink returns a link, or "" for none.
func fitLink(text string) (string, error) {
	link := strings.TrimSpace(text)
	if link != "" && !linkForm.MatchString(link) {
		return "", fault.Invalidf("link %q must begin with http:// or https:// and have no white space", cutText(singleLine(link), 100))
	}
	if utf8.RuneCountInString(link) > maxLink {
		return "", fault.Invalidf("link has more than %d characters", maxLink)
	}
	return link, nil
}

// fitSeverity returns a severity, or "" for the default.
func fitSeverity(text string) (string, error) {
	severity := singleLine(text)
	if utf8.RuneCountInString(severity) > maxSeverity {
		return "", fault.Invalidf("severity %q has more than %d characters", cutText(severity, 100), maxSeverity)
	}
	return severity, nil
}

// singleLine returns text on one line: control characters and the white space around them are one
// space each.
func singleLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Join(strings.Fields(text), " ")
}

// cutText returns text of at most most characters: a longer one is cut, and ends with an ellipsis.
func cutText(text string, most int) string {
	if len(text) <= most || utf8.RuneCountInString(text) <= most {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:most-1])) + "…"
}
