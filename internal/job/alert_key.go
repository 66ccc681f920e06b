package job

import "strings"

// sourceKeyPrefix is the prefix of the alert keys of intake. The rules of SendAlertRequest
// refuse it in a caller's key, so that no caller can resolve the alert of a source, or
// change the order of its thread.
const sourceKeyPrefix = "\x1f"

// SourceKey returns the alert key of a source's alert, with the prefix; empty for an
// empty key.
func SourceKey(key string) string {
	if key == "" {
		return ""
	}
	return sourceKeyPrefix + key
}

// DisplayKey returns an alert key without the prefix of intake.
func DisplayKey(key string) string { return strings.TrimPrefix(key, sourceKeyPrefix) }

// EventSource is the name under which the event service sends alerts. No source of intake can
// have it.
const EventSource = "event"

// IncidentSource and IncidentIntakeSource are the names under which the incident service sends
// alerts: those with an alert key of a caller, and those with one of intake. No source of intake
// can have them, as they hold a slash.
const (
	IncidentSource       = "incident/caller"
	IncidentIntakeSource = "incident/intake"
)

// MonitorSource is the name under which the monitor service sends alerts. No source of intake can
// have it, as it holds a slash.
const MonitorSource = "monitor/check"
