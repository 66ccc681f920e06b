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
	40004:  {kind: Retry}, // sending is temporarily disabled
	40006:  {kind: Retry}, // the feature is temporarily disabled
	40062:  {kind: Retry}, // the resource is rate limited
	130000: {kind: Retry}, // overloaded

	10003:  {Failed, DestinationScope}, // unknown channel
	10015:  {Failed, DestinationScope}, // unknown webhook
	40007:  {Failed, DestinationScope}, // banned from the server
	50001:  {Failed, DestinationScope}, // no access to the channel
	50007:  {Failed, DestinationScope}, // the user accepts no messages
	50008:  {Failed, DestinationScope}, // not a text channel
	50009:  {Failed, DestinationScope}, // the channel requires a higher verification level
	50013:  {Failed, DestinationScope}, // no permission to post there
	50024:  {Failed, DestinationScope}, // wrong channel type
	50083:  {Failed, DestinationScope}, // the thread is archived
	50278:  {Failed, DestinationScope}, // no server in common
	160005: {Failed, DestinationScope}, // the thread is locked
	220001: {Failed, DestinationScope}, // a forum requires thread_id in the webhook's URL
	220004: {Failed, DestinationScope}, // a forum that does not allow webhooks

	40001: {Failed, CredentialScope}, // unauthorized
	50014: {Failed, CredentialScope}, // invalid token
	50027: {Failed, CredentialScope}, // invalid webhook token

	20009:  {Failed, MessageScope}, // explicit content
	40005:  {Failed, MessageScope}, // too large
	50006:  {Failed, MessageScope}, // empty
	50035:  {Failed, MessageScope}, // invalid form field
	50109:  {Failed, MessageScope}, // invalid JSON
	200000: {Failed, MessageScope}, // blocked by the server's AutoMod rules
	240000: {Failed, MessageScope}, // blocked because of its links
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

// classify refines the outcome of the HTTP status by the response body. The rate limit of
// one channel pauses that channel only, if paused is DestinationScope.
func (d discordReply) classify(r response, o Outcome, paused Scope) Outcome {
	if o.Code == "redirect" {
		return o
	}
	if d.Code != 0 {
		o.Code = strconv.Itoa(d.Code)
	}
	means, known := discordErrors[d.Code]
	switch {
	case o.isSuccess() && d.ID != "":
		o.Code, o.MessageID = "", d.ID
		return o.classify(classification{kind: Sent})
	case o.Kind == Paused:
		return d.pause(r, o, paused)
	case o.Kind == Failed && known:
		return o.classify(means)
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
