package access

import (
	"strings"
	"unicode/utf8"
)

// The limits of the texts of an audit entry, in characters.
const (
	maxCaller    = 200
	maxAddress   = 50
	maxProcedure = 200
	maxResource  = 300
	maxOutcome   = 40
	maxTraceID   = 200 // and of a request id
)

// bound makes the texts of an entry storable: those that are too long are cut, and NUL is replaced,
// so that no value of a caller keeps a call out of the audit log.
func (e *AuditEntry) bound() {
	boundText(&e.Caller, maxCaller)
	boundText(&e.CallerName, maxCaller)
	boundText(&e.Address, maxAddress)
	boundText(&e.Procedure, maxProcedure)
	boundText(&e.Resource, maxResource)
	boundText(&e.Outcome, maxOutcome)
	boundText(&e.RequestID, maxTraceID)
	boundText(&e.TraceID, maxTraceID)
}

// boundText replaces a text by one without NUL and with at most limit characters. One that is cut
// ends with an ellipsis.
func boundText(text *string, limit int) {
	if !utf8.ValidString(*text) || strings.IndexByte(*text, 0) >= 0 {
		*text = strings.ReplaceAll(strings.ToValidUTF8(*text, "\ufffd"), "\x00", "\ufffd")
	}
	if len(*text) > limit && utf8.RuneCountInString(*text) > limit {
		*text = string([]rune(*text)[:limit-1]) + "…"
	}
}
