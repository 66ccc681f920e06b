package club

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"strings"

	"github.com/bongsu-project/bongsu/examples/school/event"
	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/stream"
)

//go:embed migrations
var migrations embed.FS

// Schema is the schema of the store.
var Schema = database.Schema{Name: "club", Application: "school", Migrations: migrations}

// A Store keeps clubs in a database, with a copy of the accounts. It is safe for concurrent use.
type Store struct {
	db     *database.Database
	outbox *stream.Outbox
}

const clubColumns = `id, head, name, concept, introduction, field, location, floor, link,
	(SELECT count(*) FROM members WHERE members.club = clubs.id)`

func scanClub(rows *sql.Rows, c *Club) error {
	return rows.Scan(&c.ID, &c.Head, &c.Name, &c.Concept, &c.Introduction, &c.Field, &c.Location, &c.Floor, &c.Link, &c.MemberCount)
}

// find returns a club, or fault.ErrNotFound. With lock others wait with it until the commit.
func find(ctx context.Context, t *database.Tx, id string, lock bool) (Club, error) {
	if lock {
		if _, err := t.Exec(ctx, "UPDATE clubs SET head = head WHERE id = ?", id); err != nil {
			return Club{}, err
		}
	}
	all, err := database.Select(ctx, t, scanClub, "SELECT "+clubColumns+" FROM clubs WHERE id = ?", id)
	if err == nil && len(all) == 0 {
		err = notFound(id)
	}
	if err != nil {
		return Club{}, err
	}
	return all[0], nil
}

// Create stores a new club with its head as a member. It returns fault.ErrInvalid for a head that is no
// student, and fault.ErrExists with the field that another club has.
func (s *Store) Create(ctx context.Context, c Club) (Club, error) {
	return s.set(ctx, c, func(ctx context.Context, t *database.Tx) error {
		if err := checkStudent(ctx, t, "head", c.Head); err != nil {
			return err
		}
		_, err := t.Exec(ctx, `INSERT INTO clubs (id, head, name, concept, introduction, field, location, floor, link) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			c.ID, c.Head, c.Name, c.Concept, c.Introduction, c.Field, c.Location, c.Floor, c.Link)
		if err != nil {
			return err
		}
		_, err = t.Exec(ctx, "INSERT INTO members (club, student) VALUES (?, ?)", c.ID, c.Head)
		return err
	}, "created")
}

// Update replaces the description of a club. It returns fault.ErrNotFound, fault.ErrDenied, or
// fault.ErrExists as Create.
func (s *Store) Update(ctx context.Context, c Club, by Caller) (Club, error) {
	return s.set(ctx, c, func(ctx context.Context, t *database.Tx) error {
		before, err := find(ctx, t, c.ID, true)
		if err != nil {
			return err
		}
		if err := before.mayManage(by); err != nil {
			return err
		}
		_, err = t.Exec(ctx, `UPDATE clubs SET name = ?, concept = ?, introduction = ?, field = ?, location = ?, floor = ?, link = ? WHERE id = ?`,
			c.Name, c.Concept, c.Introduction, c.Field, c.Location, c.Floor, c.Link, c.ID)
		return err
	}, "changed")
}

// set writes a club, publishes it and returns it as it is stored.
func (s *Store) set(ctx context.Context, c Club, write func(context.Context, *database.Tx) error, what string) (stored Club, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if err := write(ctx, t); err != nil {
			return err
		}
		stored, err = s.publish(ctx, t, c.ID, what)
		return err
	})
	if database.IsUniqueViolation(err) {
		return Club{}, s.taken(ctx, c)
	}
	s.outbox.Wake()
	return stored, err
}

// publish publishes a club as it is stored, and returns it.
func (s *Store) publish(ctx context.Context, t *database.Tx, id, what string) (Club, error) {
	c, err := find(ctx, t, id, false)
	if err != nil {
		return Club{}, err
	}
	members, err := members(ctx, t, id)
	if err != nil {
		return Club{}, err
	}
	return c, event.Add(ctx, s.outbox, t, clubEvent(what, c, members))
}

// taken returns fault.ErrExists with the field of a club that another one has.
func (s *Store) taken(ctx context.Context, c Club) error {
	var others []Club
	err := s.db.Read(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		others, err = database.Select(ctx, t, scanClub, "SELECT "+clubColumns+" FROM clubs WHERE id <> ? AND (name = ? OR location = ? OR head = ?)", c.ID, c.Name, c.Location, c.Head)
		return err
	})
	if err != nil {
		return err
	}
	for _, other := range others {
		switch {
		case other.Name == c.Name:
			return fault.WithField(fault.Existsf("a club has the name %s", c.Name), "name")
		case other.Location == c.Location:
			return fault.WithField(fault.Existsf("the club %s has the location %s", other.Name, c.Location), "location")
		}
	}
	return fault.WithField(fault.Existsf("%s is the head of another club", c.Head), "head")
}

func checkStudent(ctx context.Context, t *database.Tx, field, id string) error {
	p, err := people.Find(ctx, t, id)
	if errors.Is(err, fault.ErrNotFound) || err == nil && p.Role != people.Student {
		return fault.InvalidField(field, "%s is not the account of a student", id)
	}
	return err
}

// Club returns a club with its members, or fault.ErrNotFound.
func (s *Store) Club(ctx context.Context, id string) (c Club, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		if c, err = find(ctx, t, id, false); err != nil {
			return err
		}
		c.Members, err = database.Select(ctx, t, func(rows *sql.Rows, p *people.Person) error {
			return rows.Scan(&p.ID, &p.Name, &p.Grade, &p.Class, &p.Number)
		}, `SELECT m.student, coalesce(p.name, ''), coalesce(p.grade, 0), coalesce(p.class, 0), coalesce(p.number, 0)
			FROM members m LEFT JOIN people p ON p.id = m.student WHERE m.club = ? ORDER BY 3, 4, 5, 1`, id)
		return err
	})
	return c, err
}

// members returns the accounts of the members of a club, sorted.
func members(ctx context.Context, t *database.Tx, id string) ([]string, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, student *string) error { return rows.Scan(student) },
		"SELECT student FROM members WHERE club = ? ORDER BY student", id)
}

// A Query selects clubs; a zero field selects all.
type Query struct {
	Text  string // name or concept contain it
	Field string
	Floor int
	After Cursor
	Limit int
}

// A Cursor is the place of a club in a list.
type Cursor struct{ Name, ID string }

// Clubs returns clubs after a cursor, by name.
func (s *Store) Clubs(ctx context.Context, q Query) (all []Club, err error) {
	conditions, args := []string{"(name, id) > (?, ?)"}, []any{q.After.Name, q.After.ID}
	if q.Text != "" {
		pattern := database.Contains(q.Text)
		conditions = append(conditions, `(lower(name) LIKE ? ESCAPE '\' OR lower(concept) LIKE ? ESCAPE '\')`)
		args = append(args, pattern, pattern)
	}
	if q.Field != "" {
		conditions, args = append(conditions, "field = ?"), append(args, q.Field)
	}
	if q.Floor > 0 {
		conditions, args = append(conditions, "floor = ?"), append(args, q.Floor)
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = database.Select(ctx, t, scanClub,
			"SELECT "+clubColumns+" FROM clubs WHERE "+strings.Join(conditions, " AND ")+" ORDER BY name, id LIMIT ?", append(args, q.Limit)...)
		return err
	})
	return all, err
}

// Delete deletes a club with its members and recruitments, or returns fault.ErrNotFound.
func (s *Store) Delete(ctx context.Context, id string) error {
	err := s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := s.publish(ctx, t, id, "deleted"); err != nil {
			return err
		}
		_, err := t.Exec(ctx, "DELETE FROM clubs WHERE id = ?", id)
		return err
	})
	s.outbox.Wake()
	return err
}

