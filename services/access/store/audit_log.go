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

// maxStatementRows is the maximum number of rows in a statement.
const maxStatementRows = 256

// entryColumns are the columns of audit_entries; entryTypes are their types in PostgreSQL.
const entryColumns = `id, time, caller, caller_name, address, procedure, resource, outcome, request_id, trace_id`

var entryTypes = []string{"text", "bigint", "text", "text", "text", "text", "text", "text", "text", "text"}

// AddEntries stores entries.
func (s *Store) AddEntries(ctx context.Context, entries []access.AuditEntry) error {
	if len(entries) == 0 {
		return nil
	}
	for _, e := range entries {
		if e.ID == "" || strings.ContainsRune(e.ID, 0) {
			return fault.Invalidf("invalid id of an audit entry")
		}
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
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
	})
}

// Entries returns entries, latest first.
func (s *Store) Entries(ctx context.Context, q access.AuditQuery) (entries []access.AuditEntry, err error) {
	if q.Limit < 1 {
		return nil, fault.Invalidf("limit must be at least 1")
	}
	where, args := conditions(q)
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		entries, err = database.Select(ctx, t, scanEntry, `SELECT `+entryColumns+` FROM audit_entries WHERE `+where+
			` ORDER BY time DESC, id DESC LIMIT ?`, append(args, q.Limit)...)
		return err
	})
	return entries, err
}

// conditions returns the conditions of a query, and their parameters. Each lets the database begin
// at the first entry in the order of an index: what follows a cursor is bounded by its time too,
// because SQLite uses no index for a comparison of rows beside others.
func conditions(q access.AuditQuery) (where string, args []any) {
	all := []string{`1 = 1`}
	add := func(condition string, values ...any) {
		all = append(all, condition)
		args = append(args, values...)
	}
	if q.Caller != "" {
		add(`caller = ?`, q.Caller)
	}
	if q.Resource != "" {
		add(`resource = ?`, q.Resource)
	}
	if q.Procedure != "" {
		service := q.Procedure + "/"
		add(`(procedure = ? OR substr(procedure, 1, length(CAST(? AS text))) = ?)`, q.Procedure, service, service)
	}
	if !q.From.IsZero() {
		add(`time >= ?`, ceilMicro(q.From))
	}
	before := int64(math.MaxInt64)
	if !q.Before.IsZero() {
		before = ceilMicro(q.Before)
	}
	if q.After.ID != "" {
		at := q.After.Time.UnixMicro()
		before = min(before, at+1)
		add(`(time, id) < (?, ?)`, at, q.After.ID)
	}
	if before != math.MaxInt64 {
		add(`time < ?`, before)
	}
	return strings.Join(all, ` AND `), args
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

// DeleteEntries deletes the oldest entries.
func (s *Store) DeleteEntries(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if limit < 1 {
		return 0, fault.Invalidf("limit must be at least 1")
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		n, err = t.Exec(ctx, `DELETE FROM audit_entries WHERE id IN (SELECT id FROM audit_entries WHERE time < ? ORDER BY time, id LIMIT ?)`, micros(before), limit)
		return err
	})
	return n, err
}
