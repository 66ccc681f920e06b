// Package directory keeps users, groups and addresses in a SQL database. Names
// are told apart by the database's unique indexes, however many ask at once.
package directory

import (
	"context"
	"errors"
	"fmt"

	ent "github.com/bongsu-project/bongsu/gen/ent/directory"
	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/group"
)

// A Store is a directory in a database of its own.
type Store struct {
	db    *database.Database
	looks *database.Shared[*look]
	known *known
}

var _ group.Directory = (*Store)(nil)

// Open opens the directory at url, as database.Open does. It must be closed.
func Open(ctx context.Context, url string) (*Store, error) {
	db, err := database.Open(ctx, url, Schema)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, known: newKnown()}
	s.looks = database.NewShared("the directory", lookHands, looksTogether, (*look).rows, s.look)
	return s, nil
}

// Close waits for what has begun, refuses all else with fault.ErrUnavailable,
// and ends the store's connections. It must be called once.
func (s *Store) Close() error {
	s.looks.Close()
	return s.db.Close()
}

// Ping asks the database for an answer, and returns fault.ErrUnavailable where
// it gives none.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// A tx is a transaction with its ent client.
type tx struct {
	*ent.Client
	sql *database.Tx
}

// read runs f in a transaction that sees the directory at one moment.
func (s *Store) read(ctx context.Context, f func(context.Context, tx) error) error {
	return s.db.Read(ctx, within(f))
}

// write runs f in a transaction that changes the directory. A row that refers
// to one that another transaction deleted meanwhile makes f run once more: then
// it sees that it is gone.
func (s *Store) write(ctx context.Context, f func(context.Context, tx) error) error {
	change := within(func(ctx context.Context, t tx) error {
		if err := f(ctx, t); err != nil {
			return err
		}
		return revise(ctx, t.sql)
	})
	err := s.db.Write(ctx, change)
	if database.IsOrphan(err) {
		return s.db.Write(ctx, change)
	}
	return err
}

// within gives f an ent client, and says in the words of package fault what ent
// found wrong.
func within(f func(context.Context, tx) error) func(context.Context, *database.Tx) error {
	return func(ctx context.Context, t *database.Tx) error {
		err := f(ctx, tx{Client: ent.NewClient(ent.Driver(t.Driver())), sql: t})
		if invalid, ok := errors.AsType[*ent.ValidationError](err); ok {
			return notValid(invalid)
		}
		return err
	}
}

// notValid says which field ent found not valid, and why in the schema's words.
func notValid(err *ent.ValidationError) error {
	why := errors.Unwrap(errors.Unwrap(err)) // the middle names Go types
	if why == nil {
		return fmt.Errorf("%s: %w", err.Name, fault.ErrInvalid)
	}
	return fmt.Errorf("%s: %w: %w", err.Name, fault.ErrInvalid, why)
}
