package telegram

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// goneErrors are parts of the descriptions of a 400 that a change, or an answer, gets
// because the message was deleted, or may not be edited.
var goneErrors = []string{
	"message to edit not found",
	"message can't be edited",
	"message_id_invalid",
	"message identifier is not specified",
	"message to be replied not found",
	"message to reply not found",
	"replied message not found",
}

// notModified is part of the description of a 400 to an edit that changes nothing: the
// message is as it should be, such as after an edit whose response was lost.
const notModified = "message is not modified"

// referenceOf returns the reference of a message: its chat, as it stands in the address, and
// its id, which is unique in the chat only.
func referenceOf(destination, messageID string) string { return destination + ":" + messageID }

// previousOf returns the id of the previous message of the incident in the chat of m, or 0.
func previousOf(m messenger.Message) int64 {
	i := strings.LastIndexByte(m.Previous, ':')
	if i < 0 || m.Previous[:i] != m.Destination {
		return 0
	}
	id, err := strconv.ParseInt(m.Previous[i+1:], 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return id
}

// withReference adds to the outcome of a message of an incident its reference, which stays
// that of the message it changes or answers.
func withReference(o messenger.Outcome, m messenger.Message, previous int64) messenger.Outcome {
	switch {
	case o.Kind != messenger.Sent || m.AlertKey == "":
	case previous != 0:
		o.Reference = referenceOf(m.Destination, strconv.FormatInt(previous, 10))
	case o.MessageID != "":
		o.Reference = referenceOf(m.Destination, o.MessageID)
	}
	return o
}

// refineChange refines the outcome of a change of a message, or of an answer to it.
func (t reply) refineChange(o messenger.Outcome, m messenger.Message, previous int64) messenger.Outcome {
	if previous == 0 || o.Kind != messenger.Failed {
		return o
	}
	has := func(part string) bool { return strings.Contains(strings.ToLower(t.Description), part) }
	switch {
	case slices.ContainsFunc(goneErrors, has):
		return call.PreviousGone(o)
	case !m.Reply && o.Status == http.StatusBadRequest && t.OK == nil && t.interrupted:
		return call.Classify(o, call.Retry) // it may say that the message is as it should be
	case !m.Reply && o.Status == http.StatusBadRequest && has(notModified):
		o.Code, o.MessageID = "", strconv.FormatInt(previous, 10)
		return call.Classify(o, call.Sent)
	}
	return o
}

// buttonURLLimit is the length of a URL of a button, in bytes: unverified, not documented.
const buttonURLLimit = 2_048

// acceptsButton reports whether Telegram accepts a URL for a button: its host must be an
// address, or a name with a dot. With another one, such as localhost, it refuses the
// message.
func acceptsButton(link string) bool {
	u, err := url.Parse(link)
	return err == nil && len(link) <= buttonURLLimit && (u.Scheme == "http" || u.Scheme == "https") && strings.ContainsAny(u.Hostname(), ".:")
}
