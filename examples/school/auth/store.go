package auth

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/event"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/stream"
)

//go:embed migrations
var migrations embed.FS

// Schema is the schema of the store.
var Schema = database.Schema{Name: "auth", Application: "school", Migrations: migrations}

// A Store keeps the accounts in a database. It is safe for concurrent use.
type Store struct {
	db      *database.Database
	outbox  *stream.Outbox
	changed chan struct{} // has a value if there may be changes for the directory
}

// NewStore returns a store in a database with an outbox.
func NewStore(db *database.Database, outbox *stream.Outbox) *Store {
	return &Store{db, outbox, make(chan struct{}, 1)}
}

// wake publishes events and brings changes into the directory at once.
func (s *Store) wake() {
	s.outbox.Wake()
	select {
	case s.changed <- struct{}{}:
	default: // it is awake
	}
}

const accountColumns = "id, role, name, phone, email, grade, class, number, approved, create_time"

func scanAccount(rows *sql.Rows, a *Account) error {
	var created int64
	var approved int
	err := rows.Scan(&a.ID, &a.Role, &a.Name, &a.Phone, &a.Email, &a.Grade, &a.Class, &a.Number, &approved, &created)
	a.Approved, a.Created = approved == 1, time.UnixMicro(created).UTC()
	return err
}

// Add stores a new account with the hash of its password. It returns fault.ErrExists with the field
// that is taken, and fault.ErrInvalid for a child that is no student.
func (s *Store) Add(ctx context.Context, a Account, hash string) error {
	err := s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, `INSERT INTO accounts (id, role, name, phone, email, grade, class, number, password, approved, create_time, revision, synced)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 1, 0)`,
			a.ID, string(a.Role), a.Name, a.Phone, a.Email, a.Grade, a.Class, a.Number, hash, a.Created.UnixMicro())
		if err != nil {
			return err
		}
		for i, child := range a.Children {
			n, err := t.Exec(ctx, "INSERT INTO children (parent, child) SELECT ?, id FROM accounts WHERE id = ? AND role = 'student'", a.ID, child)
			if err != nil {
				return err
			}
			if n == 0 {
				return fault.WithField(fault.Invalidf("children: %s is not the account of a student", child), childField(i))
			}
		}
		return nil
	})
	if database.IsUniqueViolation(err) {
		return s.taken(ctx, a)
	}
	return err
}

// addNew is Add for an account that may exist.
func (s *Store) addNew(ctx context.Context, a Account, hash string) error {
	err := s.Add(ctx, a, hash)
	if errors.Is(err, fault.ErrExists) {
		return nil
	}
	return err
}

// taken returns fault.ErrExists with the field of an account that another one has.
func (s *Store) taken(ctx context.Context, a Account) error {
	type row struct{ id, phone string }
	var found []row
	err := s.db.Read(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		found, err = database.Select(ctx, t, func(rows *sql.Rows, r *row) error { return rows.Scan(&r.id, &r.phone) },
			"SELECT id, phone FROM accounts WHERE id = ? OR phone = ? AND phone <> '' ORDER BY id <> ?", a.ID, a.Phone, a.ID)
		return err
	})
	switch {
	case err != nil:
		return err
	case len(found) > 0 && found[0].id == a.ID:
		return fault.WithField(fault.Existsf("account %s already exists", a.ID), "id")
	case slices.ContainsFunc(found, func(r row) bool { return r.id != a.ID }):
		return phoneTaken(a)
	case a.Role == Student:
		return fault.WithField(fault.Existsf("another student has number %d of class %d-%d", a.Number, a.Grade, a.Class), "number")
	default:
		return fault.WithField(fault.Existsf("class %d-%d has a homeroom teacher", a.Grade, a.Class), "class")
	}
}

// Account returns an account, or fault.ErrNotFound.
func (s *Store) Account(ctx context.Context, id string) (a Account, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		a, err = account(ctx, t, id)
		return err
	})
	return a, err
}

func account(ctx context.Context, t *database.Tx, id string) (Account, error) {
	all, err := accounts(ctx, t, "WHERE id = ?", id)
	if err == nil && len(all) == 0 {
		err = notFound(id)
	}
	if err != nil {
		return Account{}, err
	}
	return all[0], nil
}

// accounts returns the accounts of a condition, with their children.
func accounts(ctx context.Context, t *database.Tx, condition string, args ...any) ([]Account, error) {
	all, err := database.Select(ctx, t, scanAccount, "SELECT "+accountColumns+" FROM accounts "+condition, args...)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(all))
	for i, a := range all {
		ids[i] = a.ID
	}
	in, texts := t.Texts(ids)
	type pair struct{ parent, child string }
	pairs, err := database.Select(ctx, t, func(rows *sql.Rows, p *pair) error { return rows.Scan(&p.parent, &p.child) },
		"SELECT parent, child FROM children WHERE parent IN "+in+" ORDER BY parent, child", texts)
	for _, p := range pairs {
		i := slices.Index(ids, p.parent)
		all[i].Children = append(all[i].Children, p.child)
	}
	return all, err
}

// A Query selects accounts; a zero field selects all.
type Query struct {
	Role         Role
	Approved     *bool
	Grade, Class int
	Text         string // id or name contain it
	After        Cursor
	Limit        int
}

// A Cursor is the place of an account in a list.
type Cursor struct{ Name, ID string }

