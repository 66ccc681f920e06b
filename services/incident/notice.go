package incident

import (
	"slices"
	"time"
	"unicode/utf8"
)

// maxMessage is the maximum number of characters of the message of an alert.
const maxMessage = 20000

// newNotice returns the notice of a change of the state of an incident by a person. by and comment
// may be empty.
func newNotice(i Incident, status Status, by, comment string, at time.Time) Notice {
	prefix := ""
	if status == StatusFiring {
		prefix = "no longer acknowledged: " // the alert service adds the words of the other statuses
	}
	return Notice{
		Incident: i.ID, Key: i.Key, Status: status, Targets: slices.Clone(i.Targets), By: slices.Clone(i.By),
		Severity: i.Severity, Title: i.Title, Message: noticeMessage(prefix, i.Message, by, comment), Link: i.Link,
		CreateTime: at, DueTime: at,
	}
}

// noticeMessage returns the message of an incident with the name of the person who changed it and
// the comment.
func noticeMessage(prefix, message, by, comment string) string {
	suffix := ""
	switch {
	case by != "" && comment != "":
		suffix = " (by " + by + ": " + comment + ")"
	case by != "":
		suffix = " (by " + by + ")"
	case comment != "":
		suffix = " (" + comment + ")"
	}
	room := maxMessage - utf8.RuneCountInString(prefix) - utf8.RuneCountInString(suffix)
	if utf8.RuneCountInString(message) > room {
		message = string([]rune(message)[:room])
	}
	return prefix + message + suffix
}
