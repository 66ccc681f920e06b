package teams

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// evidenceAccepted is the evidence of a workflow that responded with no body.
const evidenceAccepted = "accepted by the workflow, not yet delivered: see the run history of the workflow"

// runIDHeader is the response header with the id of the workflow run.
const runIDHeader = "X-Ms-Workflow-Run-Id"

// statuses are the statuses whose classification differs from the default.
var statuses = map[int]call.Classification{
	http.StatusUnauthorized:       call.DestinationFailed, // the signature of the URL is no longer valid
	http.StatusNotFound:           call.DestinationFailed, // the workflow, or the connector, was deleted
	http.StatusGone:               call.DestinationFailed,
	http.StatusPreconditionFailed: call.Retry, // like 502 and 504: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
}

// connectorError matches a connector's error, which has HTTP status 200: "response
// body needs to be extracted and read as Connectors do not throw 429s"
// (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors).
var connectorError = regexp.MustCompile(`returned HTTP error ([45][0-9]{2})`)

// classify refines the outcome of the HTTP status by the response body. A workflow
// accepts with 202; one with a response of its own sets the header of its run; a
// connector's success is the body 1.
func classify(r call.Response, o messenger.Outcome) messenger.Outcome {
	if o.IsSuccess() {
		return classifySuccess(r, o)
	}
	code := errorCode(r)
	if code != "" && o.Code != "redirect" {
		o.Code = code
	}
	if means, ok := statuses[o.Status]; ok {
		o = call.Classify(o, means)
		o.Gone = o.Status == http.StatusGone || o.Kind == messenger.Failed && code != ""
	}
	if code == "WorkflowTriggerIsNotEnabled" { // it is disabled, and may be enabled again
		o = call.Classify(o, call.DestinationFailed)
		o.Gone = false
	}
	return o
}

// classifySuccess refines the outcome of a 2xx response.
func classifySuccess(r call.Response, o messenger.Outcome) messenger.Outcome {
	run := r.Header.Get(runIDHeader)
	switch failed := connectorError.FindSubmatch(r.Body); {
	case failed != nil:
		status, _ := strconv.Atoi(string(failed[1])) // three digits
		inner := classify(call.Response{Status: status}, call.Response{Status: status}.Outcome(time.Time{}))
		o.Code, o.Gone = inner.Code, inner.Gone
		return call.Classify(o, call.Classification{Kind: inner.Kind, Scope: inner.Scope})
	case r.Status == http.StatusAccepted, r.Status == http.StatusOK && run != "":
		o.Code, o.MessageID = "", run
		if o.Excerpt == "" {
			o.Excerpt = evidenceAccepted
		}
		return call.Classify(o, call.Sent)
	case r.Status == http.StatusOK && r.Err == nil && string(r.Body) == "1":
		o.Code = ""
		return call.Classify(o, call.Sent)
	}
	return o
}

// errorCode returns the error code of a workflow, or "".
func errorCode(r call.Response) string {
	var res struct{ Error struct{ Code string } }
	if r.Err != nil || json.Unmarshal(r.Body, &res) != nil {
		return ""
	}
	return res.Error.Code
}
