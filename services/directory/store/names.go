package store

import (
	"context"
	"database/sql"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/directory"
)

// Names returns all names, by id.
func (s *Store) Names(ctx context.Context) (users, groups []directory.StoredName, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		scan := func(rows *sql.Rows, n *directory.StoredName) error { return rows.Scan(&n.ID, &n.Text) }
		if users, err = database.Select(ctx, t, scan, `SELECT id, nickname FROM users ORDER BY id`); err != nil {
			return err
		}
		groups, err = database.Select(ctx, t, scan, `SELECT id, groupname FROM "groups" ORDER BY id`)
		return err
	})
	return users, groups, err
}
