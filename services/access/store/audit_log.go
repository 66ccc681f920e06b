package store

import (
	"context"
	"database/sql"
	"math"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/access"
)

const (
	// minPacked is the number of entries from which those of a call are stored in batches. A row of
	// its own is found without reading others, but costs several times as much to store.
	minPacked = 16
	// maxStatementRows is the maximum number of rows in a statement.
	maxStatementRows = 256
)

// entryColumns are the columns of audit_entries; entryTypes are their types in PostgreSQL.
const entryColumns = `id, time, caller, caller_name, address, procedure, resource, outcome, request_id, trace_id`

var entryTypes = []string{"text", "bigint", "text", "text", "text", "text", "text", "text", "text", "text"}

// AddEntries stores entries: a few as rows, many packed in batches.
func (s *Store) AddEntries(ctx context.Context, entries []access.AuditEntry) error {
	if len(entries) == 0 {
		return nil
	}
	for i := range entries {
		if id := entries[i].ID; id == "" || strings.IndexByte(id, 0) >= 0 {
			return fault.Invalidf("invalid id of an audit entry")
		}
	}
	if len(entries) < minPacked {
		return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error { return insertEntries(ctx, t, entries) })
	}
	batches := packEntries(entries)
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error { return insertBatches(ctx, t, batches) })
}

// insertEntries stores entries as rows.
func insertEntries(ctx context.Context, t *database.Tx, entries []access.AuditEntry) error {
	for some := range database.ChunkRows(t, entries, maxStatementRows) {
		all := make([]any, 0, len(entryTypes)*len(some))
		for _, e := range some {
			all = append(all, e.ID, micros(e.Time), e.Caller, e.CallerName, e.Address, e.Procedure, e.Resource, e.Outcome, e.RequestID, e.TraceID)
		}
		rows, args := t.ValueRows(entryTypes, all)
		if _, err := t.Exec(ctx, `INSERT INTO audit_entries (`+entryColumns+`) `+rows+` ON CONFLICT (id) DO NOTHING`, args...); err != nil {
			return err
		}
	}
	return nil
}

// Entries returns entries, latest first.
func (s *Store) Entries(ctx context.Context, q access.AuditQuery) ([]access.AuditEntry, error) {
	if q.Limit < 1 {
		return nil, fault.Invalidf("limit must be at least 1")
	}
	search := newAuditSearch(q)
	err := s.db.Read(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		if search.entries, err = search.selectEntries(ctx, t); err != nil {
			return err
		}
		return search.searchBatches(ctx, t)
	})
	if err != nil {
		return nil, err
	}
	return search.entries, nil
}

// selectEntries returns the first entries of the query that are rows. The conditions let the database
// begin at the first entry in the order of an index: what follows a cursor is bounded by its time
// too, because SQLite uses no index for a comparison of rows beside others.
func (s *auditSearch) selectEntries(ctx context.Context, t *database.Tx) ([]access.AuditEntry, error) {
	var all conditions
	if s.Caller != "" {
		all.add(`caller = ?`, s.Caller)
	}
	if s.Resource != "" {
		all.add(`resource = ?`, s.Resource)
	}
	if s.Procedure != "" {
		service := s.Procedure + "/"
		all.add(`(procedure = ? OR substr(procedure, 1, length(CAST(? AS text))) = ?)`, s.Procedure, service, service)
	}
	if s.from != math.MinInt64 {
		all.add(`time >= ?`, s.from)
	}
	if s.After.ID != "" {
		all.add(`(time, id) < (?, ?)`, micros(s.After.Time), s.After.ID)
	}
	if s.before != math.MaxInt64 {
		all.add(`time < ?`, s.before)
	}
	return database.Select(ctx, t, scanEntry, `SELECT `+entryColumns+` FROM audit_entries `+all.where()+` ORDER BY time DESC, id DESC LIMIT ?`, append(all.args, s.Limit)...)
}

// conditions are conditions of a statement, and their parameters.
type conditions struct {
	all  []string
	args []any
}

func (c *conditions) add(condition string, args ...any) {
	c.all = append(c.all, condition)
	c.args = append(c.args, args...)
}

// where returns the clause; "" without conditions.
func (c *conditions) where() string {
	if len(c.all) == 0 {
		return ""
	}
	return `WHERE ` + strings.Join(c.all, ` AND `)
}

// ceilMicro returns the first stored time that is not before t.
func ceilMicro(t time.Time) int64 {
	n := t.UnixMicro()
	if t.After(time.UnixMicro(n)) {
		n++
	}
	return n
}

func scanEntry(rows *sql.Rows, e *access.AuditEntry) error {
	var at int64
	err := rows.Scan(&e.ID, &at, &e.Caller, &e.CallerName, &e.Address, &e.Procedure, &e.Resource, &e.Outcome, &e.RequestID, &e.TraceID)
	e.Time = moment(at)
	return err
}
