package store

import (
	"context"

	entgroup "github.com/bongsu-project/bongsu/gen/ent/directory/group"
	entuser "github.com/bongsu-project/bongsu/gen/ent/directory/user"
	"github.com/bongsu-project/bongsu/services/directory"
)

// Members returns a group and its users.
func (s *Store) Members(ctx context.Context, id int) (g directory.Group, users []directory.User, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		if g, err = findGroup(ctx, t, id); err != nil {
			return err
		}
		rows, err := t.User.Query().Where(entuser.HasGroupsWith(entgroup.ID(id))).Order(entuser.ByID()).All(ctx)
		users = make([]directory.User, len(rows))
		for i, row := range rows {
			users[i] = directory.User{ID: row.ID, Nickname: row.Nickname}
		}
		return err
	})
	return g, users, err
}

// AddMember adds a user to a group.
func (s *Store) AddMember(ctx context.Context, id int, nickname string) error {
	return s.write(ctx, func(ctx context.Context, t tx) error {
		if _, err := findGroup(ctx, t, id); err != nil {
			return err
		}
		user, err := lockUserID(ctx, t, nickname)
		if err != nil {
			return err
		}
		_, err = t.sql.Exec(ctx, `INSERT INTO groups_users (group_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, id, user)
		return err
	})
}

// RemoveMember removes a user from a group.
func (s *Store) RemoveMember(ctx context.Context, id int, nickname string) error {
	return s.write(ctx, func(ctx context.Context, t tx) error {
		n, err := t.sql.Exec(ctx, `DELETE FROM groups_users WHERE group_id = ? AND user_id IN
			(SELECT id FROM users WHERE nickname = ?)`, id, nickname)
		if err != nil || n > 0 {
			return err
		}
		g, err := findGroup(ctx, t, id)
		if err != nil {
			return err
		}
		return errNoMember(nickname, g)
	})
}
