package web

import (
	"slices"

	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
)

var roleTexts = map[authv1.Role]string{
	authv1.Role_ROLE_STUDENT: "학생", authv1.Role_ROLE_PARENT: "보호자", authv1.Role_ROLE_TEACHER: "선생님",
	authv1.Role_ROLE_HEAD_TEACHER: "교감", authv1.Role_ROLE_SCHOOL_ADMIN: "관리자",
}

// stateTexts are the texts of the states of outings.
var stateTexts = map[string]string{
	"OUTING_STATE_REQUESTED": "보호자의 허락을 기다림", "OUTING_STATE_PARENT_APPROVED": "선생님의 승인을 기다림",
	"OUTING_STATE_PARENT_REFUSED": "보호자가 허락하지 않음", "OUTING_STATE_APPROVED": "승인됨", "OUTING_STATE_TEACHER_REFUSED": "선생님이 승인하지 않음",
	"OUTING_STATE_OUT": "외출 중", "OUTING_STATE_RETURNED": "돌아옴", "OUTING_STATE_CANCELED": "취소함", "OUTING_STATE_EXPIRED": "시간이 지남",
}

func (v *visit) role() authv1.Role { return v.session.account.GetRole() }

func (v *visit) isStudent() bool { return v.role() == authv1.Role_ROLE_STUDENT }

// isTeacher reports whether the person has the rights of a teacher.
func (v *visit) isTeacher() bool {
	return slices.Contains([]authv1.Role{authv1.Role_ROLE_TEACHER, authv1.Role_ROLE_HEAD_TEACHER, authv1.Role_ROLE_SCHOOL_ADMIN}, v.role())
}
