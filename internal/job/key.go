package job

import "strings"

// sourceMark is the prefix of the alert keys of intake. The rules of SendAlertRequest
// refuse it in a caller's key, so that no caller can resolve the alert of a source, or
// change the order of its thread.
const sourceMark = "\x1f"

// SourceKey returns the alert key of a source's alert, with the prefix; empty for an
// empty key.
func SourceKey(key string) string {
	if key == "" {
		return ""
	}
	return sourceMark + key
}

// ShownKey returns an alert key without the prefix of intake.
func ShownKey(key string) string { return strings.TrimPrefix(key, sourceMark) }
