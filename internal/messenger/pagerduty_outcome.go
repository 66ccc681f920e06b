package messenger

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// A pagerDutyReply is the body of a response.
type pagerDutyReply struct {
	Status   string   `json:"status"`
	DedupKey string   `json:"dedup_key"`
	Errors   []string `json:"errors"`
}

// classify refines the outcome of the HTTP status by the response body.
func (p pagerDutyReply) classify(o Outcome) Outcome {
	if o.isSuccess() && p.Status == "success" {
		o.Code, o.MessageID = "", p.DedupKey
		return o.classify(classification{kind: Sent})
	}
	if p.Status != "" {
		o.Code = p.Status
	}
	switch {
	case o.Kind == Paused:
		o.RetryAfter = cmp.Or(o.RetryAfter, pagerDutyPause)
	case o.isSuccess() && p.Status != "":
		return o.classify(classification{Failed, MessageScope})
	case o.Status == http.StatusBadRequest && slices.ContainsFunc(p.Errors, func(e string) bool { return strings.Contains(e, "routing_key") }):
		return o.classify(classification{Failed, CredentialScope})
	}
	return o
}
