package twilio

import (
	"strconv"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A reply is the body of a response: a message, an account, or an error. The zero
// reply stands for a response that is not from Twilio.
type reply struct {
	SID       string `json:"sid"`
	Status    any    `json:"status"`     // a word; in an error, the HTTP status
	ErrorCode int    `json:"error_code"` // of a message that failed at once
	Code      int    `json:"code"`       // of an error
}

// word returns the status if it is a word.
func (t reply) word() string {
	word, _ := t.Status.(string)
	return word
}

// refine refines the outcome of the HTTP status by the response body.
func (t reply) refine(o messenger.Outcome) messenger.Outcome {
	if !o.IsSuccess() {
		return classifyError(o, t.Code)
	}
	switch t.word() {
	case "accepted", "scheduled", "queued", "sending", "sent", "delivered", "read":
		if t.SID != "" {
			o.Kind, o.Code, o.MessageID = messenger.Sent, "", t.SID
		}
	case "failed", "undelivered", "canceled":
		o.Kind, o.Scope, o.MessageID = messenger.Failed, messenger.MessageScope, t.SID
		o = classifyError(o, t.ErrorCode)
	}
	return o
}

// classifyError refines an outcome by Twilio's error code. A 429 stays Paused.
func classifyError(o messenger.Outcome, code int) messenger.Outcome {
	if code == 0 {
		return o
	}
	o.Code = strconv.Itoa(code)
	if means, known := errorCodes[code]; known && o.Kind != messenger.Paused {
		o = call.Classify(o, means)
	}
	return o
}

// errorCodes classifies Twilio's error codes, as documented at
// https://www.twilio.com/docs/api/errors. Other codes are classified by their HTTP
// status.
var errorCodes = map[int]call.Classification{
	20429: call.Paused, // too many requests: not processed
	21611: call.Retry,  // the queue of the sender number is full
	30001: call.Retry,  // the same, with a messaging service

	20003: call.CredentialFailed, // authentication failed
	20005: call.CredentialFailed, // account not active
	20008: call.CredentialFailed, // test credentials
	20404: call.CredentialFailed, // no such account
	21212: call.CredentialFailed, // invalid From
	21603: call.CredentialFailed, // no From
	21606: call.CredentialFailed, // From cannot send SMS
	21659: call.CredentialFailed, // From is not a Twilio number
	21660: call.CredentialFailed, // From belongs to another account
	21703: call.CredentialFailed, // messaging service without numbers
	21705: call.CredentialFailed, // invalid messaging service
	30002: call.CredentialFailed, // account suspended

	21211: call.DestinationFailed, // invalid To
	21408: call.DestinationFailed, // country not allowed
	21604: call.DestinationFailed, // no To
	21610: call.DestinationFailed, // opted out by STOP
	21612: call.DestinationFailed, // not reachable from this sender
	21614: call.DestinationFailed, // not a mobile number
	21635: call.DestinationFailed, // landline
	30003: call.DestinationFailed, // handset unreachable
	30004: call.DestinationFailed, // blocked
	30005: call.DestinationFailed, // unknown handset
	30006: call.DestinationFailed, // landline, or unreachable carrier

	21602: call.MessageFailed, // no body
	21617: call.MessageFailed, // body too long
	30007: call.MessageFailed, // filtered
}
