package job

import "strings"

// sourceMark begins the keys of alerts that came by intake. The key of a caller cannot
// contain it, by the rules of SendAlertRequest, so that no caller can resolve the alert of a
// source, or change the order in which it is sent.
const sourceMark = "\x1f"

// SourceKey returns the key of an alert of a source, which names the source; empty for
// none.
func SourceKey(key string) string {
	if key == "" {
		return ""
	}
	return sourceMark + key
}

// ShownKey returns a key as people see it.
func ShownKey(key string) string { return strings.TrimPrefix(key, sourceMark) }
