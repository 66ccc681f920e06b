package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// DeleteEntries deletes the oldest entries.
func (s *Store) DeleteEntries(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if limit < 1 {
		return 0, fault.Invalidf("limit must be at least 1")
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, batches, err := selectOldest(ctx, t, micros(before), limit)
		if err != nil {
			return err
		}
		n = 0
		if rows > 0 {
			if n, err = t.Exec(ctx, `DELETE FROM audit_entries WHERE id IN (SELECT id FROM audit_entries WHERE time < ? ORDER BY time, id LIMIT ?)`, micros(before), rows); err != nil {
				return err
			}
		}
		deleted, err := deleteBatches(ctx, t, batches)
		n += deleted
		return err
	})
	return n, err
}

// selectOldest returns how many rows, and which batches, are the oldest entries before a time: as
// few as have limit entries, or all. The age of a batch is that of its last entry.
func selectOldest(ctx context.Context, t *database.Tx, before int64, limit int) (rows int, batches []int64, err error) {
	times, err := database.Select(ctx, t, func(row *sql.Rows, at *int64) error { return row.Scan(at) },
		`SELECT time FROM audit_entries WHERE time < ? ORDER BY time, id LIMIT ?`, before, limit)
	if err != nil {
		return 0, nil, err
	}
	packed, err := database.Select(ctx, t, func(row *sql.Rows, b *auditBatch) error { return row.Scan(&b.id, &b.lastTime, &b.count) },
		`SELECT id, last_time, entry_count FROM audit_batches WHERE last_time < ? ORDER BY last_time, id LIMIT ?`, before, limit)
	if err != nil {
		return 0, nil, err
	}
	for count := 0; count < limit && len(packed)+len(times[rows:]) > 0; {
		if len(packed) == 0 || rows < len(times) && times[rows] <= packed[0].lastTime {
			rows, count = rows+1, count+1
			continue
		}
		batches, count, packed = append(batches, packed[0].id), count+packed[0].count, packed[1:]
	}
	return rows, batches, nil
}

// deleteBatches deletes batches and returns the number of their entries.
func deleteBatches(ctx context.Context, t *database.Tx, ids []int64) (entries int, err error) {
	for some := range database.ChunkLists(t, ids, maxStatementRows) {
		in, args := database.In(t, some)
		counts, err := database.Select(ctx, t, func(row *sql.Rows, count *int) error { return row.Scan(count) },
			`DELETE FROM audit_batches WHERE id `+in+` RETURNING entry_count`, args...)
		if err != nil {
			return 0, err
		}
		for _, count := range counts {
			entries += count
		}
	}
	return entries, nil
}
