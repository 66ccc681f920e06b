package auth

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
)

var roles = map[authv1.Role]Role{
	authv1.Role_ROLE_STUDENT: Student, authv1.Role_ROLE_PARENT: Parent, authv1.Role_ROLE_TEACHER: Teacher,
	authv1.Role_ROLE_HEAD_TEACHER: HeadTeacher, authv1.Role_ROLE_SCHOOL_ADMIN: Admin,
}

// roleOf returns a role, and "" for none.
func roleOf(r authv1.Role) Role { return roles[r] }

func toProto(a Account) *authv1.Account {
	out := &authv1.Account{
		Id: a.ID, Name: a.Name, Phone: a.Phone, Email: a.Email, Grade: int32(a.Grade), Class: int32(a.Class), Number: int32(a.Number),
		Children: a.Children, State: authv1.AccountState_ACCOUNT_STATE_PENDING, CreateTime: timestamppb.New(a.Created),
	}
	for wire, role := range roles {
		if role == a.Role {
			out.Role = wire
		}
	}
	if a.Approved {
		out.State = authv1.AccountState_ACCOUNT_STATE_APPROVED
	}
	return out
}
