package messenger

import (
	"strconv"
)

// A twilioReply is the body of a response: a message, an account, or an error. The zero
// twilioReply stands for a response that is not from Twilio.
type twilioReply struct {
	SID       string `json:"sid"`
	Status    any    `json:"status"`     // a word; in an error, the HTTP status
	ErrorCode int    `json:"error_code"` // of a message that failed at once
	Code      int    `json:"code"`       // of an error
}

// word returns the status if it is a word.
func (t twilioReply) word() string {
	word, _ := t.Status.(string)
	return word
}

// classify refines the outcome of the HTTP status by the response body.
func (t twilioReply) classify(o Outcome) Outcome {
	if !o.isSuccess() {
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

// twilioError refines an outcome by Twilio's error code. A 429 stays Paused.
func twilioError(o Outcome, code int) Outcome {
	if code == 0 {
		return o
	}
	o.Code = strconv.Itoa(code)
	if means, known := twilioErrors[code]; known && o.Kind != Paused {
		o = o.classify(means)
	}
	return o
}

// twilioErrors classifies Twilio's error codes, as documented at
// https://www.twilio.com/docs/api/errors. Other codes are classified by their HTTP
// status.
var twilioErrors = map[int]classification{
	20429: {kind: Paused}, // too many requests: not processed
	21611: {kind: Retry},  // the queue of the sender number is full
	30001: {kind: Retry},  // the same, with a messaging service

	20003: {Failed, CredentialScope}, // authentication failed
	20005: {Failed, CredentialScope}, // account not active
	20008: {Failed, CredentialScope}, // test credentials
	20404: {Failed, CredentialScope}, // no such account
	21212: {Failed, CredentialScope}, // invalid From
	21603: {Failed, CredentialScope}, // no From
	21606: {Failed, CredentialScope}, // From cannot send SMS
	21659: {Failed, CredentialScope}, // From is not a Twilio number
	21660: {Failed, CredentialScope}, // From belongs to another account
	21703: {Failed, CredentialScope}, // messaging service without numbers
	21705: {Failed, CredentialScope}, // invalid messaging service
	30002: {Failed, CredentialScope}, // account suspended

	21211: {Failed, DestinationScope}, // invalid To
	21408: {Failed, DestinationScope}, // country not allowed
	21604: {Failed, DestinationScope}, // no To
	21610: {Failed, DestinationScope}, // opted out by STOP
	21612: {Failed, DestinationScope}, // not reachable from this sender
	21614: {Failed, DestinationScope}, // not a mobile number
	21635: {Failed, DestinationScope}, // landline
	30003: {Failed, DestinationScope}, // handset unreachable
	30004: {Failed, DestinationScope}, // blocked
	30005: {Failed, DestinationScope}, // unknown handset
	30006: {Failed, DestinationScope}, // landline, or unreachable carrier

	21602: {Failed, MessageScope}, // no body
	21617: {Failed, MessageScope}, // body too long
	30007: {Failed, MessageScope}, // filtered
}
