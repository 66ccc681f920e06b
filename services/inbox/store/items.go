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
const itemColumns = `number, delivery_id, nickname, alert_id, severity, title, text, link, alert_key, resolved, create_time, store_time, read_time, archived`

func scanItem(rows *sql.Rows, i *inbox.Item) error {
	var created, stored, read int64
	err := rows.Scan(&i.ID, &i.DeliveryID, &i.Nickname, &i.AlertID, &i.Severity, &i.Title, &i.Text, &i.Link, &i.Key, &i.Resolved,
		&created, &stored, &read, &i.Archived)
	i.CreateTime, i.StoreTime, i.ReadTime = moment(created), moment(stored), moment(read)
	return err
}

// After returns items by id.
func (s *Store) After(ctx context.Context, nickname string, after int64, limit int) (items []inbox.Item, err error) {
	return s.items(ctx, `nickname = ? AND number > ? ORDER BY number LIMIT ?`, nickname, after, limit)
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

// Last returns the last id of an inbox and its number of unread items.
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
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		n, err = t.Exec(ctx, `DELETE FROM items WHERE delivery_id IN
			(SELECT delivery_id FROM items WHERE store_time < ? ORDER BY store_time LIMIT ?)`, micros(before), limit)
		return err
	})
	return n, err
}
