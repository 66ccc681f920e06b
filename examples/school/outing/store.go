package outing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"embed"
	"errors"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/event"
	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/stream"
)

//go:embed migrations
var migrations embed.FS

// Schema is the schema of the store.
var Schema = database.Schema{Name: "outing", Application: "school", Migrations: migrations}

// A Store keeps outings in a database, with a copy of the accounts. It is safe for concurrent use.
type Store struct {
	db     *database.Database
	outbox *stream.Outbox
	linkTo string // the URL before the text of a link
	now    func() time.Time
}

const columns = `id, student, student_name, grade, class, number, state, emergency, start_time, end_time, place, reason,
	create_time, leave_time, return_time, parent, teacher, comment, request_hash`

func scan(rows *sql.Rows, o *Outing) error {
	var emergency int
	var start, end, created, left, returned int64
	var hash []byte
	err := rows.Scan(&o.ID, &o.Student, &o.StudentName, &o.Grade, &o.Class, &o.Number, &o.State, &emergency, &start, &end, &o.Place, &o.Reason,
		&created, &left, &returned, &o.Parent, &o.Teacher, &o.Comment, &hash)
	o.Emergency, o.requestHash = emergency == 1, string(hash)
	o.Start, o.End, o.Created, o.Left, o.Returned = moment(start), moment(end), moment(created), moment(left), moment(returned)
	return err
}

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Request stores the request of a student, and publishes it to those who decide first. A request with the
// idempotency key of an earlier one returns that outing. It returns fault.ErrExists for the second
// outing of a day, and for another request under the same key.
func (s *Store) Request(ctx context.Context, o Outing) (Outing, error) {
	err := s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		student, err := people.Find(ctx, t, o.Student)
		if err != nil {
			return err
		}
		o.StudentName, o.Grade, o.Class, o.Number = student.Name, student.Grade, student.Class, student.Number
		parents, err := people.ParentsOf(ctx, t, o.Student)
		if err != nil {
			return err
		}
		if o.State = Requested; o.Emergency || len(parents) == 0 {
			o.State = ParentApproved
		}
		if err := insert(ctx, t, o); err != nil {
			return err
		}
		if err := event.Add(ctx, s.outbox, t, s.changed("school.outing.requested", o, o.Student)); err != nil {
			return err
		}
		return s.askDeciders(ctx, t, o)
	})
	if database.IsUniqueViolation(err) {
		return s.earlier(ctx, o)
	}
	s.outbox.Wake()
	return o, err
}

func insert(ctx context.Context, t *database.Tx, o Outing) error {
	_, err := t.Exec(ctx, `INSERT INTO outings (id, student, student_name, grade, class, number, state, emergency, day, start_time, end_time, place, reason,
			create_time, leave_time, return_time, parent, teacher, comment, idempotency_key, request_hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', '', '', ?, ?)`,
		o.ID, o.Student, o.StudentName, o.Grade, o.Class, o.Number, string(o.State), flag(o.Emergency), o.Day(), micros(o.Start), micros(o.End),
		o.Place, o.Reason, micros(o.Created), o.IdempotencyKey, []byte(o.requestHash))
	return err
}

// earlier returns the outing with the idempotency key of o, or fault.ErrExists.
func (s *Store) earlier(ctx context.Context, o Outing) (Outing, error) {
	all, err := s.list(ctx, "WHERE student = ? AND idempotency_key = ? AND idempotency_key <> ''", o.Student, o.IdempotencyKey)
	switch {
	case err != nil:
		return Outing{}, err
	case len(all) == 0:
		return Outing{}, fault.Existsf("%s has an outing on %s", o.Student, o.Day())
	case all[0].requestHash != o.requestHash:
		return Outing{}, fault.WithField(fault.Existsf("the idempotency key was used for another request"), "idempotency_key")
	default:
		return all[0], nil
	}
}

// A Viewer is who looks at outings: a student sees the own ones, a parent those of the children, others
// all.
type Viewer struct{ Account, Role string }

func (v Viewer) condition() (string, []any) {
	switch v.Role {
	case people.Student:
		return "student = ?", []any{v.Account}
	case people.Parent:
		return "student IN (SELECT child FROM parents WHERE parent = ?)", []any{v.Account}
	default:
		return "1 = 1", nil
	}
}

// Outing returns an outing that a viewer sees, or fault.ErrNotFound.
func (s *Store) Outing(ctx context.Context, v Viewer, id string) (Outing, error) {
	condition, args := v.condition()
	all, err := s.list(ctx, "WHERE id = ? AND "+condition, append([]any{id}, args...)...)
	if err == nil && len(all) == 0 {
		err = notFound(id)
	}
	if err != nil {
		return Outing{}, err
	}
	return all[0], nil
}

