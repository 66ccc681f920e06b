package announcement

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/bongsu-project/bongsu/examples/school/event"
	"github.com/bongsu-project/bongsu/examples/school/people"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/stream"
)

//go:embed migrations
var migrations embed.FS

// Schema is the schema of the store.
var Schema = database.Schema{Name: "announcement", Application: "school", Migrations: migrations}

// A Store keeps announcements in a database, with a copy of the accounts and of the clubs. It is safe
// for concurrent use.
type Store struct {
	db     *database.Database
	outbox *stream.Outbox
}

// StoreClub stores the club of an event school.club.created, changed or deleted.
func StoreClub(ctx context.Context, t *database.Tx, e stream.Event) error {
	var data eventv1.ClubChanged
	if err := protojson.Unmarshal(e.Data, &data); err != nil {
		return fault.Invalidf("data of %s: %w", e.Type, err)
	}
	if e.Type == "school.club.deleted" {
		_, err := t.Exec(ctx, "DELETE FROM clubs WHERE id = ?", data.GetClubId())
		return err
	}
	_, err := t.Exec(ctx, `INSERT INTO clubs (id, name, head) VALUES (?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, head = excluded.head`, data.GetClubId(), data.GetName(), data.GetHead())
	return err
}

// A Viewer is who looks at announcements: a student sees the own ones and those for the own grade and
// class, others all.
type Viewer struct {
	Account string
	Student bool
}

// visible returns the condition of the announcements that a viewer sees.
func (s *Store) visible(ctx context.Context, t *database.Tx, v Viewer) (condition string, args []any, err error) {
	if !v.Student {
		return "1 = 1", nil, nil
	}
	p, err := people.Find(ctx, t, v.Account)
	if err != nil {
		return "", nil, err
	}
	return "(writer = ? OR (grades = 0 OR (grades & ?) <> 0) AND (classes = 0 OR (classes & ?) <> 0))", []any{v.Account, 1 << p.Grade, 1 << p.Class}, nil
}

// columns are those of an announcement; the one parameter is the account that looks.
const columns = `id, kind, club, writer, writer_name, title, content, grades, classes, create_time, update_time,
	(SELECT count(*) FROM readers WHERE readers.announcement = announcements.id),
	(SELECT count(*) FROM readers WHERE readers.announcement = announcements.id AND readers.account = ?)`

func scan(rows *sql.Rows, a *Announcement) error {
	var created, updated int64
	var read int
	err := rows.Scan(&a.ID, &a.Kind, &a.Club, &a.Writer, &a.WriterName, &a.Title, &a.Content, &a.Grades, &a.Classes, &created, &updated, &a.Readers, &read)
	a.Created, a.Updated, a.Read = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC(), read > 0
	return err
}

// list returns announcements that a viewer sees.
func (s *Store) list(ctx context.Context, t *database.Tx, v Viewer, condition string, args ...any) ([]Announcement, error) {
	visible, seen, err := s.visible(ctx, t, v)
	if err != nil {
		return nil, err
	}
	all := append([]any{v.Account}, seen...)
	return database.Select(ctx, t, scan, "SELECT "+columns+" FROM announcements WHERE "+visible+" AND "+condition, append(all, args...)...)
}

