package messenger

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// evidenceAccepted is the evidence of a workflow that responded with no body.
const evidenceAccepted = "accepted by the workflow, not yet delivered: see the run history of the workflow"

// teamsRunID is the response header with the id of the workflow run.
const teamsRunID = "X-Ms-Workflow-Run-Id"

// teamsStatuses are the statuses whose classification differs from the default.
var teamsStatuses = map[int]classification{
	http.StatusUnauthorized:       destinationFailed, // the signature of the URL is no longer valid
	http.StatusNotFound:           destinationFailed, // the workflow, or the connector, was deleted
	http.StatusGone:               destinationFailed,
	http.StatusPreconditionFailed: meansRetry, // like 502 and 504: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
}

// teamsConnectorError matches a connector's error, which has HTTP status 200: "response
// body needs to be extracted and read as Connectors do not throw 429s"
// (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors).
var teamsConnectorError = regexp.MustCompile(`returned HTTP error ([45][0-9]{2})`)

// classifyTeams refines the outcome of the HTTP status by the response body. A workflow
// accepts with 202; one with a response of its own sets the header of its run; a
// connector's success is the body 1.
func classifyTeams(r response, o Outcome) Outcome {
	if o.IsSuccess() {
		return classifyTeamsSuccess(r, o)
	}
	said := teamsError(r)
	if said != "" && o.Code != "redirect" {
		o.Code = said
	}
	if means, ok := teamsStatuses[o.Status]; ok {
		o = classify(o, means)
		o.Gone = o.Status == http.StatusGone || o.Kind == Failed && said != ""
	}
	if said == "WorkflowTriggerIsNotEnabled" { // it is disabled, and may be enabled again
		o = classify(o, destinationFailed)
		o.Gone = false
	}
	return o
}

// classifyTeamsSuccess refines the outcome of a 2xx response.
func classifyTeamsSuccess(r response, o Outcome) Outcome {
	run := r.header.Get(teamsRunID)
	switch failed := teamsConnectorError.FindSubmatch(r.body); {
	case failed != nil:
		status, _ := strconv.Atoi(string(failed[1])) // three digits
		inner := classifyTeams(response{status: status}, response{status: status}.outcome(time.Time{}))
		o.Code, o.Gone = inner.Code, inner.Gone
		return classify(o, classification{inner.Kind, inner.Scope})
	case r.status == http.StatusAccepted, r.status == http.StatusOK && run != "":
		o.Code, o.MessageID = "", run
		if o.Excerpt == "" {
			o.Excerpt = evidenceAccepted
		}
		return classify(o, meansSent)
	case r.status == http.StatusOK && r.err == nil && string(r.body) == "1":
		o.Code = ""
		return classify(o, meansSent)
	}
	return o
}

// teamsError returns the error code of a workflow, or "".
func teamsError(r response) string {
	var res struct{ Error struct{ Code string } }
	if r.err != nil || json.Unmarshal(r.body, &res) != nil {
		return ""
	}
	return res.Error.Code
}
