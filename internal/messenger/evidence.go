package messenger

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/kit/redact"
)

// maxCode is the length, in bytes, to which a provider's code or message id is cut.
const maxCode = 255

// redactOutcome returns the outcome as Messenger promises it: secrets redacted, control
// characters replaced, texts cut, and RetryAfter only where a retry follows.
func redactOutcome(o Outcome, secrets ...string) Outcome {
	o.Code = cleanCode(o.Code, secrets...)
	o.MessageID = cleanCode(o.MessageID, secrets...)
	o.Excerpt = cleanEvidence(o.Excerpt, secrets, MaxExcerpt)
	if o.Kind == Sent || o.Kind == Failed {
		o.RetryAfter = 0
	}
	return o
}

// cleanCode returns a provider's code or message id as an Outcome may have it.
func cleanCode(s string, secrets ...string) string { return cleanEvidence(s, secrets, maxCode) }

// cleanEvidence redacts before it cuts, so that no prefix of a secret remains, and replaces
// control characters instead of removing them, so that no secret is joined by their
// removal.
func cleanEvidence(s string, secrets []string, limit int) string {
	s = redact.Text(oneLine(s), secrets...)
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// oneLine returns s as valid UTF-8 in one line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t':
			return ' '
		case unicode.IsControl(r):
			return utf8.RuneError
		default:
			return r
		}
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}
