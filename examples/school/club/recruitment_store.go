package club

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/event"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const recruitmentColumns = "r.id, r.club, c.name, r.concept, r.seats, r.first_day, r.last_day, r.closed, r.create_time"

func scanRecruitment(rows *sql.Rows, r *Recruitment) error {
	var seats string
	var closed int
	var created int64
	if err := rows.Scan(&r.ID, &r.Club, &r.ClubName, &r.Concept, &seats, &r.From, &r.To, &closed, &created); err != nil {
		return err
	}
	r.Closed, r.Created = closed == 1, time.UnixMicro(created).UTC()
	return json.Unmarshal([]byte(seats), &r.Seats)
}

// CreateRecruitment stores a new recruitment, and publishes it. It returns fault.ErrNotFound without the
// club, fault.ErrDenied, or fault.ErrExists while another one of the club is open.
func (s *Store) CreateRecruitment(ctx context.Context, r Recruitment, by Caller) (Recruitment, error) {
	seats, err := json.Marshal(r.Seats)
	if err != nil {
		return Recruitment{}, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		c, err := find(ctx, t, r.Club, true)
		if err != nil {
			return err
		}
		if err := c.mayManage(by); err != nil {
			return err
		}
		r.ClubName = c.Name
		if _, err := t.Exec(ctx, "UPDATE recruitments SET closed = 1 WHERE club = ? AND closed = 0 AND last_day <> '' AND last_day < ?", r.Club, r.From); err != nil {
			return err
		}
		_, err = t.Exec(ctx, "INSERT INTO recruitments (id, club, concept, seats, first_day, last_day, closed, create_time) VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
			r.ID, r.Club, r.Concept, string(seats), r.From, r.To, r.Created.UnixMicro())
		if err != nil {
			return err
		}
		return event.Add(ctx, s.outbox, t, recruitmentEvent(r))
	})
	if database.IsUniqueViolation(err) {
		return Recruitment{}, fault.Existsf("a recruitment of the club is open")
	}
	s.outbox.Wake()
	return r, err
}

// A RecruitmentQuery selects recruitments; a zero field selects all.
type RecruitmentQuery struct {
	Club  string
	Open  string // the day on which they run
	Text  string // concept or club contain it
	After RecruitmentCursor
	Limit int
}

// A RecruitmentCursor is the place of a recruitment in a list.
type RecruitmentCursor struct {
	Created int64 // microseconds
	ID      string
}

// Recruitments returns the newest recruitments before a cursor.
func (s *Store) Recruitments(ctx context.Context, q RecruitmentQuery) (all []Recruitment, err error) {
	conditions, args := []string{"1 = 1"}, []any(nil)
	if q.Club != "" {
		conditions, args = append(conditions, "r.club = ?"), append(args, q.Club)
	}
	if q.Open != "" {
		conditions, args = append(conditions, "r.closed = 0 AND (r.last_day = '' OR r.last_day >= ?)"), append(args, q.Open)
	}
	if q.Text != "" {
		pattern := database.Contains(q.Text)
		conditions = append(conditions, `(lower(r.concept) LIKE ? ESCAPE '\' OR lower(c.name) LIKE ? ESCAPE '\')`)
		args = append(args, pattern, pattern)
	}
	if q.After.ID != "" {
		conditions, args = append(conditions, "(r.create_time, r.id) < (?, ?)"), append(args, q.After.Created, q.After.ID)
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = recruitments(ctx, t, "WHERE "+strings.Join(conditions, " AND ")+" ORDER BY r.create_time DESC, r.id DESC LIMIT ?", append(args, q.Limit)...)
		return err
	})
	return all, err
}

func recruitments(ctx context.Context, t *database.Tx, condition string, args ...any) ([]Recruitment, error) {
	return database.Select(ctx, t, scanRecruitment, "SELECT "+recruitmentColumns+" FROM recruitments r JOIN clubs c ON c.id = r.club "+condition, args...)
}

// ChangeRecruitment changes a recruitment. It returns fault.ErrNotFound, fault.ErrDenied, or the error
// of change.
func (s *Store) ChangeRecruitment(ctx context.Context, id string, by Caller, change func(*Recruitment) error) (r Recruitment, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := t.Exec(ctx, "UPDATE recruitments SET closed = closed WHERE id = ?", id); err != nil { // locks it until the commit
			return err
		}
		all, err := recruitments(ctx, t, "WHERE r.id = ?", id)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return recruitmentNotFound(id)
		}
		r = all[0]
		c, err := find(ctx, t, r.Club, false)
		if err != nil {
			return err
		}
		if err := c.mayManage(by); err != nil {
			return err
		}
		if err := change(&r); err != nil {
			return err
		}
		seats, err := json.Marshal(r.Seats)
		if err != nil {
			return err
		}
		_, err = t.Exec(ctx, "UPDATE recruitments SET concept = ?, seats = ?, last_day = ?, closed = ? WHERE id = ?", r.Concept, string(seats), r.To, flag(r.Closed), id)
		return err
	})
	return r, err
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
