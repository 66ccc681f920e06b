package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// NameStore lists and changes names.
type NameStore interface {
	// Names returns the names of all users and all groups, by id.
	Names(ctx context.Context) (users, groups []StoredName, err error)
	// ChangeUser and RenameGroup are those of Users and Groups.
	ChangeUser(ctx context.Context, nickname string, c UserChange) (User, error)
	RenameGroup(ctx context.Context, id int, name string) (Group, error)
}

// A StoredName is the stored name of a user or group.
type StoredName struct {
	ID   int
	Text string
}

// renameTries is the maximum number of passes while other processes change names.
const renameTries = 5

// CanonicalizeNames renames users and groups whose stored name is not in the canonical
// form, in which names are looked up. If that form is taken, a number is appended to
// it, and the renaming is logged: no user loses addresses or memberships. Several
// processes may run it concurrently.
func CanonicalizeNames(ctx context.Context, d NameStore, key *seal.Keyring, log *slog.Logger) error {
	var err error
	for range renameTries {
		var users, groups []StoredName
		if users, groups, err = d.Names(ctx); err != nil {
			return err
		}
		err = errors.Join(
			renameAll(canonicalNames(users), "user", log, func(r renaming) error {
				_, err := d.ChangeUser(ctx, r.from.Text, UserChange{
					Nickname: &r.to,
					Reseal:   resealWith(key, func(of *seal.Owner) { of.Name = r.to }),
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
	return fmt.Errorf("canonicalize names: %w", err)
}

// A renaming is a new name for one user or group.
type renaming struct {
	from  StoredName
	to    string
	taken bool // the canonical form was taken or too long, and to has a number
}

// renameAll renames users or groups. After an error it continues with the others.
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
			log.Warn("stored name renamed with a number, because its canonical form is taken or too long; rename it if needed",
				"kind", kind, "id", r.from.ID, "from", fmt.Sprintf("%+q", r.from.Text), "to", r.to)
		}
	}
	if done > 0 {
		log.Info("stored names canonicalized", "kind", kind, "names", done)
	}
	return failed
}

// canonicalNames returns the renamings that put all names into their canonical form. A
// name that is in that form already is kept.
func canonicalNames(all []StoredName) []renaming {
	var others []StoredName
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

// numbered returns a name that is not taken: name, truncated if necessary, with a number.
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
