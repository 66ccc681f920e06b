package directory

import (
	"context"
	"database/sql"

	"github.com/bongsu-project/bongsu/internal/store/database"
)

// revision asks for the number of the last transaction that changed the directory; there
// is none before the first. Who changes it by hand must count it on, or what is known
// stays.
const revision = `SELECT number FROM revisions WHERE name = 'directory'`

// revisionOf is the revision that a transaction sees, 0 before the first.
func revisionOf(ctx context.Context, t *database.Tx) (int64, error) {
	numbers, err := database.Select(ctx, t, func(rows *sql.Rows, number *int64) error { return rows.Scan(number) }, revision)
	if err != nil || len(numbers) == 0 {
		return 0, err
	}
	return numbers[0], nil
}

// revise counts a transaction. It must be the last that the transaction does: others
// that change the directory wait for its end then, and none for another.
func revise(ctx context.Context, t *database.Tx) error {
	_, err := t.Exec(ctx, `INSERT INTO revisions (name, number) VALUES ('directory', 1)
		ON CONFLICT (name) DO UPDATE SET number = revisions.number + 1`)
	return err
}
