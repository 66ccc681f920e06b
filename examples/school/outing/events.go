package outing

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bongsu-project/bongsu/examples/school/event"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
)

// eventType returns the type of the event by which an outing came to a state.
func eventType(s State) string {
	if s == Out {
		return "school.outing.started"
	}
	return "school.outing." + string(s)
}

func (s *Store) changed(kind string, o Outing, by string) event.Event {
	return event.Event{Type: kind, Subject: o.ID, Data: &eventv1.OutingChanged{
		OutingId: o.ID, Student: o.Student, StudentName: o.StudentName, Grade: int32(o.Grade), Class: int32(o.Class), Number: int32(o.Number),
		State: string(o.State), StartTime: timestamppb.New(o.Start), EndTime: timestamppb.New(o.End), Place: o.Place, Reason: o.Reason,
		By: by, Comment: o.Comment, Summary: o.Summary(), Late: o.Late(s.now()),
	}}
}

func decisionRequested(o Outing, account, role, url string) event.Event {
	return event.Event{Type: "school.outing.decision_requested", Subject: o.ID, Data: &eventv1.DecisionRequested{
		OutingId: o.ID, Account: account, Role: role, Url: url, Summary: o.Summary(),
	}}
}

func decisionMade(o Outing, account string) event.Event {
	return event.Event{Type: "school.outing.decision_made", Subject: o.ID, Data: &eventv1.DecisionMade{OutingId: o.ID, Account: account, Summary: o.Summary()}}
}