// A Query selects outings that a viewer sees; a zero field selects all.
type Query struct {
	Viewer       Viewer
	State        State
	Student      string
	Grade, Class int
	Day          string
	Text         string // place, reason or student contain it
	After        Cursor
	Limit        int
}

// A Cursor is the place of an outing in a list.
type Cursor struct {
	Created int64 // microseconds
	ID      string
}

// Outings returns the newest outings before a cursor.
func (s *Store) Outings(ctx context.Context, q Query) ([]Outing, error) {
	condition, args := q.Viewer.condition()
	conditions := []string{condition}
	add := func(condition string, values ...any) {
		conditions, args = append(conditions, condition), append(args, values...)
	}
	if q.State != "" {
		add("state = ?", string(q.State))
	}
	if q.Student != "" {
		add("student = ?", q.Student)
	}
	if q.Grade > 0 {
		add("grade = ?", q.Grade)
	}
	if q.Class > 0 {
		add("class = ?", q.Class)
	}
	if q.Day != "" {
		add("day = ?", q.Day)
	}
	if q.Text != "" {
		pattern := database.Contains(q.Text)
		add(`(lower(place) LIKE ? ESCAPE '\' OR lower(reason) LIKE ? ESCAPE '\' OR lower(student_name) LIKE ? ESCAPE '\' OR student LIKE ? ESCAPE '\')`, pattern, pattern, pattern, pattern)
	}
	if q.After.ID != "" {
		add("(create_time, id) < (?, ?)", q.After.Created, q.After.ID)
	}
	return s.list(ctx, "WHERE "+strings.Join(conditions, " AND ")+" ORDER BY create_time DESC, id DESC LIMIT ?", append(args, q.Limit)...)
}

func (s *Store) list(ctx context.Context, condition string, args ...any) (all []Outing, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = database.Select(ctx, t, scan, "SELECT "+columns+" FROM outings "+condition, args...)
		return err
	})
	return all, err
}

// A Step is an action of somebody.
type Step struct {
	Action  Action
	By      Viewer
	Comment string
}

// Do does a step, after earlier ones of the same outing. It returns fault.ErrNotFound for an
// outing that the actor does not see, and fault.ErrPrecondition where the state does not allow the step.
func (s *Store) Do(ctx context.Context, id string, step Step) (o Outing, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		o, err = s.do(ctx, t, id, step)
		return err
	})
	s.outbox.Wake()
	return o, err
}

func (s *Store) do(ctx context.Context, t *database.Tx, id string, step Step) (Outing, error) {
	// The update locks the row until the commit.
	if _, err := t.Exec(ctx, "UPDATE outings SET state = state WHERE id = ?", id); err != nil {
		return Outing{}, err
	}
	condition, args := step.By.condition()
	all, err := database.Select(ctx, t, scan, "SELECT "+columns+" FROM outings WHERE id = ? AND "+condition, append([]any{id}, args...)...)
	if err == nil && len(all) == 0 {
		err = notFound(id)
	}
	if err != nil {
		return Outing{}, err
	}
	o := all[0]
	if err := o.apply(step, s.now()); err != nil {
		return Outing{}, err
	}
	_, err = t.Exec(ctx, "UPDATE outings SET state = ?, leave_time = ?, return_time = ?, parent = ?, teacher = ?, comment = ? WHERE id = ?",
		string(o.State), micros(o.Left), micros(o.Returned), o.Parent, o.Teacher, o.Comment, id)
	if err != nil {
		return Outing{}, err
	}
	if err := event.Add(ctx, s.outbox, t, s.changed(eventType(o.State), o, step.By.Account)); err != nil {
		return Outing{}, err
	}
	if err := s.endLinks(ctx, t, o); err != nil {
		return Outing{}, err
	}
	return o, s.askDeciders(ctx, t, o)
}

// apply changes the outing by a step.
func (o *Outing) apply(step Step, now time.Time) error {
	after, err := o.State.next(step.Action)
	if err != nil {
		return err
	}
	switch step.Action {
	case ParentApproves, ParentRefuses:
		o.Parent, o.Comment = step.By.Account, step.Comment
	case TeacherApproves, TeacherRefuses:
		o.Teacher, o.Comment = step.By.Account, step.Comment
	case Start:
		if err := o.checkLeave(now); err != nil {
			return err
		}
		o.Left = now
	case End:
		o.Returned = now
	case Cancel, Expire:
	}
	o.State = after
	return nil
}

