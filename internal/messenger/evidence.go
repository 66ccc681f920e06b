package messenger

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCode is how many bytes of a provider's code or message id are kept.
const maxCode = 255

// redacted stands where a secret stood.
const redacted = "[redacted]"

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
	s = visible(s)
	for _, secret := range secrets {
		s = redact(s, secret)
	}
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// redact takes the secret out of s, as it is and however it is escaped. URLs, JSON,
// HTML, and one within the other, all leave ASCII letters and digits as they are
// and make a few characters of each other one: that is what it looks for. It
// rather takes out too much.
func redact(s, secret string) string {
	if secret == "" {
		return s
	}
	s = strings.ReplaceAll(s, secret, redacted)
	words := strings.FieldsFunc(secret, func(r rune) bool { return !plain(r) })
	if len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(s, w) }) {
		return s
	}
	return escaped(secret).ReplaceAllLiteralString(s, redacted)
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

// escaped matches a secret however it is escaped.
func escaped(secret string) *regexp.Regexp {
	var pattern strings.Builder
	for _, r := range secret {
		if plain(r) {
			pattern.WriteRune(r)
		} else {
			pattern.WriteString(".{1,16}?")
		}
	}
	return regexp.MustCompile(pattern.String())
}

func plain(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}
