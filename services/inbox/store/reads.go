package store

import (
	"context"
	"database/sql"
	"math"
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// MarkRead marks an item as read.
func (s *Store) MarkRead(ctx context.Context, nickname string, id int64, at time.Time) (inbox.Item, error) {
	return s.mark(ctx, nickname, id, at, `archived`)
}

// Archive archives an item.
func (s *Store) Archive(ctx context.Context, nickname string, id int64, at time.Time) (inbox.Item, error) {
	return s.mark(ctx, nickname, id, at, `true`)
}

// mark marks an item as read and sets whether it is archived.
func (s *Store) mark(ctx context.Context, nickname string, id int64, at time.Time, archived string) (item inbox.Item, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err := database.Select(ctx, t, scanItem, `UPDATE items
			SET read_time = CASE WHEN read_time = 0 THEN CAST(? AS bigint) ELSE read_time END, archived = `+archived+`
			WHERE nickname = ? AND number = ? RETURNING `+itemColumns, micros(at), nickname, id)
		if err == nil && len(found) == 0 {
			return errNoItem(id)
		}
		if err == nil {
			item = found[0]
			err = readEarlier(ctx, t, item)
		}
		return err
	})
	return item, err
}

// readEarlier marks the earlier deliveries of an item as read with it.
func readEarlier(ctx context.Context, t *database.Tx, item inbox.Item) error {
	if item.Incident == 0 {
		return nil
	}
	_, err := t.Exec(ctx, `UPDATE earlier_deliveries SET read_time = ? WHERE nickname = ? AND number = ? AND read_time = 0`,
		micros(item.ReadTime), item.Nickname, item.ID)
	return err
}

// MarkAllRead marks unread items as read.
func (s *Store) MarkAllRead(ctx context.Context, nickname string, upTo int64, at time.Time) (n int, err error) {
	if upTo == 0 {
		upTo = math.MaxInt64
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := t.Exec(ctx, `UPDATE earlier_deliveries SET read_time = ? WHERE nickname = ? AND read_time = 0 AND number IN
			(SELECT number FROM items WHERE nickname = ? AND read_time = 0 AND position <= ?)`, micros(at), nickname, nickname, upTo); err != nil {
			return err
		}
		n, err = t.Exec(ctx, `UPDATE items SET read_time = ? WHERE nickname = ? AND position <= ? AND read_time = 0`, micros(at), nickname, upTo)
		return err
	})
	return n, err
}

// UnreportedReads returns reads that are not reported, the oldest first.
func (s *Store) UnreportedReads(ctx context.Context, limit int) (reads []inbox.Read, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		reads, err = database.Select(ctx, t, func(rows *sql.Rows, r *inbox.Read) error {
			var at int64
			err := rows.Scan(&r.DeliveryID, &at)
			r.Time = moment(at)
			return err
		}, `SELECT delivery_id, read_time FROM items WHERE read_time <> 0 AND NOT read_reported
			UNION ALL SELECT delivery_id, read_time FROM earlier_deliveries WHERE read_time <> 0 AND NOT read_reported
			ORDER BY read_time LIMIT ?`, limit)
		return err
	})
	return reads, err
}

// SetReported notes that reads are reported.
func (s *Store) SetReported(ctx context.Context, deliveries []int64) error {
	if len(deliveries) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		for some := range database.ChunkLists(t, deliveries, maxStatementRows) {
			condition, args := database.In(t, some)
			for _, table := range []string{"items", "earlier_deliveries"} {
				if _, err := t.Exec(ctx, `UPDATE `+table+` SET read_reported = true WHERE read_time <> 0 AND delivery_id `+condition, args...); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func errNoItem(id int64) error {
	text := strconv.FormatInt(id, 10)
	return fault.WithResource(fault.NotFoundf("item %s not found", text), "item", text)
}
