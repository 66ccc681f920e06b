package slack

import (
	"regexp"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A reference identifies a message: the id of its channel, which may be another than the
// destination, such as that of a user, and its timestamp.
type reference struct{ channel, ts string }

// referencePattern matches a reference as a text.
var referencePattern = regexp.MustCompile(`^([A-Za-z0-9_-]{1,100}):([0-9]{1,20}\.[0-9]{1,20})$`)

// parseReference returns the zero reference for a text that is none.
func parseReference(text string) reference {
	parts := referencePattern.FindStringSubmatch(text)
	if parts == nil {
		return reference{}
	}
	return reference{parts[1], parts[2]}
}

// String returns the reference as a text, or "" if it would not be one.
func (r reference) String() string {
	text := r.channel + ":" + r.ts
	if !referencePattern.MatchString(text) {
		return ""
	}
	return text
}

// goneCodes are the errors of chat.update, and of an answer in a thread, because the message
// was deleted, or may not be changed any more
// (https://docs.slack.dev/reference/methods/chat.update#errors).
var goneCodes = map[string]bool{
	"message_not_found":       true,
	"cant_update_message":     true,
	"edit_window_closed":      true,
	"thread_not_found":        true,
	"invalid_thread_ts":       true,
	"cannot_reply_to_message": true,
}

// withReference adds to the outcome of a message of an incident its reference, which
// stays that of the message it changes or answers. The rate limit of changes is not that of
// new messages: it pauses the channel only, so that a storm of changes does not delay
// messages to other channels.
func withReference(o messenger.Outcome, m messenger.Message, previous reference, r reply) messenger.Outcome {
	switch {
	case previous != reference{} && !m.Reply && o.Kind == messenger.Paused:
		o.Scope = messenger.DestinationScope
		return o
	case previous != reference{} && o.Kind == messenger.Failed && goneCodes[o.Code]:
		return call.PreviousGone(o)
	case o.Kind != messenger.Sent || m.AlertKey == "":
		return o
	case previous != reference{}:
		o.Reference = previous.String()
	default:
		o.Reference = reference{strings.Trim(string(r.Channel), `"`), r.TS}.String()
	}
	return o
}
