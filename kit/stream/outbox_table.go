package stream

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"
)

// An outboxTable is the table of an outbox. Its SQL is the same in both dialects, but for
// types and placeholders.
//
// The column not_before holds leases and delays: a row is claimed, or waits for another try,
// until that time (Unix milliseconds). While one row of a sequence is, no row of that sequence
// is claimed. So each process that publishes events of a sequence begins with its oldest one,
// and even one whose lease has expired publishes no event before an older one.
type outboxTable struct{ table }

func newOutboxTable(db *sql.DB, dialect, name string) outboxTable {
	return outboxTable{table{kind: "outbox", db: db, dialect: dialect, name: name}}
}

// An outboxRow is a claimed row.
type outboxRow struct {
	Event
	id       int64
	attempts int // failed ones
}

// A row's id is never used again in SQLite either (AUTOINCREMENT): a process whose lease has
// expired may delete the row that it published long after another process did.
const outboxSchema = `
CREATE TABLE IF NOT EXISTS $table (
	id         $id,
	event_id   TEXT NOT NULL,
	source     TEXT NOT NULL,
	type       TEXT NOT NULL,
	subject    TEXT NOT NULL,
	time       TEXT NOT NULL,
	data       $bytes NOT NULL,
	sequence   TEXT NOT NULL,
	add_time   BIGINT NOT NULL,
	not_before BIGINT NOT NULL DEFAULT 0,
	attempts   INTEGER NOT NULL DEFAULT 0,
	refused    TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS $table_pending ON $table (id) WHERE refused = '';
CREATE INDEX IF NOT EXISTS $table_sequence ON $table (sequence, not_before) WHERE refused = '';
CREATE INDEX IF NOT EXISTS $table_refused ON $table (id) WHERE refused <> ''`

const eventColumns = "id, event_id, source, type, subject, time, data"

// create creates the table and its indexes unless they exist.
func (t outboxTable) create(ctx context.Context) error {
	types := strings.NewReplacer("$id", "INTEGER PRIMARY KEY AUTOINCREMENT", "$bytes", "BLOB")
	if t.dialect == Postgres {
		types = strings.NewReplacer("$id", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "$bytes", "BYTEA")
	}
	return t.table.create(ctx, types.Replace(outboxSchema))
}

// add inserts an event in the caller's transaction.
func (t outboxTable) add(ctx context.Context, tx Execer, e *Event, now time.Time) error {
	data := e.Data
	if data == nil {
		data = []byte{}
	}
	_, err := tx.ExecContext(ctx, t.sql(`INSERT INTO $table (event_id, source, type, subject, time, data, sequence, add_time)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`),
		e.ID, e.Source, e.Type, e.Subject, e.Time.Format(time.RFC3339Nano), data, e.sequence(), now.UnixMilli())
	return t.wrap("add", err)
}

// hasDue reports whether a row may be claimed. It is cheaper than a claim without rows, which
// waits for other writers.
func (t outboxTable) hasDue(ctx context.Context, now time.Time) (due bool, err error) {
	text := t.sql("SELECT EXISTS (SELECT 1 FROM $table WHERE refused = '' AND not_before <= ?)")
	err = t.db.QueryRowContext(ctx, text, now.UnixMilli()).Scan(&due)
	return due, t.wrap("look for events", err)
}

// claim leases up to limit rows to the caller, the oldest of each sequence first, and returns
// them in their order.
func (t outboxTable) claim(ctx context.Context, now, until time.Time, limit int) (rows []outboxRow, err error) {
	text := t.sql(`UPDATE $table SET not_before = ? WHERE id IN (
		SELECT o.id FROM $table o WHERE o.refused = '' AND NOT EXISTS (
			SELECT 1 FROM $table b WHERE b.sequence = o.sequence AND b.refused = '' AND b.not_before > ?)
		ORDER BY o.id LIMIT ?) RETURNING ` + eventColumns + `, attempts`)
	err = t.exclusively(ctx, func(tx *sql.Tx) error {
		rows, err = query(ctx, tx, func(r *sql.Rows, row *outboxRow) error {
			return scanEvent(r, &row.id, &row.Event, &row.attempts)
		}, text, until.UnixMilli(), now.UnixMilli(), limit)
		return err
	})
	if err != nil {
		return nil, t.wrap("claim", err)
	}
	slices.SortFunc(rows, func(a, b outboxRow) int { return cmp.Compare(a.id, b.id) })
	return rows, nil
}

