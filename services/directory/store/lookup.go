package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/directory"
)

// maxLookupBatch is the maximum number of targets in a batch of several lookups, and
// lookupWorkers the number of batches that run concurrently.
const (
	maxLookupBatch = 1000
	lookupWorkers  = 2
)

// A lookup is one call of Find with its results.
type lookup struct {
	targets []target.Target
	found   []directory.Recipient
	unknown []target.Target
}

func (l *lookup) rows() int { return len(l.targets) }

// Find returns the recipients of targets as of some moment after the call began.
// Concurrent calls are batched, and use the lookup cache if it is of the current
// revision. A lookup of @all takes long, and is not batched.
func (s *Store) Find(ctx context.Context, targets []target.Target) (found []directory.Recipient, unknown []target.Target, err error) {
	mine := &lookup{targets: targets}
	if slices.ContainsFunc(targets, func(t target.Target) bool { return t.Kind == target.All }) {
		err = s.runLookups(ctx, []*lookup{mine})
	} else {
		err = s.lookups.Do(ctx, mine)
	}
	if err != nil { // the batch may still write to mine
		return nil, nil, err
	}
	return mine.found, mine.unknown, nil
}

// runLookups runs a batch of lookups, from the lookup cache or else from the database.
func (s *Store) runLookups(ctx context.Context, lookups []*lookup) error {
	var targets []target.Target
	for _, l := range lookups {
		targets = append(targets, l.targets...)
	}
	now, _, err := s.db.QueryInt(ctx, selectRevision)
	if err != nil {
		return err
	}
	resolved, missing := s.cache.get(now, targets)
	if len(missing) > 0 {
		if resolved, err = s.queryTargets(ctx, targets); err != nil {
			return err
		}
	}
	for _, l := range lookups {
		l.collect(resolved)
	}
	return nil
}

// queryTargets queries targets in one transaction. The targets that are not cached take four
// statements, which carry all names and ids in one parameter each.
func (s *Store) queryTargets(ctx context.Context, targets []target.Target) (resolved map[target.Target]*resolvedTarget, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		now, err := readRevision(ctx, t)
		if err != nil {
			return err
		}
		var missing []target.Target
		resolved, missing = s.cache.get(now, targets)
		if len(missing) == 0 {
			return nil
		}
		r, err := readTargetRows(ctx, t, missing)
		if err != nil {
			return err
		}
		for _, to := range missing {
			resolved[to] = r.resolve(to)
		}
		s.cache.put(now, resolved, missing)
		return nil
	})
	return resolved, err
}

// collect collects the recipients in the order of the targets, without duplicates.
func (l *lookup) collect(resolved map[target.Target]*resolvedTarget) {
	most := 0
	for _, to := range l.targets {
		most += resolved[to].recipients()
	}
	l.found, l.unknown = make([]directory.Recipient, 0, most), nil
	collected, missed := map[int]bool{}, map[target.Target]bool{}
	for _, to := range l.targets {
		t := resolved[to]
		if !t.exists && !missed[to] {
			missed[to] = true
			l.unknown = append(l.unknown, to)
		}
		for _, u := range t.users {
			if !collected[u.id] {
				collected[u.id] = true
				l.found = append(l.found, u.recipients...)
			}
		}
	}
}

// A targetRows holds the rows that targets resolve to.
type targetRows struct {
	users      map[string]int                // id by nickname
	groups     map[string]int                // id by name
	members    map[int][]int                 // user ids by group id, in order
	everybody  []int                         // ids of the users with an address, in order, if All is a target
	recipients map[int][]directory.Recipient // by user id, in order
}

// readTargetRows queries the rows of targets.
func readTargetRows(ctx context.Context, t *database.Tx, targets []target.Target) (r targetRows, err error) {
	names := map[target.Kind][]string{}
	for _, to := range targets {
		names[to.Kind] = append(names[to.Kind], to.Name)
	}
	if r.users, err = idsByName(ctx, t, `SELECT id, nickname FROM users WHERE nickname IN `, names[target.User]); err != nil {
		return r, err
	}
	if r.groups, err = idsByName(ctx, t, `SELECT id, groupname FROM "groups" WHERE groupname IN `, names[target.Group]); err != nil {
		return r, err
	}
	if r.members, err = membersOf(ctx, t, slices.Collect(maps.Values(r.groups))); err != nil {
		return r, err
	}
	if len(names[target.All]) > 0 {
		return r, r.addresses(ctx, t, "")
	}
	users := slices.Collect(maps.Values(r.users))
	for _, of := range r.members {
		users = append(users, of...)
	}
	in, ids := t.Ints(users)
	return r, r.addresses(ctx, t, "WHERE u.id IN "+in, ids)
}

