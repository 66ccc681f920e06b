package messenger

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/redact"
)

// maxCode is how many bytes of a provider's code or message id are kept.
const maxCode = 255

// without is the outcome as Messenger promises it: without the secrets, with
// nothing that is not fit for a screen, nothing long, and no wait where nothing is
// to be done again.
func (o Outcome) without(secrets ...string) Outcome {
	o.Code = evidence(o.Code, secrets, maxCode)
	o.MessageID = evidence(o.MessageID, secrets, maxCode)
	o.Excerpt = evidence(o.Excerpt, secrets, MaxExcerpt)
	if o.Kind == Sent || o.Kind == Failed {
		o.After = 0
	}
	return o
}

// evidence cuts last, so that the head of a secret is never what is left of it;
// and it replaces control characters instead of dropping them, so that no secret
// comes together by that.
func evidence(s string, secrets []string, limit int) string {
	s = redact.Text(visible(s), secrets...)
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// visible makes s valid UTF-8 in one line.
func visible(s string) string {
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
