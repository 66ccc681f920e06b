package ledger

import (
	"context"
	"database/sql"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// RecordTime records the time, in a row beside that of the ids, and returns the time recorded
// before.
func (s *Store) RecordTime(ctx context.Context, now time.Time) (before time.Time, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, err := database.Select(ctx, t, func(rows *sql.Rows, last *int64) error { return rows.Scan(last) },
			`SELECT next FROM sequences WHERE name = '`+timeSequence+`'`)
		if err != nil {
			return err
		}
		before = time.Time{}
		if len(rows) > 0 {
			before = fromMicros(rows[0])
		}
		_, err = t.Exec(ctx, `INSERT INTO sequences (name, next) VALUES ('`+timeSequence+`', ?) ON CONFLICT (name) DO UPDATE SET next = excluded.next`, micros(now))
		return err
	})
	return before, err
}

// CorrectTimes corrects the times that were written by a clock that was ahead.
func (s *Store) CorrectTimes(ctx context.Context, now time.Time, ahead time.Duration) (n int, err error) {
	if ahead < 0 {
		return 0, fault.Invalidf("ahead must not be negative")
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		at, by := micros(now), ahead.Microseconds()
		waiting, err := t.Exec(ctx, `UPDATE deliveries SET next_time = CASE WHEN next_time - ? > ? THEN next_time - ? ELSE ? END WHERE id IN (
			SELECT id FROM deliveries WHERE `+isQueued+` AND next_time > ? ORDER BY id`+forUpdate(t)+`)`, by, at, by, at, at)
		if err != nil {
			return err
		}
		// All expressions read the old values of the row.
		claimed, err := t.Exec(ctx, `UPDATE deliveries SET lease_time = lease_time - claim_time + ?, claim_time = ? WHERE id IN (
			SELECT id FROM deliveries WHERE `+isClaimed+` AND claim_time > ? ORDER BY id`+forUpdate(t)+`)`, at, at, at)
		n = waiting + claimed
		return err
	})
	return n, err
}
