package pagerduty

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A reply is the body of a response.
type reply struct {
	Status   string   `json:"status"`
	DedupKey string   `json:"dedup_key"`
	Errors   []string `json:"errors"`
}

// refine refines the outcome of the HTTP status by the response body.
func (p reply) refine(o messenger.Outcome) messenger.Outcome {
	if o.IsSuccess() && p.Status == "success" {
		o.Code, o.MessageID = "", p.DedupKey
		return call.Classify(o, call.Sent)
	}
	if p.Status != "" {
		o.Code = p.Status
	}
	switch {
	case o.Kind == messenger.Paused:
		o.RetryAfter = cmp.Or(o.RetryAfter, defaultPause)
	case o.IsSuccess() && p.Status != "":
		return call.Classify(o, call.MessageFailed)
	case o.Status == http.StatusBadRequest && slices.ContainsFunc(p.Errors, func(e string) bool { return strings.Contains(e, "routing_key") }):
		return call.Classify(o, call.CredentialFailed)
	}
	return o
}
