// Package ledger keeps alerts, deliveries, attempts and keys in a SQL database, and is
// the truth about them.
//
// What changes it often comes by a committer: calls that wait are written
// together, in bulk statements and one transaction.
package ledger

import (
	"context"
	"time"

	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// chunk is how many rows one statement writes at most. All parameters of a row,
// so many times, stay below what both databases take.
const chunk = 1024

// How many rows share a commit at most; one call may bring more.
const (
	addsTogether  = 5_000
	movesTogether = 10_000
)

// A Store is a ledger in a database of its own.
type Store struct {
	db      *database.Database
	ids     *ids
	adds    *committer[*add]
	claims  *committer[*claim]
	reports *committer[*report]
}

var _ alert.Ledger = (*Store)(nil)

// Open opens the ledger at url, as database.Open does. now is the clock, which
// ids are made from: time.Now. The ledger must be closed.
func Open(ctx context.Context, url string, now func() time.Time) (*Store, error) {
	db, err := database.Open(ctx, url, Schema)
	if err != nil {
		return nil, err
	}
	return &Store{
		db:      db,
		ids:     &ids{db: db, now: now},
		adds:    newCommitter(db, addsTogether, (*add).rows, writeAdds),
		claims:  newCommitter(db, movesTogether, (*claim).rows, writeClaims),
		reports: newCommitter(db, movesTogether, (*report).rows, writeReports),
	}, nil
}

// Close waits for what has begun, refuses all else with fault.ErrUnavailable,
// and ends the store's connections. It must be called once.
func (s *Store) Close() error {
	s.adds.close()
	s.claims.close()
	s.reports.close()
	return s.db.Close()
}

// Ping asks the database for an answer, and returns fault.ErrUnavailable where
// it gives none.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }
