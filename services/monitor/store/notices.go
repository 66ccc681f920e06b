package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// noticeContent is the alert of a notice as it is stored, in JSON.
type noticeContent struct {
	Resolved   bool     `json:"resolved,omitempty"`
	Targets    []string `json:"targets"`
	By         []string `json:"by,omitempty"`
	Severity   string   `json:"severity"`
	Title      string   `json:"title,omitempty"`
	Message    string   `json:"message"`
	Link       string   `json:"link,omitempty"`
	Escalation string   `json:"escalation,omitempty"`
}

var noticeTypes = []string{"text", "bigint", "text", "bigint", "bigint", "bigint"}

// writeNotices inserts notices, in their order.
func writeNotices(ctx context.Context, t *database.Tx, notices []monitor.Notice) error {
	for some := range database.ChunkRows(t, notices, maxStatementRows) {
		all := make([]any, 0, len(noticeTypes)*len(some))
		for _, n := range some {
			content, err := json.Marshal(noticeContent{
				n.Resolved, n.Targets, n.By, storable(n.Severity), storable(n.Title), storable(n.Message), storable(n.Link), storable(n.Escalation),
			})
			if err != nil {
				return err
			}
			all = append(all, storable(n.Monitor), n.Number, string(content), int64(n.Attempt), micros(n.CreateTime), micros(n.DueTime))
		}
		values, args := t.ValueRows(noticeTypes, all)
		if _, err := t.Exec(ctx, `INSERT INTO notices (monitor, number, content, attempt, create_time, due_time) `+values, args...); err != nil {
			return err
		}
	}
	return nil
}

// dueNotices selects notices that are due, and are the oldest of their monitor.
const dueNotices = `SELECT id FROM notices WHERE due_time <= ? AND NOT EXISTS
	(SELECT 1 FROM notices AS older WHERE older.monitor = notices.monitor AND older.id < notices.id) ORDER BY due_time, id LIMIT ?`

// ClaimNotices claims notices. It reads before it writes: most of the time none is due.
func (s *Store) ClaimNotices(ctx context.Context, now, until time.Time, limit int) (notices []monitor.Notice, err error) {
	var due []int64
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		due, err = database.Select(ctx, t, scanInt, dueNotices, micros(now), limit)
		return err
	})
	if err != nil || len(due) == 0 {
		return nil, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		notices, err = database.Select(ctx, t, scanNotice, `UPDATE notices SET due_time = ?, attempt = attempt + 1 WHERE id IN (`+dueNotices+skipLocked(t)+`)
			RETURNING id, monitor, number, content, attempt, create_time, due_time`, micros(until), micros(now), limit)
		return err
	})
	slices.SortFunc(notices, func(a, b monitor.Notice) int { return cmp.Compare(a.ID, b.ID) })
	return notices, err
}

func scanNotice(rows *sql.Rows, n *monitor.Notice) error {
	var content string
	var created, due int64
	if err := rows.Scan(&n.ID, &n.Monitor, &n.Number, &content, &n.Attempt, &created, &due); err != nil {
		return err
	}
	n.CreateTime, n.DueTime = moment(created), moment(due)
	var c noticeContent
	if err := json.Unmarshal([]byte(content), &c); err != nil {
		return fmt.Errorf("decode notice %d: %w", n.ID, err)
	}
	n.Resolved, n.Targets, n.By, n.Severity, n.Title, n.Message, n.Link, n.Escalation =
		c.Resolved, c.Targets, c.By, c.Severity, c.Title, c.Message, c.Link, c.Escalation
	return nil
}

// NoticeSent deletes a notice.
func (s *Store) NoticeSent(ctx context.Context, n monitor.Notice) error {
	return s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, `DELETE FROM notices WHERE id = ?`, n.ID)
		return err
	})
}

// DelayNotice sets the time of a notice.
func (s *Store) DelayNotice(ctx context.Context, n monitor.Notice, due time.Time) error {
	return s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, `UPDATE notices SET due_time = ? WHERE id = ?`, micros(due), n.ID)
		return err
	})
}
