package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/incident"
)

// dueNotices selects notices that are due, and are the oldest of their incident.
const dueNotices = `SELECT id FROM notices WHERE due_time <= ? AND NOT EXISTS
	(SELECT 1 FROM notices AS older WHERE older.incident = notices.incident AND older.id < notices.id) ORDER BY due_time, id LIMIT ?`

// ClaimNotices claims notices. It reads before it writes: most of the time none is due.
func (s *Store) ClaimNotices(ctx context.Context, now, until time.Time, limit int) (notices []incident.Notice, err error) {
	var due []int64
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		due, err = database.Select(ctx, t, scanInt, dueNotices, micros(now), limit)
		return err
	})
	if err != nil || len(due) == 0 {
		return nil, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		lock := ""
		if t.Postgres() {
			lock = ` FOR UPDATE SKIP LOCKED`
		}
		notices, err = database.Select(ctx, t, scanNotice, `UPDATE notices SET due_time = ?, attempt = attempt + 1 WHERE id IN (`+dueNotices+lock+`)
			RETURNING id, incident, entry, content, attempt, create_time, due_time`, micros(until), micros(now), limit)
		return err
	})
	slices.SortFunc(notices, func(a, b incident.Notice) int { return int(a.ID - b.ID) })
	return notices, err
}

func scanNotice(rows *sql.Rows, n *incident.Notice) error {
	var content string
	var created, due int64
	if err := rows.Scan(&n.ID, &n.Incident, &n.Entry, &content, &n.Attempt, &created, &due); err != nil {
		return err
	}
	n.CreateTime, n.DueTime = moment(created), moment(due)
	return decodeNotice(content, n)
}

// NoticeSent deletes a notice and sets the alert of its entry.
func (s *Store) NoticeSent(ctx context.Context, n incident.Notice, alertID int64) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		deleted, err := t.Exec(ctx, `DELETE FROM notices WHERE id = ?`, n.ID)
		if err != nil || deleted == 0 || n.Entry == 0 {
			return err
		}
		_, err = t.Exec(ctx, `UPDATE incident_entries SET alert_id = ? WHERE incident = ? AND number = ?`, alertID, n.Incident, n.Entry)
		return err
	})
}

// NoticeRefused deletes a notice.
func (s *Store) NoticeRefused(ctx context.Context, n incident.Notice) error {
	return s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, `DELETE FROM notices WHERE id = ?`, n.ID)
		return err
	})
}

// DelayNotice sets the time of a notice.
func (s *Store) DelayNotice(ctx context.Context, n incident.Notice, due time.Time) error {
	return s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, `UPDATE notices SET due_time = ? WHERE id = ?`, micros(due), n.ID)
		return err
	})
}
