package store

import (
	"context"
	"database/sql"

	"github.com/bongsu-project/bongsu/kit/database"
)

// selectRevision selects the number of the last transaction that changed the directory; there
// is no row before the first. A manual change of the database must increment it, or the
// lookup caches stay stale.
const selectRevision = `SELECT number FROM revisions WHERE name = 'directory'`

// readRevision returns the revision that a transaction sees, 0 before the first.
func readRevision(ctx context.Context, t *database.Tx) (int64, error) {
	numbers, err := database.Select(ctx, t, func(rows *sql.Rows, number *int64) error { return rows.Scan(number) }, selectRevision)
	if err != nil || len(numbers) == 0 {
		return 0, err
	}
	return numbers[0], nil
}

// bumpRevision increments the revision. It must be the last statement of a transaction: then
// other writers wait for its row lock only until the commit, and no deadlock is
// possible.
func bumpRevision(ctx context.Context, t *database.Tx) error {
	_, err := t.Exec(ctx, `INSERT INTO revisions (name, number) VALUES ('directory', 1)
		ON CONFLICT (name) DO UPDATE SET number = revisions.number + 1`)
	return err
}
