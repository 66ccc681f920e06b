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

// judge refines the outcome of the HTTP status by the response body.
func (p pagerDutyReply) judge(o Outcome) Outcome {
	if o.success() && p.Status == "success" {
		o.Code, o.MessageID = "", p.DedupKey
		return o.as(meaning{kind: Sent})
	}
	if p.Status != "" {
		o.Code = p.Status
	}
	switch {
	case o.Kind == Paused:
		o.After = cmp.Or(o.After, pagerDutyPause)
	case o.success() && p.Status != "":
		return o.as(meaning{Failed, MessageScope})
	case o.Status == http.StatusBadRequest && slices.ContainsFunc(p.Errors, func(e string) bool { return strings.Contains(e, "routing_key") }):
		return o.as(meaning{Failed, CredentialScope})
	}
	return o
}
