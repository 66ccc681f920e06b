package messenger

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// discordErrors says what Discord's codes mean
// (https://discord.com/developers/docs/topics/opcodes-and-status-codes#json). A code
// that is not here means what its HTTP status does.
var discordErrors = map[int]meaning{
	40004:  {kind: Retry}, // sending is disabled for a while
	40006:  {kind: Retry}, // so is this feature
	40062:  {kind: Retry}, // the resource is rate limited
	130000: {kind: Retry}, // overloaded

	10003:  {Failed, DestinationScope}, // unknown channel
	10015:  {Failed, DestinationScope}, // unknown webhook
	40007:  {Failed, DestinationScope}, // banned from the server
	50001:  {Failed, DestinationScope}, // no access to the channel
	50007:  {Failed, DestinationScope}, // the person takes no messages
	50008:  {Failed, DestinationScope}, // no channel for text
	50009:  {Failed, DestinationScope}, // the channel wants more verification
	50013:  {Failed, DestinationScope}, // no permission to post there
	50024:  {Failed, DestinationScope}, // no channel of the right type
	50083:  {Failed, DestinationScope}, // the thread is archived
	50278:  {Failed, DestinationScope}, // no server in common
	160005: {Failed, DestinationScope}, // the thread is locked
	220001: {Failed, DestinationScope}, // a forum needs thread_id in the webhook's URL
	220004: {Failed, DestinationScope}, // a forum that webhooks cannot post to

	40001: {Failed, CredentialScope}, // unauthorized
	50014: {Failed, CredentialScope}, // invalid token
	50027: {Failed, CredentialScope}, // invalid webhook token

	20009:  {Failed, MessageScope}, // explicit content
	40005:  {Failed, MessageScope}, // too large
	50006:  {Failed, MessageScope}, // empty
	50035:  {Failed, MessageScope}, // a field is not valid
	50109:  {Failed, MessageScope}, // no JSON
	200000: {Failed, MessageScope}, // blocked by the server's rules
	240000: {Failed, MessageScope}, // blocked for its links
}

// A discordReply is what Discord's answer says: the thing made, or an error.
type discordReply struct {
	ID         string
	Type       int
	Message    string
	Code       int
	RetryAfter *float64 `json:"retry_after"`
	Global     bool
}

// judge makes of what the status says what the answer says. What Discord counted for
// one channel makes that one wait, where paused is DestinationScope.
func (d discordReply) judge(r reply, o Outcome, paused Scope) Outcome {
	if o.Code == "redirect" {
		return o
	}
	if d.Code != 0 {
		o.Code = strconv.Itoa(d.Code)
	}
	means, known := discordErrors[d.Code]
	switch {
	case o.success() && d.ID != "":
		o.Code, o.MessageID = "", d.ID
		return o.as(meaning{kind: Sent})
	case o.Kind == Paused:
		return d.pause(r, o, paused)
	case o.Kind == Failed && known:
		return o.as(means)
	}
	return o
}

// pause says how long to wait, and who must
// (https://discord.com/developers/docs/topics/rate-limits#exceeding-a-rate-limit):
// retry_after is in seconds with a fraction, the header is rounded up.
func (d discordReply) pause(r reply, o Outcome, scope Scope) Outcome {
	if d.RetryAfter != nil {
		o.After = retryAfter(strconv.FormatFloat(*d.RetryAfter, 'f', -1, 64), time.Time{})
	}
	counted := strings.ToLower(r.header.Get("X-RateLimit-Scope"))
	if !d.Global && r.header.Get("X-RateLimit-Global") == "" && (counted == "user" || counted == "shared") {
		o.Scope = scope
	}
	return o
}

// discordHeader is the header of every call. Discord may turn away who does not name
// themselves so (https://discord.com/developers/docs/reference#user-agent).
func discordHeader() http.Header {
	return http.Header{"User-Agent": {"DiscordBot (https://github.com/bongsu-project/bongsu, 1)"}}
}
