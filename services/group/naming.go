package group

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/seal"
	"github.com/bongsu-project/bongsu/internal/target"
)

// Naming tells names, and gives others.
type Naming interface {
	// Names returns the names of all users and of all groups, by id.
	Names(ctx context.Context) (users, groups []Name, err error)
	// ChangeUser and RenameGroup are those of Users and Groups.
	ChangeUser(ctx context.Context, nickname string, c UserChange) (User, error)
	RenameGroup(ctx context.Context, id int, name string) (Group, error)
}

// A Name is what one user or one group is called.
type Name struct {
	ID   int
	Text string
}

// renameTries is how often names are read again that another process changes meanwhile.
const renameTries = 5

// CanonicalizeNames gives users and groups whose names are stored in another form than
// the canonical one, in which they are looked up, that form. Where somebody bears it
// already, it is made another by a number behind it, and that is logged: nobody loses
// their addresses or memberships. Several processes may do so at once.
func CanonicalizeNames(ctx context.Context, d Naming, key *seal.Key, log *slog.Logger) error {
	var err error
	for range renameTries {
		var users, groups []Name
		if users, groups, err = d.Names(ctx); err != nil {
			return err
		}
		err = errors.Join(
			renameAll(canonicalNames(users), "user", log, func(r renaming) error {
				_, err := d.ChangeUser(ctx, r.from.Text, UserChange{
					Nickname: &r.to,
					Reseal:   resealing(key, func(of *seal.Owner) { of.Nickname = r.to }),
				})
				return err
			}),
			renameAll(canonicalNames(groups), "group", log, func(r renaming) error {
				_, err := d.RenameGroup(ctx, r.from.ID, r.to)
				return err
			}),
		)
		if !errors.Is(err, fault.ErrExists) && !errors.Is(err, fault.ErrNotFound) {
			return err
		}
	}
	return fmt.Errorf("names cannot be put into their canonical form: %w", err)
}

// A renaming gives one user or group another name.
type renaming struct {
	from  Name
	to    string
	taken bool // by another, so that to is not just another form of the name
}

// renameAll renames users or groups, all that can be.
func renameAll(all []renaming, kind string, log *slog.Logger, rename func(renaming) error) error {
	var failed error
	done := 0
	for _, r := range all {
		if err := rename(r); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		done++
		if r.taken {
			log.Warn("a stored name was given a number: in its canonical form another bears it, or it is too long; rename it as you like",
				"kind", kind, "id", r.from.ID, "from", fmt.Sprintf("%+q", r.from.Text), "to", r.to)
		}
	}
	if done > 0 {
		log.Info("stored names were put into their canonical form", "kind", kind, "names", done)
	}
	return failed
}

// canonicalNames returns the renamings that put all names into their canonical form, each
// once. Who bears a name in that form keeps it.
func canonicalNames(all []Name) []renaming {
	var others []Name
	taken := make(map[string]bool, len(all))
	for _, n := range all {
		if target.CanonicalName(n.Text) == n.Text {
			taken[n.Text] = true
		} else {
			others = append(others, n)
		}
	}
	renamings := make([]renaming, 0, len(others))
	for _, n := range others {
		r := renaming{from: n, to: target.CanonicalName(n.Text)}
		if taken[r.to] || utf8.RuneCountInString(r.to) > target.MaxName {
			r.to, r.taken = numbered(r.to, taken), true
		}
		taken[r.to] = true
		renamings = append(renamings, r)
	}
	return renamings
}

// numbered returns a name that is not taken: name, cut where it is too long, with a number.
func numbered(name string, taken map[string]bool) string {
	for n := 2; ; n++ {
		suffix := fmt.Sprintf("~%d", n)
		runes := []rune(name)
		runes = runes[:min(len(runes), target.MaxName-len(suffix))]
		if to := strings.TrimRight(string(runes), " ") + suffix; !taken[to] {
			return to
		}
	}
}
