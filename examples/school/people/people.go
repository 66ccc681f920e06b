// Package people is the copy of the accounts that each service of the school keeps in its own
// database, from the events of the auth service: who the students, parents and teachers are.
package people

import (
	"context"
	"database/sql"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// The types of the events from which the copy is made.
const (
	Approved = "school.auth.account_approved"
	Changed  = "school.auth.account_changed"
)

// The roles of persons, as in tokens.
const (
	Student     = "student"
	Parent      = "parent"
	Teacher     = "teacher"
	HeadTeacher = "head_teacher"
)

// A Person is a person with an approved account.
type Person struct {
	ID, Role, Name       string
	Grade, Class, Number int // 0 for none
}

// A statement is the same in both dialects.
const schema = `
CREATE TABLE IF NOT EXISTS people (
	id     TEXT   NOT NULL PRIMARY KEY,
	role   TEXT   NOT NULL,
	name   TEXT   NOT NULL,
	grade  BIGINT NOT NULL,
	class  BIGINT NOT NULL,
	number BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS people_class ON people (grade, class, role);
CREATE TABLE IF NOT EXISTS parents (
	child  TEXT NOT NULL,
	parent TEXT NOT NULL,
	PRIMARY KEY (child, parent)
)`

// Migrate creates the tables of the copy unless they exist.
func Migrate(ctx context.Context, db *database.Database) error {
	return db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		for statement := range strings.SplitSeq(schema, ";") {
			if _, err := t.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// Store stores the person of an event of type Approved or Changed. Data that is not valid is
// fault.ErrInvalid.
func Store(ctx context.Context, t *database.Tx, e stream.Event) error {
	var data eventv1.AccountApproved
	if err := protojson.Unmarshal(e.Data, &data); err != nil {
		return fault.Invalidf("data of %s: %w", e.Type, err)
	}
	_, err := t.Exec(ctx, `INSERT INTO people (id, role, name, grade, class, number) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET role = excluded.role, name = excluded.name, grade = excluded.grade, class = excluded.class, number = excluded.number`,
		data.GetId(), data.GetRole(), data.GetName(), data.GetGrade(), data.GetClass(), data.GetNumber())
	if err != nil {
		return err
	}
	if _, err := t.Exec(ctx, "DELETE FROM parents WHERE parent = ?", data.GetId()); err != nil {
		return err
	}
	for _, child := range data.GetChildren() {
		if _, err := t.Exec(ctx, "INSERT INTO parents (child, parent) VALUES (?, ?)", child, data.GetId()); err != nil {
			return err
		}
	}
	return nil
}

// Find returns a person, or fault.ErrNotFound.
func Find(ctx context.Context, t *database.Tx, id string) (Person, error) {
	all, err := query(ctx, t, "WHERE id = ?", id)
	if err == nil && len(all) == 0 {
		err = fault.WithResource(fault.NotFoundf("account %s not found", id), "account", id)
	}
	if err != nil {
		return Person{}, err
	}
	return all[0], nil
}

// ParentsOf returns the parents of a student, by id.
func ParentsOf(ctx context.Context, t *database.Tx, student string) ([]Person, error) {
	return query(ctx, t, "WHERE id IN (SELECT parent FROM parents WHERE child = ?) ORDER BY id", student)
}

// ChildrenOf returns the children of a parent, by id.
func ChildrenOf(ctx context.Context, t *database.Tx, parent string) ([]Person, error) {
	return query(ctx, t, "WHERE id IN (SELECT child FROM parents WHERE parent = ?) ORDER BY id", parent)
}

// HomeroomTeachers returns the homeroom teacher of a class, or the head teachers if it has none, by id.
func HomeroomTeachers(ctx context.Context, t *database.Tx, grade, class int) ([]Person, error) {
	all, err := query(ctx, t, "WHERE role = 'teacher' AND grade = ? AND class = ? ORDER BY id", grade, class)
	if err != nil || len(all) > 0 {
		return all, err
	}
	return query(ctx, t, "WHERE role = 'head_teacher' ORDER BY id")
}

func query(ctx context.Context, t *database.Tx, condition string, args ...any) ([]Person, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, p *Person) error {
		return rows.Scan(&p.ID, &p.Role, &p.Name, &p.Grade, &p.Class, &p.Number)
	}, "SELECT id, role, name, grade, class, number FROM people "+condition, args...)
}
