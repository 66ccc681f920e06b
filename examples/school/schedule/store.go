package schedule

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"

	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/kit/database"
)

//go:embed migrations
var migrations embed.FS

// Schema is the schema of the store.
var Schema = database.Schema{Name: "schedule", Application: "school", Migrations: migrations}

// A Store keeps the timetable and the calendar in a database, with a copy of the accounts. It is safe for
// concurrent use.
type Store struct{ db *database.Database }

// Person returns a person, or fault.ErrNotFound.
func (s *Store) Person(ctx context.Context, id string) (p people.Person, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		p, err = people.Find(ctx, t, id)
		return err
	})
	return p, err
}

// Days returns the days of a class that have lessons, in order.
func (s *Store) Days(ctx context.Context, grade, class int, from, to string) (days []Day, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		days, err = database.Select(ctx, t, func(rows *sql.Rows, d *Day) error {
			var lessons string
			if err := rows.Scan(&d.Date, &d.Grade, &d.Class, &lessons); err != nil {
				return err
			}
			return json.Unmarshal([]byte(lessons), &d.Lessons)
		}, "SELECT date, grade, class, lessons FROM days WHERE grade = ? AND class = ? AND date BETWEEN ? AND ? ORDER BY date", grade, class, from, to)
		return err
	})
	return days, err
}

// SetDays replaces the lessons of days; a day without lessons is deleted.
func (s *Store) SetDays(ctx context.Context, days ...Day) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		for _, d := range days {
			if len(d.Lessons) == 0 {
				if _, err := t.Exec(ctx, "DELETE FROM days WHERE grade = ? AND class = ? AND date = ?", d.Grade, d.Class, d.Date); err != nil {
					return err
				}
				continue
			}
			lessons, err := json.Marshal(d.Lessons)
			if err != nil {
				return err
			}
			_, err = t.Exec(ctx, `INSERT INTO days (date, grade, class, lessons) VALUES (?, ?, ?, ?)
				ON CONFLICT (grade, class, date) DO UPDATE SET lessons = excluded.lessons`, d.Date, d.Grade, d.Class, string(lessons))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// A Query selects entries of the calendar.
type Query struct {
	From, To string // entries overlap these days
	Text     string // the text contains it; empty for all
	After    Cursor
	Limit    int
}

// A Cursor is the place of an entry in a list.
type Cursor struct{ From, ID string }

// Entries returns entries after a cursor, by their first day.
func (s *Store) Entries(ctx context.Context, q Query) (all []Entry, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = database.Select(ctx, t, func(rows *sql.Rows, e *Entry) error { return rows.Scan(&e.ID, &e.Text, &e.From, &e.To, &e.Writer) },
			`SELECT id, text, first_day, last_day, writer FROM entries
			WHERE first_day <= ? AND last_day >= ? AND lower(text) LIKE ? ESCAPE '\' AND (first_day, id) > (?, ?)
			ORDER BY first_day, id LIMIT ?`, q.To, q.From, database.Contains(q.Text), q.After.From, q.After.ID, q.Limit)
		return err
	})
	return all, err
}

// AddEntry stores a new entry.
func (s *Store) AddEntry(ctx context.Context, e Entry) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, "INSERT INTO entries (id, text, first_day, last_day, writer) VALUES (?, ?, ?, ?, ?)", e.ID, e.Text, e.From, e.To, e.Writer)
		return err
	})
}

// SetEntry replaces an entry, or returns fault.ErrNotFound.
func (s *Store) SetEntry(ctx context.Context, e Entry) error {
	return s.change(ctx, e.ID, "UPDATE entries SET text = ?, first_day = ?, last_day = ?, writer = ? WHERE id = ?", e.Text, e.From, e.To, e.Writer, e.ID)
}

// DeleteEntry deletes an entry, or returns fault.ErrNotFound.
func (s *Store) DeleteEntry(ctx context.Context, id string) error {
	return s.change(ctx, id, "DELETE FROM entries WHERE id = ?", id)
}

func (s *Store) change(ctx context.Context, id, text string, args ...any) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		n, err := t.Exec(ctx, text, args...)
		if err == nil && n == 0 {
			err = notFound(id)
		}
		return err
	})
}
