// Package store stores users, groups and addresses in a SQL database. Unique
// indexes keep names unique under concurrent writes.
package store

import (
	"context"
	"errors"

	ent "github.com/bongsu-project/bongsu/gen/ent/directory"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/directory"
)

// A Store is a directory in its own database.
type Store struct {
	db      *database.Database
	lookups *database.Batcher[*lookup]
	cache   *lookupCache
}

var _ directory.Directory = (*Store)(nil)

// Open opens the directory at url, as database.Open does. The caller must close it.
func Open(ctx context.Context, url string) (*Store, error) {
	db, err := database.Open(ctx, url, Schema)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, cache: newLookupCache()}
	s.lookups = database.NewBatcher("the directory", lookupWorkers, maxLookupBatch, (*lookup).rows, s.runLookups)
	return s, nil
}

// Close waits for running calls, refuses new ones with fault.ErrUnavailable, and closes
// the database connections. It must be called once.
func (s *Store) Close() error {
	s.lookups.Close()
	return s.db.Close()
}

// Ping checks the database connection, and returns fault.ErrUnavailable without a
// response.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// A tx is a transaction with its ent client.
type tx struct {
	*ent.Client
	sql *database.Tx
}

// read runs f in a transaction with a consistent snapshot of the directory.
func (s *Store) read(ctx context.Context, f func(context.Context, tx) error) error {
	return s.db.Read(ctx, withEntClient(f))
}

// write runs f in a transaction that changes the directory. If a row refers to one that
// another transaction deleted concurrently, f runs once more, and then sees the
// deletion.
func (s *Store) write(ctx context.Context, f func(context.Context, tx) error) error {
	change := withEntClient(func(ctx context.Context, t tx) error {
		if err := f(ctx, t); err != nil {
			return err
		}
		return bumpRevision(ctx, t.sql)
	})
	err := s.db.Write(ctx, change)
	if database.IsForeignKeyViolation(err) {
		return s.db.Write(ctx, change)
	}
	return err
}

// withEntClient runs f with an ent client, and converts validation errors of ent to errors of
// package fault.
func withEntClient(f func(context.Context, tx) error) func(context.Context, *database.Tx) error {
	return func(ctx context.Context, t *database.Tx) error {
		err := f(ctx, tx{Client: ent.NewClient(ent.Driver(t.Driver())), sql: t})
		if invalid, ok := errors.AsType[*ent.ValidationError](err); ok {
			return validationError(invalid)
		}
		return err
	}
}

// validationError converts a validation error of ent to fault.ErrInvalid, with the field and
// the reason from the schema.
func validationError(err *ent.ValidationError) error {
	why := errors.Unwrap(errors.Unwrap(err)) // the error between them names Go types
	if why == nil {
		return fault.InvalidField(err.Name, "invalid value")
	}
	return fault.InvalidField(err.Name, "%w", why)
}
