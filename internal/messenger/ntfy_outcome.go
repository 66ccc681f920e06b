package messenger

import (
	"strconv"
	"time"
)

// A ntfyReply is the body of a response: event and id of a published message, or the
// code of an error, which begins with the HTTP status.
type ntfyReply struct {
	Event string `json:"event"`
	ID    string `json:"id"`
	Code  int    `json:"code"`
}

// ntfy's error codes that are more specific than the HTTP status
// (https://github.com/binwiederhier/ntfy/blob/main/server/errors.go).
const (
	ntfyForbidden   = 40301 // to publish to this topic: the token is valid
	ntfyTooManyADay = 42908
)

// refine refines the outcome of the HTTP status by the response body.
func (n ntfyReply) refine(o Outcome, now time.Time) Outcome {
	if o.IsSuccess() && n.Event == "message" && n.ID != "" {
		o.Code, o.MessageID = "", n.ID
		return classify(o, meansSent)
	}
	if n.Code != 0 {
		o.Code = strconv.Itoa(n.Code)
	}
	switch {
	case o.Kind == Paused && o.RetryAfter == 0:
		o.RetryAfter = ntfyWait(n.Code, now)
	case o.Kind == Failed && n.Code == ntfyForbidden:
		o.Scope = DestinationScope
	case o.IsSuccess() && n.Code != 0:
		return classify(o, messageFailed)
	}
	return o
}

// ntfyWait returns the wait where ntfy returns none: until the next request is allowed,
// or until the daily message limit resets, at midnight UTC
// (https://github.com/binwiederhier/ntfy/blob/main/server/config.go,
// DefaultVisitorStatsResetTime).
func ntfyWait(code int, now time.Time) time.Duration {
	if code != ntfyTooManyADay {
		return ntfyVisitor.Interval()
	}
	day := 24 * time.Hour
	return now.UTC().Truncate(day).Add(day).Sub(now).Round(time.Millisecond)
}
