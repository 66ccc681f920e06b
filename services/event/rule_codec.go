package event

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
)

// ruleFromWire returns a rule of a request, without its time.
func ruleFromWire(wire *eventv1.EventRule) Rule {
	r := Rule{
		Name: wire.GetName(), Type: wire.GetType(), Condition: wire.GetCondition(), Title: wire.GetTitle(), Message: wire.GetMessage(),
		Key: wire.GetKey(), Status: wire.GetStatus(), Escalation: wire.GetEscalation(), RepeatFields: wire.GetRepeatFields(),
		Link: wire.GetLink(), Severity: wire.GetSeverity(), Disabled: wire.GetDisabled(), TTL: wire.GetTtl().AsDuration(), Revision: wire.GetRevision(),
	}
	for _, n := range wire.GetNotify() {
		r.Notify = append(r.Notify, Notify{Targets: n.GetTargets(), By: n.GetBy(), Message: n.GetMessage()})
	}
	if b := wire.GetBatch(); b != nil {
		r.Batch = &BatchSpec{Count: int(b.GetCount()), Within: b.GetWithin().AsDuration().Truncate(time.Microsecond), Message: b.GetMessage()}
	}
	return r
}

// ruleToWire returns a rule of a response.
func ruleToWire(r Rule) *eventv1.EventRule {
	wire := &eventv1.EventRule{
		Name: r.Name, Type: r.Type, Condition: r.Condition, Title: r.Title, Message: r.Message, Link: r.Link, Severity: r.Severity,
		Key: r.Key, Status: r.Status, Escalation: r.Escalation, RepeatFields: r.RepeatFields,
		Disabled: r.Disabled, Revision: r.Revision, UpdateTime: timestamppb.New(r.UpdateTime),
	}
	for _, n := range r.Notify {
		wire.Notify = append(wire.Notify, &eventv1.Notify{Targets: n.Targets, By: n.By, Message: n.Message})
	}
	if r.Batch != nil {
		wire.Batch = &eventv1.Batch{Count: int32(r.Batch.Count), Within: durationpb.New(r.Batch.Within), Message: r.Batch.Message}
	}
	if r.TTL > 0 {
		wire.Ttl = durationpb.New(r.TTL)
	}
	return wire
}