// Accounts returns accounts after a cursor, by name and id.
func (s *Store) Accounts(ctx context.Context, q Query) (all []Account, err error) {
	conditions, args := []string{"(name, id) > (?, ?)"}, []any{q.After.Name, q.After.ID}
	add := func(condition string, values ...any) {
		conditions, args = append(conditions, condition), append(args, values...)
	}
	if q.Role != "" {
		add("role = ?", string(q.Role))
	}
	if q.Approved != nil {
		add("approved = ?", number(*q.Approved))
	}
	if q.Grade > 0 {
		add("grade = ?", q.Grade)
	}
	if q.Class > 0 {
		add("class = ?", q.Class)
	}
	if q.Text != "" {
		pattern := database.Contains(q.Text)
		add(`(lower(name) LIKE ? ESCAPE '\' OR id LIKE ? ESCAPE '\')`, pattern, pattern)
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = accounts(ctx, t, "WHERE "+strings.Join(conditions, " AND ")+" ORDER BY name, id LIMIT ?", append(args, q.Limit)...)
		return err
	})
	return all, err
}

// Approve approves an account, whose person can sign in then, and publishes it. allowed decides by the account. It
// returns fault.ErrNotFound without the account, and the error of allowed.
func (s *Store) Approve(ctx context.Context, id string, allowed func(Account) error) (a Account, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if a, err = account(ctx, t, id); err != nil {
			return err
		}
		if err = allowed(a); err != nil {
			return err
		}
		n, err := t.Exec(ctx, "UPDATE accounts SET approved = 1, revision = revision + 1 WHERE id = ? AND approved = 0", id)
		if err != nil || n == 0 {
			return err
		}
		a.Approved = true
		return event.Add(ctx, s.outbox, t, accountEvent("school.auth.account_approved", a))
	})
	s.wake()
	return a, err
}

// Refuse deletes an account that waits for approval. It returns fault.ErrPrecondition for one that is
// approved; otherwise as Approve.
func (s *Store) Refuse(ctx context.Context, id string, allowed func(Account) error) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		a, err := account(ctx, t, id)
		if err != nil {
			return err
		}
		if err := allowed(a); err != nil {
			return err
		}
		n, err := t.Exec(ctx, "DELETE FROM accounts WHERE id = ? AND approved = 0", id)
		if err == nil && n == 0 {
			err = fault.Preconditionf("account %s is approved", id)
		}
		return err
	})
}

// Update changes phone and mail address, where they are not nil. It returns fault.ErrNotFound, or
// fault.ErrExists for a phone that is taken.
func (s *Store) Update(ctx context.Context, id string, phone, email *string) (a Account, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if a, err = account(ctx, t, id); err != nil {
			return err
		}
		if phone != nil {
			a.Phone = *phone
		}
		if email != nil {
			a.Email = *email
		}
		if _, err = t.Exec(ctx, "UPDATE accounts SET phone = ?, email = ?, revision = revision + 1 WHERE id = ?", a.Phone, a.Email, id); err != nil || !a.Approved {
			return err
		}
		return event.Add(ctx, s.outbox, t, accountEvent("school.auth.account_changed", a))
	})
	if database.IsUniqueViolation(err) {
		return Account{}, phoneTaken(a)
	}
	s.wake()
	return a, err
}

func phoneTaken(a Account) error {
	return fault.WithField(fault.Existsf("another account has the phone %s", a.Phone), "phone")
}

// Password returns an account and the hash of its password, or fault.ErrNotFound.
func (s *Store) Password(ctx context.Context, id string) (a Account, hash string, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		if a, err = account(ctx, t, id); err != nil {
			return err
		}
		hashes, err := database.Select(ctx, t, func(rows *sql.Rows, h *string) error { return rows.Scan(h) }, "SELECT password FROM accounts WHERE id = ?", id)
		if err == nil && len(hashes) == 0 {
			err = notFound(id)
		}
		if err != nil {
			return err
		}
		hash = hashes[0]
		return nil
	})
	return a, hash, err
}

// SetPassword replaces the hash of a password, and revokes all refresh tokens of the account. It returns
// fault.ErrNotFound without the account.
func (s *Store) SetPassword(ctx context.Context, id, hash string) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error { return setPassword(ctx, t, id, hash) })
}

func setPassword(ctx context.Context, t *database.Tx, id, hash string) error {
	n, err := t.Exec(ctx, "UPDATE accounts SET password = ? WHERE id = ?", hash, id)
	if err == nil && n == 0 {
		err = notFound(id)
	}
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, "DELETE FROM refresh_tokens WHERE account = ?", id)
	return err
}

// A Change is an approved account whose particulars the directory of Bongsu has not got.
type Change struct {
	Account
	Revision int64
}

// Changes returns up to limit changes for the directory, by id.
func (s *Store) Changes(ctx context.Context, limit int) (changes []Change, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		const condition = "WHERE approved = 1 AND synced < revision ORDER BY id LIMIT ?"
		all, err := accounts(ctx, t, condition, limit)
		if err != nil {
			return err
		}
		revisions, err := database.Select(ctx, t, func(rows *sql.Rows, n *int64) error { return rows.Scan(n) }, "SELECT revision FROM accounts "+condition, limit)
		if err == nil && len(revisions) != len(all) {
			err = errors.New("auth: two reads of one snapshot differ")
		}
		changes = make([]Change, len(all))
		for i := range all {
			changes[i] = Change{all[i], revisions[i]}
		}
		return err
	})
	return changes, err
}

// Synced notes that the directory has got a change.
func (s *Store) Synced(ctx context.Context, c Change) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, "UPDATE accounts SET synced = ? WHERE id = ? AND synced < ?", c.Revision, c.ID, c.Revision)
		return err
	})
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
