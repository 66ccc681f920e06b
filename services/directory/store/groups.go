package store

import (
	"context"

	ent "github.com/bongsu-project/bongsu/gen/ent/directory"
	entgroup "github.com/bongsu-project/bongsu/gen/ent/directory/group"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/directory"
)

// Groups returns groups by id.
func (s *Store) Groups(ctx context.Context, after, limit int, name string) (groups []directory.Group, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		query := t.Group.Query().Where(entgroup.IDGT(after)).Order(entgroup.ByID())
		if name != "" {
			query.Where(entgroup.Name(name))
		}
		if limit > 0 {
			query.Limit(limit)
		}
		rows, err := query.All(ctx)
		groups = make([]directory.Group, len(rows))
		for i, row := range rows {
			groups[i] = toGroup(row)
		}
		return err
	})
	return groups, err
}

// Group returns one group.
func (s *Store) Group(ctx context.Context, id int) (g directory.Group, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		g, err = findGroup(ctx, t, id)
		return err
	})
	return g, err
}

// AddGroup stores a group.
func (s *Store) AddGroup(ctx context.Context, name string) (g directory.Group, err error) {
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		row, err := t.Group.Create().SetName(name).Save(ctx)
		if err != nil {
			return groupNameTaken(err, name)
		}
		g = toGroup(row)
		return nil
	})
	return g, err
}

// RenameGroup renames a group.
func (s *Store) RenameGroup(ctx context.Context, id int, name string) (g directory.Group, err error) {
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		row, err := t.Group.UpdateOneID(id).SetName(name).Save(ctx)
		if ent.IsNotFound(err) {
			return errNoGroup(id)
		}
		if err != nil {
			return groupNameTaken(err, name)
		}
		g = toGroup(row)
		return nil
	})
	return g, err
}

// DeleteGroup deletes a group; the database deletes its memberships with it.
func (s *Store) DeleteGroup(ctx context.Context, id int) error {
	return s.write(ctx, func(ctx context.Context, t tx) error {
		err := t.Group.DeleteOneID(id).Exec(ctx)
		if ent.IsNotFound(err) {
			return errNoGroup(id)
		}
		return err
	})
}

// findGroup returns the group with an id.
func findGroup(ctx context.Context, t tx, id int) (directory.Group, error) {
	row, err := t.Group.Get(ctx, id)
	if ent.IsNotFound(err) {
		return directory.Group{}, errNoGroup(id)
	}
	if err != nil {
		return directory.Group{}, err
	}
	return toGroup(row), nil
}

func toGroup(row *ent.Group) directory.Group { return directory.Group{ID: row.ID, Name: row.Name} }

func errNoGroup(id int) error {
	return fault.WithResource(fault.NotFoundf("group %d not found", id), "group", id)
}

// groupNameTaken converts the unique violation of a group name to fault.ErrExists. It
// returns other errors unchanged.
func groupNameTaken(err error, name string) error {
	if database.IsUniqueViolation(err) {
		return fault.WithResource(fault.Existsf("group %q already exists", name), "group", name)
	}
	return err
}
