package call

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/redact"
)

// MaxCode is the length, in bytes, to which a provider's code or message id is cut.
const MaxCode = 255

// Redact returns the outcome as Messenger promises it: secrets redacted, control
// characters replaced, texts cut, RetryAfter only where a retry follows, and Reference only
// where the message was sent.
func Redact(o messenger.Outcome, secrets ...string) messenger.Outcome {
	o.Code = CleanCode(o.Code, secrets...)
	o.MessageID = CleanCode(o.MessageID, secrets...)
	o.Excerpt = cleanEvidence(o.Excerpt, secrets, messenger.MaxExcerpt)
	if o.Kind == messenger.Sent || o.Kind == messenger.Failed || o.PreviousGone {
		o.RetryAfter = 0
	}
	o.Reference = cleanReference(o, secrets)
	return o
}

// cleanReference returns the reference of a message that was sent, or "" for one that
// cannot be recorded whole, or has a secret.
func cleanReference(o messenger.Outcome, secrets []string) string {
	if o.Kind != messenger.Sent || cleanEvidence(o.Reference, secrets, messenger.MaxReference) != o.Reference {
		return ""
	}
	return o.Reference
}

// CleanCode returns a provider's code or message id as an Outcome may have it.
func CleanCode(s string, secrets ...string) string { return cleanEvidence(s, secrets, MaxCode) }

// cleanEvidence redacts before it cuts, so that no prefix of a secret remains, and replaces
// control characters instead of removing them, so that no secret is joined by their
// removal.
func cleanEvidence(s string, secrets []string, limit int) string {
	s = redact.Text(OneLine(s), secrets...)
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// OneLine returns s as valid UTF-8 in one line.
func OneLine(s string) string {
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
