// Package ledger implements alert.Ledger in a SQL database, SQLite or PostgreSQL: it stores
// alerts, deliveries and attempts, and is the source of truth for them. It also stores
// idempotency keys, receipts, text templates and the state of alert keys.
//
// Its promises are documented at alert.Ledger and the interfaces in it; package ledgertest
// checks them for both databases. In short: each call is one transaction, committed to disk
// before the call returns. A delivery is claimed by one sender at a time. Every attempt stays on
// record until its alert is deleted. Several processes may share one PostgreSQL database.
//
// The frequent writes AddAlert, Claim and Report use group commit: concurrent calls are written
// by bulk statements in one transaction. Completed deliveries cost the other calls nothing:
// queued and claimed ones are found by partial indexes.
package ledger

import (
	"context"
	"log/slog"
	"time"

	"entgo.io/ent/dialect"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// maxStatementRows is the maximum number of rows of one statement. The number of parameters of
// so many rows stays below the limit of SQLite.
const maxStatementRows = 256

// maxBatchRows is the maximum number of rows of a group commit of several calls; one call may have
// more.
const maxBatchRows = 5_000

// A Store is a ledger in a database of its own.
type Store struct {
	// Log receives errors in stored rows that no caller can act on. It must be set before the
	// first call; nil discards them.
	Log *slog.Logger

	db  *database.Database
	ids *ids
	// Batchers for group commit. In SQLite, which has one writer, all three are the same.
	adds, claims, reports *database.Batcher[pendingWrite]
}

var _ alert.Ledger = (*Store)(nil)

// Open opens the ledger at url, as database.Open does. now is the clock for ids, such as
// time.Now. The ledger must be closed.
func Open(ctx context.Context, url string, now func() time.Time) (*Store, error) {
	db, err := database.Open(ctx, url, Schema)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, ids: &ids{db: db, now: now}}
	if db.Dialect() == dialect.Postgres {
		// Rows are locked in the order of their ids to prevent deadlocks, so a transaction must not
		// lock rows for claims after it locked some for reports.
		s.adds, s.claims, s.reports = s.newBatcher(s.writeSingle), s.newBatcher(s.writeSingle), s.newBatcher(s.writeSingle)
		return s, nil
	}
	s.adds = s.newBatcher(s.writeBatch)
	s.claims, s.reports = s.adds, s.adds
	return s, nil
}

// Close waits for running calls, makes later ones return fault.ErrUnavailable, and closes the
// connections. It must be called once.
func (s *Store) Close() error {
	s.adds.Close()
	if s.claims != s.adds {
		s.claims.Close()
		s.reports.Close()
	}
	return s.db.Close()
}

// newBatcher returns a batcher that writes changes by write, a batch at a time.
func (s *Store) newBatcher(write func(context.Context, []pendingWrite) error) *database.Batcher[pendingWrite] {
	return database.NewBatcher("the ledger", 1, maxBatchRows, pendingWrite.rows, write)
}

// Ping returns fault.ErrUnavailable unless the database responds.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }
