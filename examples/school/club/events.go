package club

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// source is the source of the events of this service.
const source = "school/club"

func clubEvent(what string, c Club, members []string) stream.Event {
	return event("school.club."+what, c.ID, &eventv1.ClubChanged{ClubId: c.ID, Name: c.Name, Head: c.Head, Members: members})
}

func recruitmentEvent(r Recruitment) stream.Event {
	return event("school.club.recruitment_opened", r.Club, &eventv1.RecruitmentOpened{
		RecruitmentId: r.ID, ClubId: r.Club, ClubName: r.ClubName, Concept: r.Concept, Grades: r.Grades(),
	})
}

// event returns an event about a club. Those of one club stay in order.
func event(kind, subject string, data proto.Message) stream.Event {
	text, err := protojson.Marshal(data)
	if err != nil {
		panic("club: an event that is not UTF-8: " + err.Error()) // the schema checks requests
	}
	return stream.Event{Source: source, Type: kind, Subject: subject, Data: text}
}
