// Package store stores inboxes in a SQL database.
package store

import (
	"context"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/inbox"
)

const (
	// maxStatementRows is the maximum number of rows of one statement. The number of parameters
	// of so many rows stays below the limit of SQLite.
	maxStatementRows = 256
	// maxBatchItems is the maximum number of items of a group commit of several calls; one call
	// may have more.
	maxBatchItems = 5_000
)

// A Store is a store in its own database. Concurrent calls of Add share a commit.
type Store struct {
	db   *database.Database
	adds *database.Batcher[*addition]
}

var _ inbox.Store = (*Store)(nil)

// Open opens the store at url, as database.Open does. The caller must close it.
func Open(ctx context.Context, url string) (*Store, error) {
	db, err := database.Open(ctx, url, Schema)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db}
	s.adds = database.NewBatcher("the inbox", 1, maxBatchItems, func(a *addition) int { return len(a.deliveries) }, s.addBatch)
	return s, nil
}

// Close waits for running calls, makes later ones of Add return fault.ErrUnavailable, and closes
// the database connections. It must be called once.
func (s *Store) Close() error {
	s.adds.Close()
	return s.db.Close()
}

// Ping checks the database connection, and returns fault.ErrUnavailable without a
// response.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

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
