package auth

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// source is the source of the events of this service.
const source = "school/auth"

func accountEvent(kind string, a Account) stream.Event {
	return event(kind, a.ID, &eventv1.AccountApproved{
		Id: a.ID, Role: string(a.Role), Name: a.Name, Grade: int32(a.Grade), Class: int32(a.Class), Number: int32(a.Number), //nolint:gosec // small
		Children: a.Children, Phone: a.Phone, Email: a.Email,
	})
}

func resetEvent(id, code string) stream.Event {
	return event("school.auth.password_reset_requested", id, &eventv1.PasswordResetRequested{Id: id, Code: code})
}

func event(kind, subject string, data proto.Message) stream.Event {
	text, err := protojson.Marshal(data)
	if err != nil {
		panic("auth: an event that is not UTF-8: " + err.Error()) // the schema checks requests
	}
	return stream.Event{Source: source, Type: kind, Subject: subject, Data: text}
}

func childField(i int) string { return "children[" + strconv.Itoa(i) + "]" }
