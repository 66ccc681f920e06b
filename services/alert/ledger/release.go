package ledger

import (
	"context"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
)

// Release makes deliveries due that a sender deferred with slots.
func (s *Store) Release(ctx context.Context, messenger string, now time.Time) (n int, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		n, err = t.Exec(ctx, `UPDATE deliveries SET next_time = ? WHERE id IN (
			SELECT id FROM deliveries WHERE `+isQueued+` AND deferred AND NOT held AND slots <> '' AND messenger = ? AND next_time > ?
			ORDER BY id`+forUpdate(t)+`)`, micros(now), messenger, micros(now))
		return err
	})
	return n, err
}
