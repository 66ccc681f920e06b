package edge

import (
	"fmt"
	"strings"

	intakev1 "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/intake"
)

// loggedProblems is the number of problems of a request that are logged one by one.
const loggedProblems = 20

// explainedRefusals is the number of refusals of a request that have a message. Further
// ones have field and reason only, so that the response stays in proportion to its request.
const explainedRefusals = 100

// An intakeResults builds the results of one request, logs its problems and counts them.
type intakeResults struct {
	handler *IntakeHandler
	source  string
	logged  int
	left    int
	changed int
}

// result returns the result of an item, and adds it to the counts of res. sent is nil
// for an item that could not be parsed.
func (r *intakeResults) result(res *intakev1.ReceiveResponse, item intake.Item, sent *jobv1.SendAlertsResult) *intakev1.ReceivedAlert {
	if item.Problem != nil {
		sent = &jobv1.SendAlertsResult{
			Outcome: jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED,
			Field:   item.Problem.Field, Reason: string(item.Problem.Reason), Message: item.Problem.Message,
		}
	} else if sent.GetOutcome() == jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED {
		sent.Field = strings.TrimPrefix(item.Alert.Field+"."+sent.GetField(), ".")
		if sent.GetReason() == string(intake.NoTarget) && len(item.Alert.Malformed) > 0 {
			sent.Reason = string(intake.MalformedTarget)
			sent.Message = fmt.Sprintf("malformed target %s, and its source has no default targets", strings.Join(item.Alert.Malformed, ", "))
		}
	}
	one := &intakev1.ReceivedAlert{
		Id: sent.GetId(), UserCount: sent.GetUserCount(), Outcome: intakev1.ReceivedOutcome(sent.GetOutcome()),
		UnknownTarget: append(item.Alert.Malformed, sent.GetUnknownTarget()...), DefaultTarget: sent.GetDefaultTarget(),
		Field: sent.GetField(), Reason: sent.GetReason(), Message: sent.GetMessage(),
	}
	refused := false
	switch one.GetOutcome() {
	case intakev1.ReceivedOutcome_RECEIVED_OUTCOME_REFUSED:
		res.RefusedCount++
		refused = true
		if res.GetRefusedCount() > explainedRefusals {
			one.Message = ""
		}
	case intakev1.ReceivedOutcome_RECEIVED_OUTCOME_REPEATED:
		res.RepeatedCount++
		return one // the first request logged its problems
	case intakev1.ReceivedOutcome_RECEIVED_OUTCOME_CHANGED:
		res.RecordedCount++
		r.changed++
	default:
		res.RecordedCount++
	}
	r.problems(item.Alert, sent, refused)
	return one
}

// problems logs and counts the problems of an alert, and its refusal.
func (r *intakeResults) problems(a intake.Alert, sent *jobv1.SendAlertsResult, refused bool) {
	for _, p := range a.Problems {
		r.handler.Metrics.IntakeProblem(r.source, string(p.Reason))
		r.log(false, p.Field, string(p.Reason), p.Message, a.Title, sent.GetId())
	}
	if refused {
		r.handler.Metrics.RefusedIntake(r.source, sent.GetReason())
		r.log(true, sent.GetField(), sent.GetReason(), sent.GetMessage(), a.Title, "")
		return
	}
	if len(sent.GetUnknownTarget()) > 0 {
		r.handler.Metrics.IntakeProblem(r.source, "unknown_target")
		r.log(false, a.Field, "unknown_target", "unknown target "+strings.Join(sent.GetUnknownTarget(), ", "), a.Title, sent.GetId())
	} else if sent.GetDefaultTarget() && len(a.Targets) > 0 {
		r.handler.Metrics.IntakeProblem(r.source, "no_address")
		r.log(false, a.Field, "no_address", "targets have no addresses", a.Title, sent.GetId())
	}
}

// log logs a problem; past loggedProblems it only counts it.
func (r *intakeResults) log(refused bool, field, reason, message, title, id string) {
	if r.logged == loggedProblems {
		r.left++
		return
	}
	r.logged++
	log := r.handler.Log.With("source", r.source, "field", field, "reason", reason, "error", message, "title", title)
	if refused {
		log.Warn("alert refused, nobody is notified")
	} else {
		log.Warn("invalid part of alert ignored", "alert", id)
	}
}

// finish logs the number of unlogged problems, and counts the outcomes of the request.
func (r *intakeResults) finish(res *intakev1.ReceiveResponse) {
	if r.left > 0 {
		r.handler.Log.Warn("further intake problems not logged", "source", r.source, "problems", r.left, "refused", res.GetRefusedCount())
	}
	for outcome, n := range map[string]int{
		"recorded": int(res.GetRecordedCount()) - r.changed, "changed": r.changed,
		"repeated": int(res.GetRepeatedCount()), "refused": int(res.GetRefusedCount()),
	} {
		if n > 0 {
			r.handler.Metrics.Received(r.source, outcome, n)
		}
	}
}

// refuse logs and counts the refusal of a whole request.
func (h *IntakeHandler) refuse(source string, p *intake.Problem) {
	h.Metrics.RefusedIntake(source, string(p.Reason))
	h.Log.Warn("intake request refused, nobody is notified", "source", source, "field", p.Field, "reason", string(p.Reason), "error", p.Message)
}
