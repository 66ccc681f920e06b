package ledger

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
)

// idEpoch is the start of the clock in ids: 2020-01-01 UTC, in milliseconds since 1970.
const idEpoch = 1_577_836_800_000

// idBitsPerMilli is the number of bits of an id for the ids of one millisecond. The remaining
// bits last until the year 2298.
const idBitsPerMilli = 20

// The number of ids of an id block, unless one call needs more, and its maximum age: an older
// block is dropped, so that ids of several processes are almost in the order of time.
const (
	blockSize   = 1 << 14
	blockMaxAge = 10 * time.Second
)

// ids assigns ids before the rows are inserted. It takes them from blocks that it reserves in the
// database. A block starts above all earlier blocks and above the id of the current time, so
// that a ledger that was emptied, or restored from a backup, assigns no id twice.
//
// ids is safe for concurrent use, and each id is greater than the one before.
type ids struct {
	db  *database.Database
	now func() time.Time

	mu       sync.Mutex
	next     int64
	end      int64 // the first id after the block
	reserved time.Time
}

// take returns the first of n consecutive ids.
func (i *ids) take(ctx context.Context, n int) (int64, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if i.end-i.next < int64(n) || now.Sub(i.reserved) > blockMaxAge {
		size := int64(max(n, blockSize))
		end, err := i.reserve(ctx, size, max(1, (now.UnixMilli()-idEpoch)<<idBitsPerMilli))
		if err != nil {
			return 0, err
		}
		i.next, i.end, i.reserved = end-size, end, now
	}
	first := i.next
	i.next += int64(n)
	return first, nil
}

// reserve reserves size ids, at floor or above, and returns the first id after them.
func (i *ids) reserve(ctx context.Context, size, floor int64) (end int64, err error) {
	err = i.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, err := database.Select(ctx, t, func(rows *sql.Rows, end *int64) error { return rows.Scan(end) },
			`INSERT INTO sequences (name, next) VALUES ('`+idSequence+`', ?)
			ON CONFLICT (name) DO UPDATE
			SET next = CASE WHEN sequences.next > ? THEN sequences.next ELSE ? END + ?
			RETURNING next`, floor+size, floor, floor, size)
		if err == nil {
			end = rows[0]
		}
		return err
	})
	return end, err
}
