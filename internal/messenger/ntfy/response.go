package ntfy

import (
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A reply is the body of a response: event and id of a published message, or the
// code of an error, which begins with the HTTP status.
type reply struct {
	Event string `json:"event"`
	ID    string `json:"id"`
	Code  int    `json:"code"`
}

// ntfy's error codes that are more specific than the HTTP status
// (https://github.com/binwiederhier/ntfy/blob/main/server/errors.go).
const (
	codeForbidden  = 40301 // to publish to this topic: the token is valid
	codeDailyLimit = 42908
)

// refine refines the outcome of the HTTP status by the response body.
func (n reply) refine(o messenger.Outcome, now time.Time) messenger.Outcome {
	if o.IsSuccess() && n.Event == "message" && n.ID != "" {
		o.Code, o.MessageID = "", n.ID
		return call.Classify(o, call.Sent)
	}
	if n.Code != 0 {
		o.Code = strconv.Itoa(n.Code)
	}
	switch {
	case o.Kind == messenger.Paused && o.RetryAfter == 0:
		o.RetryAfter = waitOf(n.Code, now)
	case o.Kind == messenger.Failed && n.Code == codeForbidden:
		o.Scope = messenger.DestinationScope
	case o.IsSuccess() && n.Code != 0:
		return call.Classify(o, call.MessageFailed)
	}
	return o
}

// waitOf returns the wait where ntfy returns none: until the next request is allowed,
// or until the daily message limit resets, at midnight UTC
// (https://github.com/binwiederhier/ntfy/blob/main/server/config.go,
// DefaultVisitorStatsResetTime).
func waitOf(code int, now time.Time) time.Duration {
	if code != codeDailyLimit {
		return visitorRate.Interval()
	}
	day := 24 * time.Hour
	return now.UTC().Truncate(day).Add(day).Sub(now).Round(time.Millisecond)
}
