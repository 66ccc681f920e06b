package outing

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// source is the source of the events of this service.
const source = "school/outing"

// eventName returns the last word of the type of the event by which an outing came to a state.
func eventName(s State) string {
	if s == Out {
		return "started"
	}
	return string(s)
}

func (s *Store) changed(kind string, o Outing, by string) stream.Event {
	return event(kind, o, &eventv1.OutingChanged{
		OutingId: o.ID, Student: o.Student, StudentName: o.StudentName, Grade: int32(o.Grade), Class: int32(o.Class), Number: int32(o.Number), //nolint:gosec // small
		State: string(o.State), StartTime: timestamppb.New(o.Start), EndTime: timestamppb.New(o.End), Place: o.Place, Reason: o.Reason,
		By: by, Comment: o.Comment, Summary: o.Summary(), Late: o.Late(s.now()),
	})
}

func decisionRequested(o Outing, account, role, url string) stream.Event {
	return event("school.outing.decision_requested", o, &eventv1.DecisionRequested{OutingId: o.ID, Account: account, Role: role, Url: url, Summary: o.Summary()})
}

func decisionMade(o Outing, account string) stream.Event {
	return event("school.outing.decision_made", o, &eventv1.DecisionMade{OutingId: o.ID, Account: account})
}

// event returns an event about an outing. Those of one outing stay in order.
func event(kind string, o Outing, data proto.Message) stream.Event {
	text, err := protojson.Marshal(data)
	if err != nil {
		panic("outing: an event that is not UTF-8: " + err.Error()) // the schema checks requests
	}
	return stream.Event{Source: source, Type: kind, Subject: o.ID, Data: text}
}
