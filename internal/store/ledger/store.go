// Package ledger keeps alerts, deliveries, attempts and keys in a SQL database, and is
// the truth about them.
//
// What changes it often is shared: calls that wait are written together, in bulk
// statements and one transaction.
package ledger

import (
	"context"
	"time"

	"entgo.io/ent/dialect"

	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// chunk is how many rows one statement of a transaction writes at most. All parameters
// of a row, so many times, stay below what SQLite takes.
const chunk = 256

// together is how many rows share a commit at most; one call may bring more.
const together = 5_000

// A Store is a ledger in a database of its own.
type Store struct {
	db  *database.Database
	ids *ids
	// What shares commits. In SQLite, which has one writer, it is the same for all.
	adds, claims, reports *database.Shared[change]
}

var _ alert.Ledger = (*Store)(nil)

// Open opens the ledger at url, as database.Open does. now is the clock, which
// ids are made from: time.Now. The ledger must be closed.
func Open(ctx context.Context, url string, now func() time.Time) (*Store, error) {
	db, err := database.Open(ctx, url, Schema)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, ids: &ids{db: db, now: now}}
	if db.Dialect() == dialect.Postgres {
		// Rows are locked in the order of their ids, so that no two transactions wait
		// for each other: one must not lock for claims after it did for reports.
		s.adds, s.claims, s.reports = s.shared(s.writeOnce), s.shared(s.writeOnce), s.shared(s.writeOnce)
		return s, nil
	}
	s.adds = s.shared(s.write)
	s.claims, s.reports = s.adds, s.adds
	return s, nil
}

// Close waits for what has begun, refuses all else with fault.ErrUnavailable,
// and ends the store's connections. It must be called once.
func (s *Store) Close() error {
	s.adds.Close()
	if s.claims != s.adds {
		s.claims.Close()
		s.reports.Close()
	}
	return s.db.Close()
}

func (s *Store) shared(write func(context.Context, []change) error) *database.Shared[change] {
	return database.NewShared("the ledger", 1, together, change.rows, write)
}

// Ping asks the database for an answer, and returns fault.ErrUnavailable where
// it gives none.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }
