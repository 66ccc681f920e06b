// Package auth keeps the accounts of the school, and issues the tokens by which the edge authenticates
// its callers.
package auth

import (
	"fmt"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// A Role is the role of a person in the school. It is a role in tokens and policies, too.
type Role string

// The roles.
const (
	Student     Role = "student"
	Parent      Role = "parent"
	Teacher     Role = "teacher"
	HeadTeacher Role = "head_teacher"
	Admin       Role = "school_admin"
)

// An Account is a person.
type Account struct {
	ID       string
	Role     Role
	Name     string
	Phone    string // empty for none
	Email    string // empty for none
	Grade    int    // of a student or a homeroom teacher; otherwise 0
	Class    int    // with a grade
	Number   int    // of a student in the class; otherwise 0
	Children []string
	Approved bool
	Created  time.Time
}

// TokenRoles returns the roles of the tokens of an account: user, by which the person has an
// inbox in Bongsu, and what the person is.
func (a Account) TokenRoles() []string { return []string{"user", string(a.Role)} }

// Groups returns the groups of Bongsu's directory that the person is in.
func (a Account) Groups() []string {
	switch a.Role {
	case Student:
		return []string{"students", fmt.Sprintf("grade-%d", a.Grade), fmt.Sprintf("class-%d-%d", a.Grade, a.Class)}
	case Parent:
		groups := []string{"parents"}
		for _, child := range a.Children {
			groups = append(groups, "parents-of-"+child)
		}
		return groups
	case HeadTeacher:
		return []string{"teachers", "head-teacher"}
	case Teacher:
		if a.Grade > 0 {
			return []string{"teachers", fmt.Sprintf("homeroom-%d-%d", a.Grade, a.Class)}
		}
		return []string{"teachers"}
	default:
		return nil
	}
}

// mayApprove returns nil if a caller with some roles may approve or refuse an account.
func mayApprove(roles []string, a Account) error {
	senior := slices.Contains(roles, string(HeadTeacher)) || slices.Contains(roles, string(Admin)) || slices.Contains(roles, "admin")
	if senior || a.Role == Student || a.Role == Parent {
		return nil
	}
	return fault.Deniedf("account %s is that of a teacher: the head teacher approves it", a.ID)
}

func notFound(id string) error {
	return fault.WithResource(fault.NotFoundf("account %s not found", id), "account", id)
}
