// Package store stores rules, batches and dead letters of the event service in a SQL database.
package store

import (
	"context"
	"errors"
	"time"

	ent "github.com/bongsu-project/bongsu/gen/ent/event"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/event"
)

// A Store is a store in its own database.
type Store struct{ db *database.Database }

var _ event.Store = (*Store)(nil)

// Open opens the store at url, as database.Open does. The caller must close it.
func Open(ctx context.Context, url string) (*Store, error) {
	db, err := database.Open(ctx, url, Schema)
	if err != nil {
		return nil, err
	}
	return &Store{db}, nil
}

// Close waits for running calls and closes the database connections. It must be called once.
func (s *Store) Close() error { return s.db.Close() }

// Ping checks the database connection, and returns fault.ErrUnavailable without a
// response.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// client returns the ent client of a transaction.
func client(t *database.Tx) *ent.Client { return ent.NewClient(ent.Driver(t.Driver())) }

// invalidValue converts a validation error of ent to fault.ErrInvalid, with the field and the
// reason from the schema. It returns other errors unchanged.
func invalidValue(err error) error {
	invalid, ok := errors.AsType[*ent.ValidationError](err)
	if !ok {
		return err
	}
	why := errors.Unwrap(errors.Unwrap(invalid)) // the error between them names Go types
	if why == nil {
		return fault.InvalidField(invalid.Name, "invalid value")
	}
	return fault.InvalidField(invalid.Name, "%w", why)
}

// moment returns a stored time.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
