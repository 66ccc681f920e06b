// Package schedule keeps the timetable of classes and the calendar of the school.
package schedule

import (
	"context"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	maxDays       = 31 // of a request for the timetable
	maxImportDays = 62 // of an import
	grades        = 3
	classes       = 4
	maxLessons    = 7  // of a day
	maxSubject    = 20 // characters
)

// A Day holds the lessons of a class on a day.
type Day struct {
	Date         string
	Grade, Class int
	Lessons      []string // the first period first; empty for a free one
}

// An Entry is an entry of the calendar.
type Entry struct {
	ID, Text, From, To string
	Writer             string // an account
}

// A TimetableSource is where the lessons of classes are planned.
type TimetableSource interface {
	// Lessons returns the lessons of a class on a day, none for a day without. Its calls may be
	// concurrent.
	Lessons(ctx context.Context, grade, class int, date string) ([]string, error)
}

func notFound(id string) error {
	return fault.WithResource(fault.NotFoundf("entry %s not found", id), "entry", id)
}
