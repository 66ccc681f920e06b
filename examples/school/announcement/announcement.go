// Package announcement keeps the announcements of the school and of clubs, and who has read them.
package announcement

import (
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// A Kind is whose an announcement is.
type Kind string

// The kinds.
const (
	School Kind = "school"
	Club   Kind = "club"
)

// A Set holds grades or classes; an empty one stands for all.
type Set int

// setOf returns the set of some numbers.
func setOf(numbers []int32) (s Set) {
	for _, n := range numbers {
		s |= 1 << n
	}
	return s
}

// Numbers returns the numbers of a set, sorted; none for all.
func (s Set) Numbers() (numbers []int32) {
	for n := int32(1); n < 8; n++ {
		if s&(1<<n) != 0 {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// An Announcement is an announcement.
type Announcement struct {
	ID               string
	Kind             Kind
	Club             string // the id of the club; empty for the school
	Writer           string // an account
	WriterName       string // of the writer, or of the club
	Title, Content   string
	Grades, Classes  Set // that it is for
	Created, Updated time.Time
	Readers          int
	Read             bool // by who looks
}

const grades = 3 // of the school

// Groups returns the groups of Bongsu's directory whom an announcement is for.
func (a Announcement) Groups() (groups []string) {
	switch {
	case a.Grades == 0 && a.Classes == 0:
		return []string{"students"}
	case a.Classes == 0:
		for _, grade := range a.Grades.Numbers() {
			groups = append(groups, fmt.Sprintf("grade-%d", grade))
		}
		return groups
	}
	for grade := int32(1); grade <= grades; grade++ {
		for _, class := range a.Classes.Numbers() {
			if a.Grades == 0 || a.Grades&(1<<grade) != 0 {
				groups = append(groups, fmt.Sprintf("class-%d-%d", grade, class))
			}
		}
	}
	return groups
}

func notFound(id string) error {
	return fault.WithResource(fault.NotFoundf("announcement %s not found", id), "announcement", id)
}
