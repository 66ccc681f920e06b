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

// bounded returns an entry whose texts can be stored: those that are too long are cut, and NUL is
// replaced, so that no value of a caller keeps a call out of the audit log.
func (e AuditEntry) bounded() AuditEntry {
	for text, limit := range map[*string]int{
		&e.Caller: maxCaller, &e.CallerName: maxCaller, &e.Address: maxAddress, &e.Procedure: maxProcedure, &e.Resource: maxResource,
		&e.Outcome: maxOutcome, &e.RequestID: maxTraceID, &e.TraceID: maxTraceID,
	} {
		*text = boundedText(*text, limit)
	}
	return e
}

// boundedText returns a text without NUL and with at most limit characters. One that is cut ends
// with an ellipsis.
func boundedText(text string, limit int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}
