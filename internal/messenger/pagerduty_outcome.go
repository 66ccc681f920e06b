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

// refine refines the outcome of the HTTP status by the response body.
func (p pagerDutyReply) refine(o Outcome) Outcome {
	if o.IsSuccess() && p.Status == "success" {
		o.Code, o.MessageID = "", p.DedupKey
		return classify(o, meansSent)
	}
	if p.Status != "" {
		o.Code = p.Status
	}
	switch {
	case o.Kind == Paused:
		o.RetryAfter = cmp.Or(o.RetryAfter, pagerDutyPause)
	case o.IsSuccess() && p.Status != "":
		return classify(o, messageFailed)
	case o.Status == http.StatusBadRequest && slices.ContainsFunc(p.Errors, func(e string) bool { return strings.Contains(e, "routing_key") }):
		return classify(o, credentialFailed)
	}
	return o
}
