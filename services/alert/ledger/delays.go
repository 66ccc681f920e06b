package ledger

import (
	"context"
	"database/sql"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
)

// OldestDue returns since when a delivery has been due that is queued, the oldest one; zero if none is
// due. One that was never attempted and is not deferred is due since its alert was recorded: its
// next_time moves on each time it is enqueued again. Retries in the queue do not count, nor do
// deliveries that wait for others, for the end of quiet hours or for a digest.
func (s *Store) OldestDue(ctx context.Context, now time.Time) (time.Time, error) {
	const waiting = isQueued + ` AND NOT held AND hold = 0 AND `
	deferred, err := s.readNumber(ctx, `SELECT COALESCE(min(next_time), 0) FROM deliveries WHERE `+waiting+`deferred AND next_time <= ?`, micros(now))
	if err != nil {
		return time.Time{}, err
	}
	recorded, err := s.readNumber(ctx, `SELECT create_time FROM alerts WHERE id = (
		SELECT min(alert_id + 0) FROM deliveries WHERE `+waiting+`NOT deferred AND attempt_count = 0)`)
	if err != nil {
		return time.Time{}, err
	}
	if deferred == 0 || recorded != 0 && recorded < deferred {
		return fromMicros(recorded), nil
	}
	return fromMicros(deferred), nil
}

// CountStuck returns the number of claimed deliveries whose lease expired before a time: neither
// does their sender report them, nor did the sweep end their lease.
func (s *Store) CountStuck(ctx context.Context, before time.Time) (int64, error) {
	return s.readNumber(ctx, `SELECT count(*) FROM deliveries WHERE `+isClaimed+` AND lease_time < ?`, micros(before))
}

// readNumber returns the number that a query selects.
func (s *Store) readNumber(ctx context.Context, query string, args ...any) (int64, error) {
	var numbers []int64
	err := s.db.Read(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		numbers, err = database.Select(ctx, t, func(rows *sql.Rows, n *int64) error { return rows.Scan(n) }, query, args...)
		return err
	})
	if err != nil || len(numbers) == 0 {
		return 0, err
	}
	return numbers[0], nil
}

// Touch writes a row of its own, so that the time of a small write can be measured.
func (s *Store) Touch(ctx context.Context, now time.Time) error {
	return s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, `INSERT INTO sequences (name, next) VALUES ('`+touchSequence+`', ?) ON CONFLICT (name) DO UPDATE SET next = excluded.next`, micros(now))
		return err
	})
}