// Create stores a new announcement, and publishes it. One of a club must be by its head: otherwise it
// returns fault.ErrDenied.
func (s *Store) Create(ctx context.Context, a Announcement) (Announcement, error) {
	err := s.db.Write(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		if a.WriterName, err = writerName(ctx, t, a); err != nil {
			return err
		}
		_, err = t.Exec(ctx, `INSERT INTO announcements (id, kind, club, writer, writer_name, title, content, grades, classes, create_time, update_time)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			a.ID, string(a.Kind), a.Club, a.Writer, a.WriterName, a.Title, a.Content, int(a.Grades), int(a.Classes), a.Created.UnixMicro(), a.Updated.UnixMicro())
		if err != nil {
			return err
		}
		return event.Add(ctx, s.outbox, t, publishedEvent(a))
	})
	s.outbox.Wake()
	return a, err
}

// writerName returns the name of the club, or of the writer, whose account may be too new to be known.
func writerName(ctx context.Context, t *database.Tx, a Announcement) (string, error) {
	if a.Kind == School {
		p, err := people.Find(ctx, t, a.Writer)
		if errors.Is(err, fault.ErrNotFound) {
			return a.Writer, nil // the account is its name until then
		}
		return p.Name, err
	}
	names, err := database.Select(ctx, t, func(rows *sql.Rows, name *string) error { return rows.Scan(name) },
		"SELECT name FROM clubs WHERE id = ? AND head = ?", a.Club, a.Writer)
	if err == nil && len(names) == 0 {
		err = fault.Deniedf("not allowed: %s is not the head of this club", a.Writer)
	}
	if err != nil {
		return "", err
	}
	return names[0], nil
}

// A Query selects announcements that a viewer sees; a zero field selects all.
type Query struct {
	Kind         Kind
	Mine, Unread bool
	Text         string // title or content contain it
	After        Cursor
	Limit        int
}

// A Cursor is the place of an announcement in a list.
type Cursor struct {
	Created int64 // microseconds
	ID      string
}

// unread is the condition of the announcements that an account has neither written nor read; it is its
// two parameters.
const unread = "writer <> ? AND NOT EXISTS (SELECT 1 FROM readers WHERE readers.announcement = announcements.id AND readers.account = ?)"

// Announcements returns the newest announcements before a cursor.
func (s *Store) Announcements(ctx context.Context, v Viewer, q Query) (all []Announcement, err error) {
	conditions, args := []string{"1 = 1"}, []any(nil)
	add := func(condition string, values ...any) {
		conditions, args = append(conditions, condition), append(args, values...)
	}
	if q.Kind != "" {
		add("kind = ?", string(q.Kind))
	}
	if q.Mine {
		add("writer = ?", v.Account)
	}
	if q.Unread {
		add(unread, v.Account, v.Account)
	}
	if q.Text != "" {
		pattern := database.Contains(q.Text)
		add(`(lower(title) LIKE ? ESCAPE '\' OR lower(content) LIKE ? ESCAPE '\')`, pattern, pattern)
	}
	if q.After.ID != "" {
		add("(create_time, id) < (?, ?)", q.After.Created, q.After.ID)
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = s.list(ctx, t, v, strings.Join(conditions, " AND ")+" ORDER BY create_time DESC, id DESC LIMIT ?", append(args, q.Limit)...)
		return err
	})
	return all, err
}

// Announcement returns an announcement that a viewer sees, or fault.ErrNotFound, and the ids of the next
// older and newer ones of its kind.
func (s *Store) Announcement(ctx context.Context, v Viewer, id string) (a Announcement, previous, next string, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		if a, err = s.one(ctx, t, v, id); err != nil {
			return err
		}
		beside := func(order string) (string, error) {
			condition := "kind = ? AND (create_time, id) < (?, ?) ORDER BY create_time DESC, id DESC LIMIT 1"
			if order == "next" {
				condition = "kind = ? AND (create_time, id) > (?, ?) ORDER BY create_time, id LIMIT 1"
			}
			all, err := s.list(ctx, t, v, condition, string(a.Kind), a.Created.UnixMicro(), a.ID)
			if err != nil || len(all) == 0 {
				return "", err
			}
			return all[0].ID, nil
		}
		if previous, err = beside("previous"); err != nil {
			return err
		}
		next, err = beside("next")
		return err
	})
	return a, previous, next, err
}

func (s *Store) one(ctx context.Context, t *database.Tx, v Viewer, id string) (Announcement, error) {
	all, err := s.list(ctx, t, v, "id = ?", id)
	if err == nil && len(all) == 0 {
		err = notFound(id)
	}
	if err != nil {
		return Announcement{}, err
	}
	return all[0], nil
}

