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

// refine refines the outcome of the HTTP status by the response body.
func (t twilioReply) refine(o Outcome) Outcome {
	if !o.IsSuccess() {
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
		o = classify(o, means)
	}
	return o
}

// twilioErrors classifies Twilio's error codes, as documented at
// https://www.twilio.com/docs/api/errors. Other codes are classified by their HTTP
// status.
var twilioErrors = map[int]classification{
	20429: meansPaused, // too many requests: not processed
	21611: meansRetry,  // the queue of the sender number is full
	30001: meansRetry,  // the same, with a messaging service

	20003: credentialFailed, // authentication failed
	20005: credentialFailed, // account not active
	20008: credentialFailed, // test credentials
	20404: credentialFailed, // no such account
	21212: credentialFailed, // invalid From
	21603: credentialFailed, // no From
	21606: credentialFailed, // From cannot send SMS
	21659: credentialFailed, // From is not a Twilio number
	21660: credentialFailed, // From belongs to another account
	21703: credentialFailed, // messaging service without numbers
	21705: credentialFailed, // invalid messaging service
	30002: credentialFailed, // account suspended

	21211: destinationFailed, // invalid To
	21408: destinationFailed, // country not allowed
	21604: destinationFailed, // no To
	21610: destinationFailed, // opted out by STOP
	21612: destinationFailed, // not reachable from this sender
	21614: destinationFailed, // not a mobile number
	21635: destinationFailed, // landline
	30003: destinationFailed, // handset unreachable
	30004: destinationFailed, // blocked
	30005: destinationFailed, // unknown handset
	30006: destinationFailed, // landline, or unreachable carrier

	21602: messageFailed, // no body
	21617: messageFailed, // body too long
	30007: messageFailed, // filtered
}