// Expire ends outings whose end passed before the student left, at most limit, and returns their number.
func (s *Store) Expire(ctx context.Context, limit int) (int, error) {
	due, err := s.list(ctx, "WHERE state IN ('requested', 'parent_approved', 'approved') AND end_time <= ? ORDER BY end_time LIMIT ?", micros(s.now()), limit)
	if err != nil {
		return 0, err
	}
	for _, o := range due {
		if _, err := s.Do(ctx, o.ID, Step{Action: Expire}); err != nil && !errors.Is(err, fault.ErrPrecondition) { // another process was faster
			return 0, err
		}
	}
	return len(due), nil
}

// askDeciders makes a link for each person who decides in the state of an outing, and publishes it.
func (s *Store) askDeciders(ctx context.Context, t *database.Tx, o Outing) error {
	var deciders []people.Person
	var role string
	var err error
	switch o.State {
	case Requested:
		role = people.Parent
		deciders, err = people.ParentsOf(ctx, t, o.Student)
	case ParentApproved:
		role = people.Teacher
		deciders, err = people.HomeroomTeachers(ctx, t, o.Grade, o.Class)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range deciders {
		link := rand.Text() + rand.Text()
		_, err := t.Exec(ctx, "INSERT INTO outing_links (hash, outing, account, role, expire_time, used) VALUES (?, ?, ?, ?, ?, 0)",
			digest(link), o.ID, p.ID, role, micros(o.End))
		if err != nil {
			return err
		}
		if err := event.Add(ctx, s.outbox, t, decisionRequested(o, p.ID, role, s.linkTo+link)); err != nil {
			return err
		}
	}
	return nil
}

// endLinks uses up the links of an outing, and publishes that the decisions are not needed.
func (s *Store) endLinks(ctx context.Context, t *database.Tx, o Outing) error {
	asked, err := database.Select(ctx, t, func(rows *sql.Rows, account *string) error { return rows.Scan(account) },
		"SELECT account FROM outing_links WHERE outing = ? AND used = 0 ORDER BY account", o.ID)
	if err != nil || len(asked) == 0 {
		return err
	}
	if _, err := t.Exec(ctx, "UPDATE outing_links SET used = 1 WHERE outing = ? AND used = 0", o.ID); err != nil {
		return err
	}
	for _, account := range asked {
		if err := event.Add(ctx, s.outbox, t, decisionMade(o, account)); err != nil {
			return err
		}
	}
	return nil
}

// A link is a link in a message.
type link struct {
	outing, account, role string
	expiry                int64
	used                  int
}

var errLink = fault.WithReason(fault.Unauthenticatedf("the link is wrong, used or expired"), "LINK_NOT_VALID")

func (s *Store) findLink(ctx context.Context, t *database.Tx, text string) (link, error) {
	found, err := database.Select(ctx, t, func(rows *sql.Rows, l *link) error {
		return rows.Scan(&l.outing, &l.account, &l.role, &l.expiry, &l.used)
	},
		"SELECT outing, account, role, expire_time, used FROM outing_links WHERE hash = ?", digest(text))
	if err != nil {
		return link{}, err
	}
	if len(found) == 0 || found[0].used > 0 || found[0].expiry <= micros(s.now()) {
		return link{}, errLink
	}
	return found[0], nil
}

// ByLink returns the outing of a link and the account that decides by it, or fault.ErrUnauthenticated.
func (s *Store) ByLink(ctx context.Context, text string) (o Outing, account string, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		l, err := s.findLink(ctx, t, text)
		if err != nil {
			return err
		}
		all, err := database.Select(ctx, t, scan, "SELECT "+columns+" FROM outings WHERE id = ?", l.outing)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return errLink
		}
		o, account = all[0], l.account
		return nil
	})
	return o, account, err
}

// DecideByLink approves or refuses by a link, as whom the link is for.
func (s *Store) DecideByLink(ctx context.Context, text string, approve bool, comment string) (o Outing, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		l, err := s.findLink(ctx, t, text)
		if err != nil {
			return err
		}
		o, err = s.do(ctx, t, l.outing, Step{decision(l.role, approve), Viewer{l.account, l.role}, comment})
		return err
	})
	s.outbox.Wake()
	return o, err
}

// decision returns the action of a person with a role.
func decision(role string, approve bool) Action {
	switch {
	case role == people.Parent && approve:
		return ParentApproves
	case role == people.Parent:
		return ParentRefuses
	case approve:
		return TeacherApproves
	default:
		return TeacherRefuses
	}
}

func digest(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