// AddMember makes a student a member. It returns fault.ErrNotFound, fault.ErrDenied, or
// fault.ErrInvalid for an account that is no student.
func (s *Store) AddMember(ctx context.Context, id, student string, by Caller) (Club, error) {
	return s.set(ctx, Club{ID: id}, func(ctx context.Context, t *database.Tx) error {
		c, err := find(ctx, t, id, true)
		if err != nil {
			return err
		}
		if err := c.mayManage(by); err != nil {
			return err
		}
		if err := checkStudent(ctx, t, "student", student); err != nil {
			return err
		}
		_, err = t.Exec(ctx, "INSERT INTO members (club, student) VALUES (?, ?) ON CONFLICT DO NOTHING", id, student)
		return err
	}, "changed")
}

// RemoveMember ends a membership. It returns fault.ErrNotFound without the club or the member,
// fault.ErrDenied, or fault.ErrPrecondition for the head.
func (s *Store) RemoveMember(ctx context.Context, id, student string, by Caller) (Club, error) {
	return s.set(ctx, Club{ID: id}, func(ctx context.Context, t *database.Tx) error {
		c, err := find(ctx, t, id, true)
		if err != nil {
			return err
		}
		if err := c.mayRemove(by, student); err != nil {
			return err
		}
		if student == c.Head {
			return fault.Preconditionf("%s is the head of the club", student)
		}
		n, err := t.Exec(ctx, "DELETE FROM members WHERE club = ? AND student = ?", id, student)
		if err == nil && n == 0 {
			err = fault.WithResource(fault.NotFoundf("%s is not a member of the club", student), "member", student)
		}
		return err
	}, "changed")
}
