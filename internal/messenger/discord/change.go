package discord

import (
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// goneCodes are Discord's errors of a change of a message, and of an answer to it, because it
// was deleted, or may not be changed
// (https://discord.com/developers/docs/topics/opcodes-and-status-codes#json).
var goneCodes = map[int]bool{
	10008:  true, // unknown message
	30046:  true, // too many edits of an old message
	50005:  true, // authored by another user
	50021:  true, // a system message
	160002: true, // an answer needs the permission to read the history
}

// previousOf returns the id of the previous message of the incident, or "". An id belongs
// to one message of one channel: changes elsewhere find no message.
func previousOf(m messenger.Message) string {
	if !snowflake.MatchString(m.Previous) {
		return ""
	}
	return m.Previous
}

// withReference adds to the outcome of a message of an incident its reference: the id of
// the message, or of the previous one that it changed or that it answers.
func withReference(o messenger.Outcome, m messenger.Message, previous string) messenger.Outcome {
	if o.Kind != messenger.Sent || m.AlertKey == "" {
		return o
	}
	switch {
	case previous != "":
		o.Reference = previous
	case snowflake.MatchString(o.MessageID):
		o.Reference = o.MessageID
	}
	return o
}

// asGone returns the outcome of a change, or of an answer, whose previous message is gone.
func (d reply) asGone(o messenger.Outcome, previous string) (gone messenger.Outcome, ok bool) {
	if previous == "" || o.Kind != messenger.Failed && o.Kind != messenger.Paused || !goneCodes[d.Code] {
		return o, false
	}
	return call.PreviousGone(o), true
}