// MarkRead notes that a viewer has read an announcement, or returns fault.ErrNotFound.
func (s *Store) MarkRead(ctx context.Context, v Viewer, id string, now time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := s.one(ctx, t, v, id); err != nil {
			return err
		}
		_, err := t.Exec(ctx, "INSERT INTO readers (announcement, account, read_time) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", id, v.Account, now.UnixMicro())
		return err
	})
}

// CountUnread returns how many announcements a viewer sees and has not read.
func (s *Store) CountUnread(ctx context.Context, v Viewer) (n int, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		visible, args, err := s.visible(ctx, t, v)
		if err != nil {
			return err
		}
		counts, err := database.Select(ctx, t, func(rows *sql.Rows, n *int) error { return rows.Scan(n) },
			"SELECT count(*) FROM announcements WHERE "+visible+" AND "+unread, append(args, v.Account, v.Account)...)
		if err != nil {
			return err
		}
		n = counts[0]
		return nil
	})
	return n, err
}

// A Reader is who has read an announcement.
type Reader struct {
	Account, Name string
	Time          time.Time
}

// Readers returns the readers of an announcement after an account, by account; text selects those whose
// account or name contains it. It returns fault.ErrNotFound, or the error of allowed.
func (s *Store) Readers(ctx context.Context, id, text, after string, limit int, allowed func(Announcement) error) (readers []Reader, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		a, err := s.one(ctx, t, Viewer{}, id)
		if err != nil {
			return err
		}
		if err := allowed(a); err != nil {
			return err
		}
		readers, err = database.Select(ctx, t, func(rows *sql.Rows, r *Reader) error {
			var at int64
			err := rows.Scan(&r.Account, &r.Name, &at)
			r.Time = time.UnixMicro(at).UTC()
			return err
		}, `SELECT r.account, coalesce(p.name, ''), r.read_time FROM readers r LEFT JOIN people p ON p.id = r.account
			WHERE r.announcement = ? AND r.account > ? AND (r.account LIKE ? ESCAPE '\' OR lower(coalesce(p.name, '')) LIKE ? ESCAPE '\')
			ORDER BY r.account LIMIT ?`, id, after, database.Contains(text), database.Contains(text), limit)
		return err
	})
	return readers, err
}

// Update replaces an announcement. It returns fault.ErrNotFound, or the error of allowed.
func (s *Store) Update(ctx context.Context, a Announcement, allowed func(Announcement) error) (Announcement, error) {
	var updated Announcement
	err := s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		before, err := s.one(ctx, t, Viewer{Account: a.Writer}, a.ID)
		if err != nil {
			return err
		}
		if err := allowed(before); err != nil {
			return err
		}
		_, err = t.Exec(ctx, "UPDATE announcements SET title = ?, content = ?, grades = ?, classes = ?, update_time = ? WHERE id = ?",
			a.Title, a.Content, int(a.Grades), int(a.Classes), a.Updated.UnixMicro(), a.ID)
		if err != nil {
			return err
		}
		updated, err = s.one(ctx, t, Viewer{Account: a.Writer}, a.ID)
		return err
	})
	return updated, err
}

// Delete deletes an announcement. It returns fault.ErrNotFound, or the error of allowed.
func (s *Store) Delete(ctx context.Context, id string, allowed func(Announcement) error) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		a, err := s.one(ctx, t, Viewer{}, id)
		if err != nil {
			return err
		}
		if err := allowed(a); err != nil {
			return err
		}
		_, err = t.Exec(ctx, "DELETE FROM announcements WHERE id = ?", id)
		return err
	})
}

func publishedEvent(a Announcement) event.Event {
	return event.Event{Type: "school.announcement.published", Subject: a.ID, Data: &eventv1.AnnouncementPublished{
		AnnouncementId: a.ID, Kind: string(a.Kind), Title: a.Title, WriterName: a.WriterName, Groups: a.Groups(),
	}}
}
