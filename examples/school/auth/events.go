package auth

import (
	"strconv"

	"github.com/bongsu-project/bongsu/examples/school/event"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
)

func accountEvent(kind string, a Account) event.Event {
	return event.Event{Type: kind, Subject: a.ID, Data: &eventv1.AccountApproved{
		Id: a.ID, Role: string(a.Role), Name: a.Name, Grade: int32(a.Grade), Class: int32(a.Class), Number: int32(a.Number),
		Children: a.Children, Phone: a.Phone, Email: a.Email,
	}}
}

func resetEvent(id, code string) event.Event {
	return event.Event{Type: "school.auth.password_reset_requested", Subject: id, Data: &eventv1.PasswordResetRequested{Id: id, Code: code}}
}

func childField(i int) string { return "children[" + strconv.Itoa(i) + "]" }
