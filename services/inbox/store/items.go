package store

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// itemColumns are the columns that scanItem reads.
const itemColumns = `number, position, delivery_id, nickname, alert_id, severity, title, text, link, alert_key, resolved,
	create_time, store_time, update_time, read_time, archived, incident, acknowledged, ack_url, rank`

func scanItem(rows *sql.Rows, i *inbox.Item) error { return scanItemAnd(rows, i) }

// scanItemAnd scans an item, and the columns that follow it.
func scanItemAnd(rows *sql.Rows, i *inbox.Item, others ...any) error {
	var created, stored, updated, read int64
	err := rows.Scan(append([]any{
		&i.ID, &i.Position, &i.DeliveryID, &i.Nickname, &i.AlertID, &i.Severity, &i.Title, &i.Text, &i.Link, &i.Key, &i.Resolved,
		&created, &stored, &updated, &read, &i.Archived, &i.Incident, &i.Acknowledged, &i.AckURL, &i.Rank,
	}, others...)...)
	i.CreateTime, i.StoreTime, i.UpdateTime, i.ReadTime = moment(created), moment(stored), moment(updated), moment(read)
	return err
}

// After returns items by position.
func (s *Store) After(ctx context.Context, nickname string, after int64, limit int) (items []inbox.Item, err error) {
	return s.items(ctx, `nickname = ? AND position > ? ORDER BY position LIMIT ?`, nickname, after, limit)
}

// Page returns items, the newest first.
func (s *Store) Page(ctx context.Context, q inbox.Query) ([]inbox.Item, error) {
	if q.Limit < 1 {
		return nil, fault.Invalidf("inbox query: the limit must be at least 1")
	}
	before := q.Before
	if before == 0 {
		before = math.MaxInt64
	}
	where := `nickname = ? AND archived = false AND number < ?`
	switch {
	case q.Archived && q.UnreadOnly: // archived items are read
		return nil, nil
	case q.Archived:
		where = `nickname = ? AND archived = true AND number < ?`
	case q.UnreadOnly:
		where = `nickname = ? AND read_time = 0 AND number < ?`
	}
	return s.items(ctx, where+` ORDER BY number DESC LIMIT ?`, q.Nickname, before, q.Limit)
}

// items returns the items that a condition selects.
func (s *Store) items(ctx context.Context, condition string, args ...any) (items []inbox.Item, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		items, err = database.Select(ctx, t, scanItem, `SELECT `+itemColumns+` FROM items WHERE `+condition, args...)
		return err
	})
	return items, err
}

// Last returns the last position of an inbox and its number of unread items.
func (s *Store) Last(ctx context.Context, nickname string) (last int64, unread int, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err := database.Select(ctx, t, func(rows *sql.Rows, i *inboxCounts) error { return rows.Scan(&i.last, &i.unread) },
			`SELECT last_number, (SELECT count(*) FROM items WHERE items.nickname = inboxes.nickname AND read_time = 0)
			FROM inboxes WHERE nickname = ?`, nickname)
		if err == nil && len(found) > 0 {
			last, unread = found[0].last, found[0].unread
		}
		return err
	})
	return last, unread, err
}

// inboxCounts are the results of Last.
type inboxCounts struct {
	last   int64
	unread int
}

// DeleteItems deletes items at the end of their retention.
func (s *Store) DeleteItems(ctx context.Context, before time.Time, limit int) (n int, err error) {
	const oldest = ` FROM items WHERE update_time < ? ORDER BY update_time, delivery_id LIMIT ?`
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := t.Exec(ctx, `DELETE FROM earlier_deliveries WHERE (nickname, number) IN
			(SELECT nickname, number`+oldest+`)`, micros(before), limit); err != nil {
			return err
		}
		n, err = t.Exec(ctx, `DELETE FROM items WHERE delivery_id IN (SELECT delivery_id`+oldest+`)`, micros(before), limit)
		return err
	})
	return n, err
}
