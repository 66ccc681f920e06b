package email

import (
	"regexp"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A reference is the first mail of an incident: its Message-ID, without angle brackets, and
// its subject. Clients show later mail in its thread by both.
type reference struct{ id, subject string }

// newReference returns the reference of a first mail. It shortens a subject that exceeds the
// limit of Outcome.Reference.
func newReference(id, subject string) reference {
	subject, _ = messenger.Truncate(subject, messenger.MaxReference-len(id)-1, messenger.ByteLen)
	return reference{id, subject}
}

// messageID matches a Message-ID of this package (RFC 5322, 3.6.4).
var messageID = regexp.MustCompile(`^[^[:^graph:]<>]+@[^[:^graph:]<>@]+$`)

// parseReference parses Outcome.Reference, and reports whether it is one.
func parseReference(text string) (reference, bool) {
	id, subject, _ := strings.Cut(text, " ")
	if len(text) > messenger.MaxReference || !messageID.MatchString(id) || subject == "" || strings.ContainsFunc(subject, isControl) {
		return reference{}, false
	}
	return reference{id, subject}, true
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// String returns the reference as Outcome.Reference has it.
func (r reference) String() string { return r.id + " " + r.subject }
