// Package store stores monitors and their results in a SQL database.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"entgo.io/ent/dialect"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// maxStatementRows is the maximum number of rows of one statement. The number of parameters of
// so many rows stays below the limit of SQLite.
const maxStatementRows = 256

// A Store is a store in its own database.
type Store struct {
	db *database.Database

	mu       sync.Mutex
	monitors map[int64]monitor.Monitor // cached by id, without their status
}

var _ monitor.Store = (*Store)(nil)

// Open opens the store at url, as database.Open does. The caller must close it.
func Open(ctx context.Context, url string) (*Store, error) {
	db, err := database.Open(ctx, url, Schema)
	if err != nil {
		return nil, err
	}
	return &Store{db: db, monitors: map[int64]monitor.Monitor{}}, nil
}

// Close closes the database connections. It must be called once.
func (s *Store) Close() error { return s.db.Close() }

// Ping checks the database connection, and returns fault.ErrUnavailable without a
// response.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

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

// forUpdate returns the clause that locks the rows of a query; SQLite needs none. Rows are locked
// in the order of their ids, so that two transactions cannot deadlock.
func forUpdate(t *database.Tx) string {
	if t.Postgres() {
		return ` FOR UPDATE`
	}
	return ""
}

// skipLocked returns the clause that locks the rows of a query and skips locked ones.
func skipLocked(t *database.Tx) string {
	if t.Postgres() {
		return ` FOR UPDATE SKIP LOCKED`
	}
	return ""
}

// storable returns a text as both databases can store it.
func storable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// encodeList returns a list in JSON; empty for an empty one.
func encodeList[T any](list []T) string {
	if len(list) == 0 {
		return ""
	}
	text, _ := json.Marshal(list) // strings and numbers are always encoded
	return string(text)
}

func decodeList[T any](text string) (list []T, err error) {
	if text == "" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(text), &list)
	return list, err
}

func scanInt(rows *sql.Rows, n *int64) error { return rows.Scan(n) }

func scanText(rows *sql.Rows, text *string) error { return rows.Scan(text) }
