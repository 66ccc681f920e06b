package discord

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// errorCodes classifies Discord's error codes
// (https://discord.com/developers/docs/topics/opcodes-and-status-codes#json). Other
// codes are classified by their HTTP status.
var errorCodes = map[int]call.Classification{
	40004:  call.Retry, // sending is temporarily disabled
	40006:  call.Retry, // the feature is temporarily disabled
	40062:  call.Retry, // the resource is rate limited
	130000: call.Retry, // overloaded

	10003:  call.DestinationFailed, // unknown channel
	10015:  call.DestinationFailed, // unknown webhook
	40007:  call.DestinationFailed, // banned from the server
	50001:  call.DestinationFailed, // no access to the channel
	50007:  call.DestinationFailed, // the user accepts no messages
	50008:  call.DestinationFailed, // not a text channel
	50009:  call.DestinationFailed, // the channel requires a higher verification level
	50013:  call.DestinationFailed, // no permission to post there
	50024:  call.DestinationFailed, // wrong channel type
	50083:  call.DestinationFailed, // the thread is archived
	50278:  call.DestinationFailed, // no server in common
	160005: call.DestinationFailed, // the thread is locked
	220001: call.DestinationFailed, // a forum requires thread_id in the webhook's URL
	220004: call.DestinationFailed, // a forum that does not allow webhooks

	40001: call.CredentialFailed, // unauthorized
	50014: call.CredentialFailed, // invalid token
	50027: call.CredentialFailed, // invalid webhook token

	20009:  call.MessageFailed, // explicit content
	40005:  call.MessageFailed, // too large
	50006:  call.MessageFailed, // empty
	50035:  call.MessageFailed, // invalid form field
	50109:  call.MessageFailed, // invalid JSON
	200000: call.MessageFailed, // blocked by the server's AutoMod rules
	240000: call.MessageFailed, // blocked because of its links
}

// A reply is the body of a response: the created object, or an error.
type reply struct {
	ID         string
	Type       int
	Message    string
	Code       int
	RetryAfter *float64 `json:"retry_after"`
	Global     bool
}

// refine refines the outcome of the HTTP status by the response body. The rate limit of
// one channel pauses that channel only, if paused is DestinationScope.
func (d reply) refine(r call.Response, o messenger.Outcome, paused messenger.Scope) messenger.Outcome {
	if o.Code == "redirect" {
		return o
	}
	if d.Code != 0 {
		o.Code = strconv.Itoa(d.Code)
	}
	means, known := errorCodes[d.Code]
	switch {
	case o.IsSuccess() && d.ID != "":
		o.Code, o.MessageID = "", d.ID
		return call.Classify(o, call.Sent)
	case o.Kind == messenger.Paused:
		return d.pause(r, o, paused)
	case o.Kind == messenger.Failed && known:
		return call.Classify(o, means)
	}
	return o
}

// pause sets the wait and its scope
// (https://discord.com/developers/docs/topics/rate-limits#exceeding-a-rate-limit):
// retry_after is in seconds with a fraction, the header is rounded up.
func (d reply) pause(r call.Response, o messenger.Outcome, scope messenger.Scope) messenger.Outcome {
	if d.RetryAfter != nil {
		o.RetryAfter = call.RetryAfter(strconv.FormatFloat(*d.RetryAfter, 'f', -1, 64), time.Time{})
	}
	counted := strings.ToLower(r.Header.Get("X-RateLimit-Scope"))
	if !d.Global && r.Header.Get("X-RateLimit-Global") == "" && (counted == "user" || counted == "shared") {
		o.Scope = scope
	}
	return o
}

// baseHeader returns the header of every call. Discord may reject other values of
// User-Agent (https://discord.com/developers/docs/reference#user-agent).
func baseHeader() http.Header {
	return http.Header{"User-Agent": {"DiscordBot (https://github.com/bongsu-project/bongsu, 1)"}}
}
