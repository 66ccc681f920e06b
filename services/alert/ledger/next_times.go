package ledger

import (
	"context"
	"database/sql"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/database"
)

// selectNextTimes selects the first time of queued deliveries by rank, of leases and of expiry,
// each by its index; NULL if there is none.
const selectNextTimes = `SELECT
	(SELECT min(next_time) FROM deliveries WHERE ` + isQueued + ` AND rank = ` + sqlCritical + `),
	(SELECT min(next_time) FROM deliveries WHERE ` + isQueued + ` AND rank = ` + sqlHigh + `),
	(SELECT min(next_time) FROM deliveries WHERE ` + isQueued + ` AND rank = ` + sqlNormal + `),
	(SELECT min(next_time) FROM deliveries WHERE ` + isQueued + ` AND rank = ` + sqlLow + `),
	(SELECT min(lease_time) FROM deliveries WHERE ` + isClaimed + `),
	(SELECT min(expire_time) FROM deliveries WHERE ` + isQueued + `)`

// NextTimes returns the next times at which TakeDue and Sweep have work. It reads a few rows,
// whatever the size of the backlog.
func (s *Store) NextTimes(ctx context.Context) (due, end time.Time, err error) {
	var waits [len(job.Ranks)]sql.NullInt64
	var lease, expiry sql.NullInt64
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := database.Select(ctx, t, func(rows *sql.Rows, _ *struct{}) error {
			return rows.Scan(&waits[job.Critical], &waits[job.High], &waits[job.Normal], &waits[job.Low], &lease, &expiry)
		}, selectNextTimes)
		return err
	})
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	for _, wait := range waits {
		due = earlier(due, fromMicros(wait.Int64))
	}
	return due, earlier(fromMicros(lease.Int64), fromMicros(expiry.Int64)), nil
}

// earlier returns the earlier of two times, either of which may be zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