// delete deletes published rows.
func (t outboxTable) delete(ctx context.Context, ids []int64) error {
	return t.update(ctx, "delete", "DELETE FROM $table WHERE id IN ", nil, ids, "")
}

// release ends the lease of rows that was claimed until a time. Another process may have
// claimed them since.
func (t outboxTable) release(ctx context.Context, ids []int64, until time.Time) error {
	return t.update(ctx, "release", "UPDATE $table SET not_before = 0 WHERE id IN ", nil, ids, " AND not_before = ?", until.UnixMilli())
}

// deferUntil counts a failed attempt of rows, which are claimed again after a time.
func (t outboxTable) deferUntil(ctx context.Context, ids []int64, until time.Time) error {
	return t.update(ctx, "defer", "UPDATE $table SET attempts = attempts + 1, not_before = ? WHERE id IN ", []any{until.UnixMilli()}, ids, "")
}

// refuse marks a row as refused.
func (t outboxTable) refuse(ctx context.Context, id int64, reason string) error {
	return t.update(ctx, "refuse", "UPDATE $table SET refused = ? WHERE id IN ", []any{reason}, []int64{id}, "")
}

func (t outboxTable) replay(ctx context.Context, ids []int64) error {
	return t.update(ctx, "replay", "UPDATE $table SET refused = '', attempts = 0, not_before = 0 WHERE id IN ", nil, ids, " AND refused <> ''")
}

func (t outboxTable) discard(ctx context.Context, ids []int64) error {
	return t.update(ctx, "discard", "DELETE FROM $table WHERE id IN ", nil, ids, " AND refused <> ''")
}

// maxIDs is the maximum number of ids in a statement.
const maxIDs = 500

// update runs a statement on the rows of ids; args come before them, and more after.
func (t outboxTable) update(ctx context.Context, what, text string, args []any, ids []int64, condition string, more ...any) error {
	for some := range slices.Chunk(ids, maxIDs) {
		all := slices.Clone(args)
		for _, id := range some {
			all = append(all, id)
		}
		statement := t.sql(text + "(" + strings.Repeat("?, ", len(some)-1) + "?)" + condition)
		if _, err := t.db.ExecContext(ctx, statement, append(all, more...)...); err != nil {
			return t.wrap(what, err)
		}
	}
	return nil
}

func (t outboxTable) refusals(ctx context.Context, limit int) ([]Refusal, error) {
	rows, err := query(ctx, t.db, func(r *sql.Rows, row *Refusal) error {
		return scanEvent(r, &row.Row, &row.Event, &row.Reason)
	}, t.sql("SELECT "+eventColumns+", refused FROM $table WHERE refused <> '' ORDER BY id LIMIT ?"), limit)
	return rows, t.wrap("list refused", err)
}

func (t outboxTable) backlog(ctx context.Context) (b Backlog, err error) {
	var oldest int64
	err = t.db.QueryRowContext(ctx, t.sql(`SELECT
		(SELECT count(*) FROM $table WHERE refused = ''),
		(SELECT count(*) FROM $table WHERE refused <> ''),
		coalesce((SELECT add_time FROM $table WHERE refused = '' ORDER BY id LIMIT 1), 0)`)).Scan(&b.Pending, &b.Refused, &oldest)
	if err != nil {
		return Backlog{}, t.wrap("count", err)
	}
	if oldest > 0 {
		b.Oldest = time.UnixMilli(oldest).UTC()
	}
	return b, nil
}

// scanEvent reads eventColumns and one more.
func scanEvent(rows *sql.Rows, id *int64, e *Event, more any) error {
	var at string
	if err := rows.Scan(id, &e.ID, &e.Source, &e.Type, &e.Subject, &at, &e.Data, more); err != nil {
		return err
	}
	var err error
	e.Time, err = time.Parse(time.RFC3339Nano, at)
	return err
}
