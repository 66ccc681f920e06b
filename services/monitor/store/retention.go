package store

import (
	"context"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
)

// DeleteOld deletes old rows, and those of deleted monitors. A block is deleted when its last
// result is old, and a day when its last hour is, so results are kept up to an hour longer, and
// hours up to a day.
func (s *Store) DeleteOld(ctx context.Context, results, hours time.Time, limit int) (n int, err error) {
	var days time.Time
	if !hours.IsZero() { // of the day whose last hour is old
		days = hours.Add(time.Microsecond - 24*time.Hour)
	}
	for _, table := range []struct {
		name, column string
		before       time.Time
	}{
		{"result_blocks", "end_time", results},
		{"pings", "time", results},
		{"uptime_days", "day_start", days},
	} {
		if table.before.IsZero() {
			continue
		}
		deleted, err := s.deleteFirst(ctx, table.name, table.column, table.before, limit)
		if n += deleted; err != nil {
			return n, err
		}
	}
	deleted, err := s.deleteWindows(ctx, results, limit)
	if n += deleted; err != nil {
		return n, err
	}
	deleted, err = s.deleteOfDeleted(ctx, results, limit)
	return n + deleted, err
}

// deleteFirst deletes the old rows among the first of a table, whose ids ascend almost as the times
// do.
func (s *Store) deleteFirst(ctx context.Context, table, column string, before time.Time, limit int) (n int, err error) {
	old, ok, err := s.db.QueryInt(ctx, `SELECT min(`+column+`) FROM (SELECT `+column+` FROM `+table+` ORDER BY id LIMIT 100) AS first HAVING count(*) > 0`)
	if err != nil || !ok || old >= micros(before) {
		return 0, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		n, err = t.Exec(ctx, `DELETE FROM `+table+` WHERE id IN (SELECT id FROM (SELECT id, `+column+` FROM `+table+` ORDER BY id LIMIT ?) AS first WHERE `+column+` < ?)`,
			limit, micros(before))
		return err
	})
	return n, err
}

// deleteWindows deletes maintenance windows that have ended before a time.
func (s *Store) deleteWindows(ctx context.Context, before time.Time, limit int) (n int, err error) {
	old, ok, err := s.db.QueryInt(ctx, `SELECT end_time FROM maintenance_windows ORDER BY end_time LIMIT 1`)
	if err != nil || !ok || old >= micros(before) {
		return 0, err
	}
	err = s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		n, err = t.Exec(ctx, `DELETE FROM maintenance_windows WHERE id IN (SELECT id FROM maintenance_windows WHERE end_time < ? ORDER BY end_time LIMIT ?)`,
			micros(before), limit)
		return err
	})
	return n, err
}

// deleteOfDeleted deletes rows of deleted monitors. A deletion itself is deleted with the results of
// its time.
func (s *Store) deleteOfDeleted(ctx context.Context, results time.Time, limit int) (n int, err error) {
	if deletions, _, err := s.db.QueryInt(ctx, `SELECT count(*) FROM (SELECT id FROM monitor_deletions LIMIT 1) AS d`); err != nil || deletions == 0 {
		return 0, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		n = 0
		ids, err := database.Select(ctx, t, scanInt, `SELECT id FROM monitor_deletions WHERE NOT cleared ORDER BY id LIMIT ?`+skipLocked(t), limit)
		if err != nil {
			return err
		}
		for _, id := range ids {
			for _, table := range []string{"result_blocks", "uptime_days", "pings"} {
				deleted, err := t.Exec(ctx, `DELETE FROM `+table+` WHERE id IN (SELECT id FROM `+table+` WHERE monitor = ? LIMIT ?)`, id, limit-n)
				if err != nil {
					return err
				}
				if n += deleted; n >= limit {
					return nil
				}
			}
			if _, err := t.Exec(ctx, `UPDATE monitor_deletions SET cleared = ? WHERE id = ?`, true, id); err != nil {
				return err
			}
		}
		deleted, err := t.Exec(ctx, `DELETE FROM monitor_deletions WHERE id IN (SELECT id FROM monitor_deletions WHERE cleared AND delete_time < ? LIMIT ?)`, micros(results), limit-n)
		n += deleted
		return err
	})
	return n, err
}
