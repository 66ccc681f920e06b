// Package store stores incidents in a SQL database.
package store

import (
	"context"
	"errors"
	"time"

	"entgo.io/ent/dialect"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/incident"
)

// maxStatementRows is the maximum number of rows of one statement. The number of parameters of
// so many rows stays below the limit of SQLite.
const maxStatementRows = 256

// A Store is a store in its own database.
type Store struct {
	db *database.Database
}

var _ incident.Store = (*Store)(nil)

// Open opens the store at url, as database.Open does. The caller must close it.
func Open(ctx context.Context, url string) (*Store, error) {
	db, err := database.Open(ctx, url, Schema)
	if err != nil {
		return nil, err
	}
	return &Store{db: db}, nil
}

// Close closes the database connections. It must be called once.
func (s *Store) Close() error { return s.db.Close() }

// Ping checks the database connection, and returns fault.ErrUnavailable without a
// response.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// write runs f in a transaction. ErrLeaseLost is returned as it is.
func (s *Store) write(ctx context.Context, f func(context.Context, *database.Tx) error) error {
	err := s.db.Write(ctx, f)
	if errors.Is(err, incident.ErrLeaseLost) {
		return incident.ErrLeaseLost
	}
	return err
}

// IsShared reports whether other processes may use the database too.
func (s *Store) IsShared() bool { return s.db.Dialect() == dialect.Postgres }

// micros returns a time as it is stored: 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment returns a stored time.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
