package alert

import (
	"errors"
	"strings"

	"buf.build/go/protovalidate"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// The outcomes of alerts, by their short names. Callers never get outcomeChanged, because their
// idempotency keys are not extended.
const (
	outcomeRecorded = jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_RECORDED
	outcomeRepeated = jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REPEATED
	outcomeChanged  = jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_CHANGED
	outcomeRefused  = jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED
)

// maxReason limits the text of a refusal, in bytes.
const maxReason = 500

// A sendResult is the result for one alert of a batch.
type sendResult struct {
	outcome       jobv1.SendAlertsOutcome
	id            int64 // 0 if it was refused
	deliveries    int
	unknown       []string // its own targets that are unknown
	defaultTarget bool     // it was sent to the default targets

	field, reason, message string // why it was refused
}

func (r *sendResult) wireID() string {
	if r.id == 0 {
		return ""
	}
	return alertID(r.id)
}

// refuse makes r a refusal, with its message cut to maxReason.
func (r *sendResult) refuse(field, reason, message string) {
	if len(message) > maxReason {
		message = strings.ToValidUTF8(message[:maxReason], "") + "…"
	}
	r.outcome, r.field, r.reason, r.message = outcomeRefused, field, reason, message
}

// refuseInvalid makes r the refusal of an alert that violates a rule, and names the field.
func (r *sendResult) refuseInvalid(err error) {
	if invalid, ok := errors.AsType[*protovalidate.ValidationError](err); ok && len(invalid.Violations) > 0 {
		v := invalid.Violations[0]
		r.refuse(protovalidate.FieldPathString(v.Proto.GetField()), "invalid_field", v.Proto.GetMessage())
		return
	}
	if fields := fault.Fields(err); len(fields) > 0 {
		r.refuse(fields[0].Path, "invalid_field", fields[0].Problem)
		return
	}
	r.refuse("", "invalid_field", err.Error())
}

// toAlertWire returns the result for a caller.
func (r *sendResult) toAlertWire() *alertv1.SendAlertsResult {
	outcome := alertv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_RECORDED
	switch r.outcome {
	case outcomeRepeated:
		outcome = alertv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REPEATED
	case outcomeRefused:
		outcome = alertv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED
	}
	return &alertv1.SendAlertsResult{
		Outcome: outcome, Id: r.wireID(), UserCount: int32(r.deliveries), UnknownTarget: r.unknown, Field: r.field, Message: r.message,
	}
}

// toJobWire returns the result for a source.
func (r *sendResult) toJobWire() *jobv1.SendAlertsResult {
	return &jobv1.SendAlertsResult{
		Outcome: r.outcome, Id: r.wireID(), UserCount: int32(r.deliveries),
		UnknownTarget: r.unknown, DefaultTarget: r.defaultTarget, Field: r.field, Reason: r.reason, Message: r.message,
	}
}
