package messenger

import (
	"strconv"
)

// A twilioReply is what Twilio's answer says: of a message, of an account, or an
// error. The zero twilioReply stands for what is not Twilio's.
type twilioReply struct {
	SID       string `json:"sid"`
	Status    any    `json:"status"`     // a word; of an error, the HTTP status
	ErrorCode int    `json:"error_code"` // of a message that failed at once
	Code      int    `json:"code"`       // of an error
}

// word is the status where it is a word.
func (t twilioReply) word() string {
	word, _ := t.Status.(string)
	return word
}

// judge makes of what the status says what the answer says.
func (t twilioReply) judge(o Outcome) Outcome {
	if !o.success() {
		return twilioError(o, t.Code)
	}
	switch t.word() {
	case "accepted", "scheduled", "queued", "sending", "sent", "delivered", "read":
		if t.SID != "" {
			o.Kind, o.Code, o.MessageID = Sent, "", t.SID
		}
	case "failed", "undelivered", "canceled":
		o.Kind, o.Scope, o.MessageID = Failed, MessageScope, t.SID
		o = twilioError(o, t.ErrorCode)
	}
	return o
}

// twilioError makes of an outcome what Twilio's error code says; of a 429, nothing
// else.
func twilioError(o Outcome, code int) Outcome {
	if code == 0 {
		return o
	}
	o.Code = strconv.Itoa(code)
	if means, known := twilioErrors[code]; known && o.Kind != Paused {
		o = o.as(means)
	}
	return o
}

// twilioErrors says what Twilio's error codes mean, by the page of each:
// https://www.twilio.com/docs/api/errors. A code that is not here means what the HTTP
// status does.
var twilioErrors = map[int]meaning{
	20429: {kind: Paused}, // too many requests: not processed
	21611: {kind: Retry},  // the sender's queue is full
	30001: {kind: Retry},  // the same, with a messaging service

	20003: {Failed, CredentialScope}, // authentication
	20005: {Failed, CredentialScope}, // account not active
	20008: {Failed, CredentialScope}, // test credentials
	20404: {Failed, CredentialScope}, // no such account
	21212: {Failed, CredentialScope}, // invalid From
	21603: {Failed, CredentialScope}, // no From
	21606: {Failed, CredentialScope}, // From cannot send SMS
	21659: {Failed, CredentialScope}, // From is not one of Twilio's
	21660: {Failed, CredentialScope}, // From is another account's
	21703: {Failed, CredentialScope}, // messaging service without numbers
	21705: {Failed, CredentialScope}, // invalid messaging service
	30002: {Failed, CredentialScope}, // account suspended

	21211: {Failed, DestinationScope}, // invalid To
	21408: {Failed, DestinationScope}, // its country is not allowed
	21604: {Failed, DestinationScope}, // no To
	21610: {Failed, DestinationScope}, // it replied STOP
	21612: {Failed, DestinationScope}, // cannot be reached from this sender
	21614: {Failed, DestinationScope}, // no mobile number
	21635: {Failed, DestinationScope}, // a landline
	30003: {Failed, DestinationScope}, // handset unreachable
	30004: {Failed, DestinationScope}, // blocked
	30005: {Failed, DestinationScope}, // unknown handset
	30006: {Failed, DestinationScope}, // landline, or unreachable carrier

	21602: {Failed, MessageScope}, // no body
	21617: {Failed, MessageScope}, // body too long
	30007: {Failed, MessageScope}, // filtered
}
