package ledger

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/store/database"
)

// epoch is where the ids' clock begins: 2020-01-01 UTC, in milliseconds.
const epoch = 1_577_836_800_000

// perMilli is how many bits of an id count within a millisecond. What is left
// lasts until the year 2298.
const perMilli = 20

// Blocks hold this many ids, or as many as one call needs. One that is older
// than blockLife is given up, so that ids of several processes keep the order of
// time, all but.
const (
	blockSize = 1 << 14
	blockLife = 10 * time.Second
)

// ids gives ids before they are written. They come in blocks that the database
// reserves; a block begins above all before it and above what the clock says, so
// that a ledger which was emptied, or restored from a backup, gives none again.
//
// ids is safe for concurrent use, and each id is greater than the one before.
type ids struct {
	db  *database.Database
	now func() time.Time

	mu       sync.Mutex
	next     int64
	end      int64 // the first id behind the block
	reserved time.Time
}

// take gives the first of n ids in a row.
func (i *ids) take(ctx context.Context, n int) (int64, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if i.end-i.next < int64(n) || now.Sub(i.reserved) > blockLife {
		size := int64(max(n, blockSize))
		end, err := i.reserve(ctx, size, max(1, (now.UnixMilli()-epoch)<<perMilli))
		if err != nil {
			return 0, err
		}
		i.next, i.end, i.reserved = end-size, end, now
	}
	first := i.next
	i.next += int64(n)
	return first, nil
}

// reserve takes size ids from floor on, or later, and answers with the first
// behind them.
func (i *ids) reserve(ctx context.Context, size, floor int64) (end int64, err error) {
	err = i.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, err := database.Select(ctx, t, func(rows *sql.Rows, end *int64) error { return rows.Scan(end) },
			`INSERT INTO sequences (name, next) VALUES ('ids', ?)
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
