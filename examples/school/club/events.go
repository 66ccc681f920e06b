package club

import (
	"github.com/bongsu-project/bongsu/examples/school/event"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
)

func clubEvent(what string, c Club, members []string) event.Event {
	return event.Event{Type: "school.club." + what, Subject: c.ID, Data: &eventv1.ClubChanged{ClubId: c.ID, Name: c.Name, Head: c.Head, Members: members}}
}

func recruitmentEvent(r Recruitment) event.Event {
	return event.Event{Type: "school.club.recruitment_opened", Subject: r.Club, Data: &eventv1.RecruitmentOpened{
		RecruitmentId: r.ID, ClubId: r.Club, ClubName: r.ClubName, Concept: r.Concept, Grades: r.Grades(),
	}}
}
