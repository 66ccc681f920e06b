package messenger

import (
	"strconv"
	"time"
)

// A ntfyReply is what ntfy's answer says: of a message that was published its event
// and id, of an error its code, which begins with the HTTP status.
type ntfyReply struct {
	Event string `json:"event"`
	ID    string `json:"id"`
	Code  int    `json:"code"`
}

// ntfy's errors that its status does not tell all of
// (https://github.com/binwiederhier/ntfy/blob/main/server/errors.go).
const (
	ntfyForbidden   = 40301 // to publish to this topic: the token is known
	ntfyTooManyADay = 42908
)

// judge makes of what the status says what the answer says.
func (n ntfyReply) judge(o Outcome, now time.Time) Outcome {
	if o.success() && n.Event == "message" && n.ID != "" {
		o.Code, o.MessageID = "", n.ID
		return o.as(meaning{kind: Sent})
	}
	if n.Code != 0 {
		o.Code = strconv.Itoa(n.Code)
	}
	switch {
	case o.Kind == Paused && o.After == 0:
		o.After = ntfyWait(n.Code, now)
	case o.Kind == Failed && n.Code == ntfyForbidden:
		o.Scope = DestinationScope
	case o.success() && n.Code != 0:
		return o.as(meaning{Failed, MessageScope})
	}
	return o
}

// ntfyWait is how long to wait where ntfy does not say: until one more request is
// let, or until the messages of the day are counted anew, at midnight UTC
// (https://github.com/binwiederhier/ntfy/blob/main/server/config.go,
// DefaultVisitorStatsResetTime).
func ntfyWait(code int, now time.Time) time.Duration {
	if code != ntfyTooManyADay {
		return ntfyVisitor.Interval()
	}
	day := 24 * time.Hour
	return now.UTC().Truncate(day).Add(day).Sub(now).Round(time.Millisecond)
}
