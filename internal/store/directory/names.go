package directory

import (
	"context"
	"database/sql"

	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/group"
)

// Names returns all names, by id.
func (s *Store) Names(ctx context.Context) (users, groups []group.StoredName, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		scan := func(rows *sql.Rows, n *group.StoredName) error { return rows.Scan(&n.ID, &n.Text) }
		if users, err = database.Select(ctx, t, scan, `SELECT id, nickname FROM users ORDER BY id`); err != nil {
			return err
		}
		groups, err = database.Select(ctx, t, scan, `SELECT id, groupname FROM "groups" ORDER BY id`)
		return err
	})
	return users, groups, err
}
