// Package outing keeps the outings of students: a student requests one, a parent and a teacher decide, the
// student leaves and is back.
package outing

import (
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/seoul"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// A State is the state of an outing.
type State string

// The states.
const (
	Requested      State = "requested"       // waits for the parent
	ParentApproved State = "parent_approved" // waits for a teacher
	ParentRefused  State = "parent_refused"
	Approved       State = "approved"
	TeacherRefused State = "teacher_refused"
	Out            State = "out"
	Returned       State = "returned"
	Canceled       State = "canceled"
	Expired        State = "expired"
)

// An Action is what somebody does about an outing.
type Action string

// The actions, by who does them.
const (
	ParentApproves  Action = "the parent approves"
	ParentRefuses   Action = "the parent refuses"
	TeacherApproves Action = "a teacher approves"
	TeacherRefuses  Action = "a teacher refuses"
	Start           Action = "the student leaves"
	End             Action = "the student is back"
	Cancel          Action = "the student withdraws"
	Expire          Action = "the end passes"
)

// transitions has the next state for each state and action; other pairs are not allowed.
var transitions = map[State]map[Action]State{
	Requested:      {ParentApproves: ParentApproved, ParentRefuses: ParentRefused, Cancel: Canceled, Expire: Expired},
	ParentApproved: {TeacherApproves: Approved, TeacherRefuses: TeacherRefused, Cancel: Canceled, Expire: Expired},
	Approved:       {Start: Out, Cancel: Canceled, Expire: Expired},
	Out:            {End: Returned},
}

// next returns the state after an action, or fault.ErrPrecondition.
func (s State) next(a Action) (State, error) {
	after, ok := transitions[s][a]
	if !ok {
		return "", fault.WithReason(fault.Preconditionf("the outing is %s: %s is not possible", s, a), "OUTING_STATE")
	}
	return after, nil
}

// An Outing is an outing of a student.
type Outing struct {
	ID, Student, StudentName    string
	Grade, Class, Number        int
	State                       State
	Emergency                   bool
	Start, End, Created         time.Time
	Left, Returned              time.Time // zero before
	Place, Reason               string
	Parent, Teacher, Comment    string // of the decision
	IdempotencyKey, requestHash string
}

// Day returns the day of the outing in Seoul, such as 2026-03-02.
func (o Outing) Day() string { return seoul.Day(o.Start) }

// Late reports whether the student was back after the end, or is out after it.
func (o Outing) Late(now time.Time) bool {
	switch o.State {
	case Out:
		return now.After(o.End)
	case Returned:
		return o.Returned.After(o.End)
	default:
		return false
	}
}

// Summary returns the outing in a line for messages.
func (o Outing) Summary() string {
	return fmt.Sprintf("%d학년 %d반 %d번 %s, %s~%s, %s (%s)", o.Grade, o.Class, o.Number, o.StudentName,
		o.Start.In(seoul.Zone).Format("15:04"), o.End.In(seoul.Zone).Format("15:04"), o.Place, o.Reason)
}

// clockSkew is how much earlier than now an outing may start: the clock of the student's device may
// differ.
const clockSkew = time.Minute

// check returns fault.ErrInvalid, with the field, for times that an outing cannot have.
func (o Outing) check(now time.Time) error {
	today := seoul.Day(now)
	switch {
	case o.Start.Before(now.Add(-clockSkew)):
		return fault.InvalidField("start_time", "is past")
	case o.Day() != today:
		return fault.InvalidField("start_time", "is not today")
	case !o.End.After(o.Start):
		return fault.InvalidField("end_time", "is not after start_time")
	case seoul.Day(o.End) != today:
		return fault.InvalidField("end_time", "is not today")
	default:
		return nil
	}
}

// checkLeave returns fault.ErrPrecondition outside the time of the outing.
func (o Outing) checkLeave(now time.Time) error {
	if now.Before(o.Start) {
		return fault.Preconditionf("the outing begins at %s", o.Start.In(seoul.Zone).Format("15:04"))
	}
	if !now.Before(o.End) {
		return fault.Preconditionf("the outing was over at %s", o.End.In(seoul.Zone).Format("15:04"))
	}
	return nil
}

func notFound(id string) error {
	return fault.WithResource(fault.NotFoundf("outing %s not found", id), "outing", id)
}
