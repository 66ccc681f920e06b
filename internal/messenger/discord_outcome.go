package messenger

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// discordErrors classifies Discord's error codes
// (https://discord.com/developers/docs/topics/opcodes-and-status-codes#json). Other
// codes are classified by their HTTP status.
var discordErrors = map[int]classification{
	40004:  meansRetry, // sending is temporarily disabled
	40006:  meansRetry, // the feature is temporarily disabled
	40062:  meansRetry, // the resource is rate limited
	130000: meansRetry, // overloaded

	10003:  destinationFailed, // unknown channel
	10015:  destinationFailed, // unknown webhook
	40007:  destinationFailed, // banned from the server
	50001:  destinationFailed, // no access to the channel
	50007:  destinationFailed, // the user accepts no messages
	50008:  destinationFailed, // not a text channel
	50009:  destinationFailed, // the channel requires a higher verification level
	50013:  destinationFailed, // no permission to post there
	50024:  destinationFailed, // wrong channel type
	50083:  destinationFailed, // the thread is archived
	50278:  destinationFailed, // no server in common
	160005: destinationFailed, // the thread is locked
	220001: destinationFailed, // a forum requires thread_id in the webhook's URL
	220004: destinationFailed, // a forum that does not allow webhooks

	40001: credentialFailed, // unauthorized
	50014: credentialFailed, // invalid token
	50027: credentialFailed, // invalid webhook token

	20009:  messageFailed, // explicit content
	40005:  messageFailed, // too large
	50006:  messageFailed, // empty
	50035:  messageFailed, // invalid form field
	50109:  messageFailed, // invalid JSON
	200000: messageFailed, // blocked by the server's AutoMod rules
	240000: messageFailed, // blocked because of its links
}

// A discordReply is the body of a response: the created object, or an error.
type discordReply struct {
	ID         string
	Type       int
	Message    string
	Code       int
	RetryAfter *float64 `json:"retry_after"`
	Global     bool
}

// refine refines the outcome of the HTTP status by the response body. The rate limit of
// one channel pauses that channel only, if paused is DestinationScope.
func (d discordReply) refine(r response, o Outcome, paused Scope) Outcome {
	if o.Code == "redirect" {
		return o
	}
	if d.Code != 0 {
		o.Code = strconv.Itoa(d.Code)
	}
	means, known := discordErrors[d.Code]
	switch {
	case o.IsSuccess() && d.ID != "":
		o.Code, o.MessageID = "", d.ID
		return classify(o, meansSent)
	case o.Kind == Paused:
		return d.pause(r, o, paused)
	case o.Kind == Failed && known:
		return classify(o, means)
	}
	return o
}

// pause sets the wait and its scope
// (https://discord.com/developers/docs/topics/rate-limits#exceeding-a-rate-limit):
// retry_after is in seconds with a fraction, the header is rounded up.
func (d discordReply) pause(r response, o Outcome, scope Scope) Outcome {
	if d.RetryAfter != nil {
		o.RetryAfter = retryAfter(strconv.FormatFloat(*d.RetryAfter, 'f', -1, 64), time.Time{})
	}
	counted := strings.ToLower(r.header.Get("X-RateLimit-Scope"))
	if !d.Global && r.header.Get("X-RateLimit-Global") == "" && (counted == "user" || counted == "shared") {
		o.Scope = scope
	}
	return o
}

// discordHeader returns the header of every call. Discord may reject other values of
// User-Agent (https://discord.com/developers/docs/reference#user-agent).
func discordHeader() http.Header {
	return http.Header{"User-Agent": {"DiscordBot (https://github.com/bongsu-project/bongsu, 1)"}}
}
