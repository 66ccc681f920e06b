package store

import (
	"context"
	"database/sql"

	entsql "entgo.io/ent/dialect/sql"

	ent "github.com/bongsu-project/bongsu/gen/ent/directory"
	entaddress "github.com/bongsu-project/bongsu/gen/ent/directory/address"
	entuser "github.com/bongsu-project/bongsu/gen/ent/directory/user"
	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/directory"
)

// Users returns users by id.
func (s *Store) Users(ctx context.Context, after, limit int) (list []directory.User, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		list, err = listUsers(ctx, t, after, limit)
		return err
	})
	return list, err
}

// listUsers queries users by id, with their addresses.
func listUsers(ctx context.Context, t tx, after, limit int) (list []directory.User, err error) {
	query := t.User.Query().Where(entuser.IDGT(after)).Order(entuser.ByID())
	if limit > 0 {
		query.Limit(limit)
	}
	rows, err := query.All(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	first, last := rows[0].ID, rows[len(rows)-1].ID
	addresses, err := t.Address.Query().Where(
		entsql.FieldGTE(entaddress.FieldUserID, first),
		entsql.FieldLTE(entaddress.FieldUserID, last),
	).Order(entaddress.ByUserID(), entaddress.ByID()).All(ctx)
	if err != nil {
		return nil, err
	}
	list = make([]directory.User, len(rows))
	for i, row := range rows {
		of := 0
		for of < len(addresses) && addresses[of].UserID == row.ID {
			of++
		}
		if list[i], err = toUser(row, addresses[:of]); err != nil {
			return nil, err
		}
		addresses = addresses[of:]
	}
	return list, nil
}

// User returns one user.
func (s *Store) User(ctx context.Context, nickname string) (u directory.User, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		u, err = findUser(ctx, t, nickname)
		return err
	})
	return u, err
}

// AddUser stores a user with addresses.
func (s *Store) AddUser(ctx context.Context, u directory.User) (added directory.User, err error) {
	if err := checkOnePerMessenger(u.Addresses); err != nil {
		return directory.User{}, err
	}
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		row, err := t.User.Create().SetNickname(u.Nickname).SetFailover(u.Failover).SetQuietHours(quiethours.Encode(u.QuietHours)).Save(ctx)
		if err != nil {
			return nicknameTaken(err, u.Nickname)
		}
		rows, err := t.Address.MapCreateBulk(u.Addresses, func(c *ent.AddressCreate, i int) {
			c.SetUserID(row.ID)
			setAddressFields(c.Mutation(), u.Addresses[i])
		}).Save(ctx)
		if err != nil {
			return err
		}
		added, err = toUser(row, rows)
		return err
	})
	return added, err
}

// ChangeUser changes the fields of a user that c sets.
func (s *Store) ChangeUser(ctx context.Context, nickname string, c directory.UserChange) (u directory.User, err error) {
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		id, err := lockUser(ctx, t, nickname, " FOR UPDATE")
		if err != nil {
			return err
		}
		if c.Nickname != nil {
			if err := resealUser(ctx, t, id, nickname, c.Reseal); err != nil {
				return err
			}
		}
		update := t.User.UpdateOneID(id).SetNillableNickname(c.Nickname).SetNillableFailover(c.Failover)
		if c.QuietHours != nil {
			update.SetQuietHours(quiethours.Encode(*c.QuietHours))
		}
		err = update.Exec(ctx)
		if ent.IsNotFound(err) {
			return errNoUser(nickname) // deleted concurrently
		}
		now := nickname
		if c.Nickname != nil {
			now = *c.Nickname
		}
		if err != nil {
			return nicknameTaken(err, now)
		}
		u, err = findUser(ctx, t, now)
		return err
	})
	return u, err
}

// DeleteUser deletes a user; the database deletes their addresses and
// memberships with them.
func (s *Store) DeleteUser(ctx context.Context, nickname string) error {
	return s.write(ctx, func(ctx context.Context, t tx) error {
		n, err := t.User.Delete().Where(entuser.Nickname(nickname)).Exec(ctx)
		if err == nil && n == 0 {
			return errNoUser(nickname)
		}
		return err
	})
}

// findUser returns the user with a nickname.
func findUser(ctx context.Context, t tx, nickname string) (directory.User, error) {
	row, err := t.User.Query().Where(entuser.Nickname(nickname)).
		WithAddresses(func(q *ent.AddressQuery) { q.Order(entaddress.ByID()) }).Only(ctx)
	if ent.IsNotFound(err) {
		return directory.User{}, errNoUser(nickname)
	}
	if err != nil {
		return directory.User{}, err
	}
	return toUser(row, row.Edges.Addresses)
}

// lockUserID returns the id of the user with a nickname. The nickname cannot change until the
// transaction ends, because credentials are sealed for it.
func lockUserID(ctx context.Context, t tx, nickname string) (int, error) {
	return lockUser(ctx, t, nickname, " FOR SHARE")
}

// lockUser returns the id of the user with a nickname, and locks the row with the given
// PostgreSQL clause. SQLite has one writer at a time.
func lockUser(ctx context.Context, t tx, nickname, lock string) (int, error) {
	if !t.sql.Postgres() {
		lock = ""
	}
	ids, err := database.Select(ctx, t.sql, func(rows *sql.Rows, id *int) error { return rows.Scan(id) },
		`SELECT id FROM users WHERE nickname = ?`+lock, nickname)
	if err != nil {
		return 0, err
	}
	if len(ids) == 0 {
		return 0, errNoUser(nickname)
	}
	return ids[0], nil
}

func toUser(row *ent.User, addresses []*ent.Address) (directory.User, error) {
	hours, err := quiethours.Decode(row.QuietHours)
	u := directory.User{ID: row.ID, Nickname: row.Nickname, Failover: row.Failover, Addresses: make([]directory.Address, len(addresses)), QuietHours: hours}
	for i, a := range addresses {
		u.Addresses[i] = toAddress(a)
	}
	return u, err
}

func errNoUser(nickname string) error {
	return fault.WithResource(fault.NotFoundf("user %q not found", nickname), "user", nickname)
}

func errNoMember(nickname string, g directory.Group) error {
	return fault.WithResource(fault.NotFoundf("user %q in group %d not found", nickname, g.ID), "member", nickname)
}

// nicknameTaken converts the unique violation of a nickname to fault.ErrExists. It returns
// other errors unchanged.
func nicknameTaken(err error, nickname string) error {
	if database.IsUniqueViolation(err) {
		return fault.WithResource(fault.Existsf("user %q already exists", nickname), "user", nickname)
	}
	return err
}