// idsByName returns the ids of names that exist.
func idsByName(ctx context.Context, t *database.Tx, query string, names []string) (map[string]int, error) {
	type bearer struct {
		id   int
		name string
	}
	in, parameter := t.Texts(names)
	rows, err := database.Select(ctx, t, func(rows *sql.Rows, b *bearer) error {
		return rows.Scan(&b.id, &b.name)
	}, query+in, parameter)
	ids := make(map[string]int, len(rows))
	for _, b := range rows {
		ids[b.name] = b.id
	}
	return ids, err
}

// membersOf returns the user ids of groups.
func membersOf(ctx context.Context, t *database.Tx, groups []int) (map[int][]int, error) {
	in, parameter := t.Ints(groups)
	rows, err := database.Select(ctx, t, func(rows *sql.Rows, m *[2]int) error {
		return rows.Scan(&m[0], &m[1])
	}, `SELECT group_id, user_id FROM groups_users WHERE group_id IN `+in+` ORDER BY group_id, user_id`, parameter)
	members := make(map[int][]int, len(groups))
	for _, m := range rows {
		members[m[0]] = append(members[m[0]], m[1])
	}
	return members, err
}

// addresses queries the addresses of the users that satisfy a condition.
func (r *targetRows) addresses(ctx context.Context, t *database.Tx, condition string, args ...any) error {
	r.recipients = map[int][]directory.Recipient{}
	type address struct {
		user int
		directory.Recipient
	}
	hours := quietHoursReader{}
	rows, err := database.Select(ctx, t, func(rows *sql.Rows, a *address) (err error) {
		var quiet string
		if err := rows.Scan(&a.user, &a.Nickname, &a.Address.ID, &a.Address.Messenger, &a.Address.SealedCredential,
			&a.Address.CredentialFingerprint, &a.Address.Destination, &a.Address.Rank, &a.Failover, &quiet); err != nil {
			return err
		}
		a.QuietHours, err = hours.decode(quiet)
		return err
	}, `SELECT u.id, u.nickname, a.id, a.service_type, a.token, a.credential_key, a.target, a.rank, u.failover, u.quiet_hours
		FROM users u JOIN users_messengers a ON a.user_id = u.id `+condition+` ORDER BY u.id, a.rank, a.id`, args...)
	for _, a := range rows {
		r.recipients[a.user] = append(r.recipients[a.user], a.Recipient)
		if n := len(r.everybody); n == 0 || r.everybody[n-1] != a.user {
			r.everybody = append(r.everybody, a.user)
		}
	}
	return err
}

// A quietHoursReader decodes quiet hours, each text once.
type quietHoursReader map[string]*quiethours.Hours

// decode returns the quiet hours with a text; nil for an empty text.
func (r quietHoursReader) decode(text string) (*quiethours.Hours, error) {
	if text == "" {
		return nil, nil
	}
	if hours, ok := r[text]; ok {
		return hours, nil
	}
	hours, err := quiethours.Decode(text)
	r[text] = hours
	return hours, err
}

// resolve resolves a target.
func (r *targetRows) resolve(to target.Target) *resolvedTarget {
	users, borne := r.usersOf(to)
	t := &resolvedTarget{exists: borne}
	for _, user := range users {
		if recipients := r.recipients[user]; len(recipients) > 0 {
			t.users = append(t.users, resolvedUser{user, recipients})
		}
	}
	return t
}

// usersOf returns the user ids of a target, and reports whether its name exists.
func (r *targetRows) usersOf(to target.Target) (users []int, borne bool) {
	switch to.Kind {
	case target.All:
		return r.everybody, true
	case target.Group:
		id, borne := r.groups[to.Name]
		return r.members[id], borne
	default:
		id, borne := r.users[to.Name]
		return []int{id}, borne
	}
}
