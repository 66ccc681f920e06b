// Package club keeps the clubs of students, and their recruitment of members.
package club

import (
	"time"

	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// A Club is a club of students.
type Club struct {
	ID, Head                                           string
	Name, Concept, Introduction, Field, Location, Link string
	Floor                                              int
	MemberCount                                        int
	Members                                            []people.Person // by grade, class and number; only of Store.Club
}

// A Seat is a kind of wanted members.
type Seat struct {
	Grade  int
	Field  string
	Number int
}

// A Recruitment is the search of a club for members.
type Recruitment struct {
	ID, Club, ClubName string
	Concept            string
	Seats              []Seat
	From, To           string // days; To is empty for no end
	Closed             bool
	Created            time.Time
}

// Open reports whether the recruitment runs on a day.
func (r Recruitment) Open(day string) bool { return !r.Closed && (r.To == "" || day <= r.To) }

// Grades returns the wanted grades, sorted.
func (r Recruitment) Grades() (grades []int32) {
	for grade := range int32(4) {
		for _, s := range r.Seats {
			if int32(s.Grade) == grade {
				grades = append(grades, grade)
				break
			}
		}
	}
	return grades
}

// A Caller is who changes a club.
type Caller struct {
	Account string
	Teacher bool // or who has more rights
}

// mayManage returns nil for the head of a club and for teachers.
func (c Club) mayManage(by Caller) error {
	if by.Teacher || by.Account == c.Head {
		return nil
	}
	return fault.Deniedf("not allowed: %s is not the head of the club %s", by.Account, c.Name)
}

// mayRemove returns nil if a caller may end the membership of a student.
func (c Club) mayRemove(by Caller, student string) error {
	if student == by.Account {
		return nil
	}
	return c.mayManage(by)
}

func notFound(id string) error {
	return fault.WithResource(fault.NotFoundf("club %s not found", id), "club", id)
}

func recruitmentNotFound(id string) error {
	return fault.WithResource(fault.NotFoundf("recruitment %s not found", id), "recruitment", id)
}
