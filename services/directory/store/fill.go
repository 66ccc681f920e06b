package store

import (
	"context"
	"slices"

	ent "github.com/bongsu-project/bongsu/gen/ent/directory"
	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/directory"
)

// bulkRows is the number of rows per INSERT statement.
const bulkRows = 1000

// Fill stores a snapshot in an empty directory. Of several concurrent calls, one fills
// it.
func (s *Store) Fill(ctx context.Context, snapshot directory.Snapshot) (filled bool, err error) {
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		filled = false
		if t.sql.Postgres() { // SQLite has one writer at a time
			if _, err := t.sql.Exec(ctx, `LOCK TABLE users, "groups" IN SHARE ROW EXCLUSIVE MODE`); err != nil {
				return err
			}
		}
		used, err := isNotEmpty(ctx, t)
		if err != nil || used {
			return err
		}
		ids, err := fillUsers(ctx, t, snapshot.Users)
		if err != nil {
			return err
		}
		filled = true
		return fillGroups(ctx, t, snapshot.Groups, ids)
	})
	return filled && err == nil, err
}

// isNotEmpty reports whether the directory has a user or a group.
func isNotEmpty(ctx context.Context, t tx) (bool, error) {
	users, err := t.User.Query().Exist(ctx)
	if err != nil || users {
		return users, err
	}
	return t.Group.Query().Exist(ctx)
}

// fillUsers inserts users with their addresses, and returns their ids by nickname.
func fillUsers(ctx context.Context, t tx, users []directory.User) (map[string]int, error) {
	ids := make(map[string]int, len(users))
	var addresses []directory.Recipient
	for some := range slices.Chunk(users, bulkRows) {
		rows, err := t.User.MapCreateBulk(some, func(c *ent.UserCreate, i int) {
			c.SetNickname(some[i].Nickname).SetFailover(some[i].Failover).SetQuietHours(quiethours.Encode(some[i].QuietHours))
		}).Save(ctx)
		if err != nil {
			return nil, duplicateError(err, "duplicate nickname")
		}
		for i, row := range rows {
			ids[row.Nickname] = row.ID
			for _, a := range some[i].Addresses {
				addresses = append(addresses, directory.Recipient{Nickname: row.Nickname, Address: a})
			}
		}
	}
	return ids, fillAddresses(ctx, t, addresses, ids)
}

// fillAddresses inserts addresses. users maps nicknames to ids.
func fillAddresses(ctx context.Context, t tx, addresses []directory.Recipient, users map[string]int) error {
	for some := range slices.Chunk(addresses, bulkRows) {
		if err := t.Address.MapCreateBulk(some, func(c *ent.AddressCreate, i int) {
			c.SetUserID(users[some[i].Nickname])
			setAddressFields(c.Mutation(), some[i].Address)
		}).Exec(ctx); err != nil {
			return duplicateError(err, "duplicate address of a user by one messenger")
		}
	}
	return nil
}

// fillGroups inserts groups and their members. ids maps nicknames to ids.
func fillGroups(ctx context.Context, t tx, groups []directory.Membership, ids map[string]int) error {
	var members [][2]int
	for some := range slices.Chunk(groups, bulkRows) {
		rows, err := t.Group.MapCreateBulk(some, func(c *ent.GroupCreate, i int) { c.SetName(some[i].Group) }).Save(ctx)
		if err != nil {
			return duplicateError(err, "duplicate group name")
		}
		for i, row := range rows {
			for _, nickname := range some[i].Members {
				id, known := ids[nickname]
				if !known {
					return errNoMember(nickname, directory.Group{ID: row.ID})
				}
				members = append(members, [2]int{row.ID, id})
			}
		}
	}
	return fillMembers(ctx, t, members)
}

// fillMembers inserts memberships, as pairs of group id and user id.
func fillMembers(ctx context.Context, t tx, members [][2]int) error {
	for some := range database.ChunkRows(t.sql, members, 1024) {
		args := make([]any, 0, 2*len(some))
		for _, m := range some {
			args = append(args, m[0], m[1])
		}
		rows, args := t.sql.ValueRows([]string{"bigint", "bigint"}, args)
		if _, err := t.sql.Exec(ctx, `INSERT INTO groups_users (group_id, user_id) `+rows+` ON CONFLICT DO NOTHING`, args...); err != nil {
			return err
		}
	}
	return nil
}

// duplicateError converts a unique violation to fault.ErrExists that names the duplicate. It
// returns other errors unchanged.
func duplicateError(err error, what string) error {
	if database.IsUniqueViolation(err) {
		return fault.Existsf("%s", what)
	}
	return err
}
