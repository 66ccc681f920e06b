package messenger

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// accepted is the evidence of a workflow that took a message and said nothing more.
const accepted = "accepted by the workflow, not yet delivered: it posts the message later, and its run history says whether it did"

// teamsRunID is where a workflow's answer names its run.
const teamsRunID = "X-Ms-Workflow-Run-Id"

// teamsStatuses are the statuses that mean something else than they do by themselves.
var teamsStatuses = map[int]meaning{
	http.StatusUnauthorized:       {Failed, DestinationScope}, // the signature of the URL is no longer good
	http.StatusNotFound:           {Failed, DestinationScope}, // the workflow, or the connector, has been deleted
	http.StatusGone:               {Failed, DestinationScope},
	http.StatusPreconditionFailed: {kind: Retry}, // as 502 and 504 do: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
}

// teamsConnectorError is how a connector says what went wrong, with HTTP 200: "response
// body needs to be extracted and read as Connectors do not throw 429s"
// (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors).
var teamsConnectorError = regexp.MustCompile(`returned HTTP error ([45][0-9]{2})`)

// judgeTeams makes of what the status says what the body says. A workflow accepts with
// 202; one that answers by itself names its run; a connector's success is the body 1.
func judgeTeams(r reply, o Outcome) Outcome {
	if o.success() {
		return judgeTeamsSuccess(r, o)
	}
	said := teamsError(r)
	if said != "" && o.Code != "redirect" {
		o.Code = said
	}
	if means, is := teamsStatuses[o.Status]; is {
		o = o.as(means)
		o.Gone = o.Status == http.StatusGone || o.Kind == Failed && said != ""
	}
	if said == "WorkflowTriggerIsNotEnabled" { // it is turned off, and may be turned on again
		o = o.as(meaning{Failed, DestinationScope})
		o.Gone = false
	}
	return o
}

// judgeTeamsSuccess reads an answer whose status is a success.
func judgeTeamsSuccess(r reply, o Outcome) Outcome {
	run := r.header.Get(teamsRunID)
	switch failed := teamsConnectorError.FindSubmatch(r.body); {
	case failed != nil:
		status, _ := strconv.Atoi(string(failed[1])) // it is three digits
		inner := judgeTeams(reply{status: status}, reply{status: status}.outcome(time.Time{}))
		o.Code, o.Gone = inner.Code, inner.Gone
		return o.as(meaning{inner.Kind, inner.Scope})
	case r.status == http.StatusAccepted, r.status == http.StatusOK && run != "":
		o.Code, o.MessageID = "", run
		if o.Excerpt == "" {
			o.Excerpt = accepted
		}
		return o.as(meaning{kind: Sent})
	case r.status == http.StatusOK && r.err == nil && string(r.body) == "1":
		o.Code = ""
		return o.as(meaning{kind: Sent})
	}
	return o
}

// teamsError is the code of a workflow's error, or nothing.
func teamsError(r reply) string {
	var said struct{ Error struct{ Code string } }
	if r.err != nil || json.Unmarshal(r.body, &said) != nil {
		return ""
	}
	return said.Error.Code
}
