package store

import (
	"context"

	entgroup "github.com/bongsu-project/bongsu/gen/ent/directory/group"
	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/services/directory"
)

// Snapshot returns a snapshot of the directory, in four statements.
func (s *Store) Snapshot(ctx context.Context) (all directory.Snapshot, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		all, _, err = readSnapshot(ctx, t)
		return err
	})
	return all, err
}

// Apply applies the changes that plan returns. Writers wait meanwhile; readers do not.
func (s *Store) Apply(ctx context.Context, plan func(directory.Snapshot) (directory.Changes, error)) error {
	return s.write(ctx, func(ctx context.Context, t tx) error {
		if t.sql.Postgres() { // SQLite has one writer at a time
			if _, err := t.sql.Exec(ctx, `LOCK TABLE users, "groups", users_messengers, groups_users IN SHARE ROW EXCLUSIVE MODE`); err != nil {
				return err
			}
		}
		have, ids, err := readSnapshot(ctx, t)
		if err != nil {
			return err
		}
		c, err := plan(have)
		if err != nil {
			return err
		}
		return applyChanges(ctx, t, c, ids)
	})
}

// An idIndex maps names to ids.
type idIndex struct{ users, groups map[string]int }

// readSnapshot queries a snapshot of the directory, and the ids of its names.
func readSnapshot(ctx context.Context, t tx) (all directory.Snapshot, ids idIndex, err error) {
	if all.Users, err = listUsers(ctx, t, 0, 0); err != nil {
		return all, ids, err
	}
	ids = idIndex{users: make(map[string]int, len(all.Users)), groups: map[string]int{}}
	names := make(map[int]string, len(all.Users))
	for _, u := range all.Users {
		ids.users[u.Nickname], names[u.ID] = u.ID, u.Nickname
	}
	rows, err := t.Group.Query().Order(entgroup.ByID()).All(ctx)
	if err != nil {
		return all, ids, err
	}
	of := make([]int, len(rows))
	for i, row := range rows {
		ids.groups[row.Name], of[i] = row.ID, row.ID
	}
	members, err := membersOf(ctx, t.sql, of)
	for _, row := range rows {
		m := directory.Membership{Group: row.Name, Members: make([]string, len(members[row.ID]))}
		for i, id := range members[row.ID] {
			m.Members[i] = names[id]
		}
		all.Groups = append(all.Groups, m)
	}
	return all, ids, err
}

// applyChanges applies changes, deletions first so that their names are free.
func applyChanges(ctx context.Context, t tx, c directory.Changes, ids idIndex) error {
	for _, m := range c.RemoveMembers {
		if _, err := t.sql.Exec(ctx, `DELETE FROM groups_users WHERE group_id = ? AND user_id = ?`, ids.groups[m.Group], ids.users[m.Nickname]); err != nil {
			return err
		}
	}
	if err := applyDeletions(ctx, t, c); err != nil {
		return err
	}
	added, err := fillUsers(ctx, t, c.AddUsers)
	if err != nil {
		return err
	}
	for name, id := range added {
		ids.users[name] = id
	}
	if err := fillAddresses(ctx, t, c.AddAddresses, ids.users); err != nil {
		return err
	}
	if err := updateUsers(ctx, t, c.SetUsers); err != nil {
		return err
	}
	for _, a := range c.SetAddresses {
		update := t.Address.UpdateOneID(a.ID)
		setAddressFields(update.Mutation(), a)
		if err := update.Exec(ctx); err != nil {
			return err
		}
	}
	if err := fillGroups(ctx, t, c.AddGroups, ids.users); err != nil {
		return err
	}
	members := make([][2]int, len(c.AddMembers))
	for i, m := range c.AddMembers {
		members[i] = [2]int{ids.groups[m.Group], ids.users[m.Nickname]}
	}
	return fillMembers(ctx, t, members)
}

// updateUsers updates the failover and the quiet hours of users, with one statement for each
// different pair of values.
func updateUsers(ctx context.Context, t tx, users []directory.User) error {
	type values struct {
		failover   bool
		quietHours string
	}
	ids := map[values][]int{}
	for _, u := range users {
		v := values{u.Failover, quiethours.Encode(u.QuietHours)}
		ids[v] = append(ids[v], u.ID)
	}
	for v, some := range ids {
		in, parameter := t.sql.Ints(some)
		if _, err := t.sql.Exec(ctx, `UPDATE users SET failover = ?, quiet_hours = ? WHERE id IN `+in, v.failover, v.quietHours, parameter); err != nil {
			return err
		}
	}
	return nil
}

// applyDeletions deletes addresses, groups and users; the database deletes the dependent rows
// with them.
func applyDeletions(ctx context.Context, t tx, c directory.Changes) error {
	in, parameter := t.sql.Ints(c.RemoveAddresses)
	if _, err := t.sql.Exec(ctx, `DELETE FROM users_messengers WHERE id IN `+in, parameter); err != nil {
		return err
	}
	in, parameter = t.sql.Texts(c.DeleteGroups)
	if _, err := t.sql.Exec(ctx, `DELETE FROM "groups" WHERE groupname IN `+in, parameter); err != nil {
		return err
	}
	in, parameter = t.sql.Texts(c.DeleteUsers)
	_, err := t.sql.Exec(ctx, `DELETE FROM users WHERE nickname IN `+in, parameter)
	return err
}
