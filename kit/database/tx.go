package database

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// A Tx is a transaction, or a connection for a single statement without one. Its SQL is the same
// in both dialects, with ? for each parameter.
type Tx struct {
	tx       querier
	dialect  string
	prepared *statementCache // nil where the driver caches statements
}

// querier runs SQL in a transaction or outside of one.
type querier interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// Write runs f in a transaction and commits it unless f fails. A transaction that the database
// aborts in favor of another is retried a few times, so f must be repeatable. The error is
// one of package fault or internal.
func (d *Database) Write(ctx context.Context, f func(context.Context, *Tx) error) error {
	return d.write(ctx, func() error { return d.transact(ctx, d.writer, d.writes, nil, f) })
}

// WriteSingle runs f as Write does, but without a transaction, in PostgreSQL only: f must run a single
// statement, which commits by itself. This saves the two round trips of a transaction.
//
// Behind a pooler it is Write, because a commit must wait for the disk there too.
func (d *Database) WriteSingle(ctx context.Context, f func(context.Context, *Tx) error) error {
	if d.pooled != nil {
		return d.Write(ctx, f)
	}
	return d.write(ctx, func() error { return f(ctx, &Tx{tx: d.writer, dialect: d.dialect}) })
}

func (d *Database) write(ctx context.Context, f func() error) error {
	err := retryAborted(ctx, f)
	if isReadOnly(err) {
		d.refused.Store(true)
	}
	return d.translateError(ctx, err)
}

// Read runs f in a transaction that reads one snapshot of the database.
func (d *Database) Read(ctx context.Context, f func(context.Context, *Tx) error) error {
	options := &sql.TxOptions{ReadOnly: true}
	if d.dialect == dialect.Postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	return d.translateError(ctx, d.transact(ctx, d.reader, d.reads, options, f))
}

// ReadSingle runs f as Read does, but without a transaction, in PostgreSQL only: f must run a single
// statement, which reads one snapshot by itself. This saves the two round trips of a transaction.
func (d *Database) ReadSingle(ctx context.Context, f func(context.Context, *Tx) error) error {
	if d.dialect != dialect.Postgres {
		return d.Read(ctx, f)
	}
	return d.translateError(ctx, f(ctx, &Tx{tx: d.reader, dialect: d.dialect}))
}

// QueryInt returns the single number of a query, and false without a row.
func (d *Database) QueryInt(ctx context.Context, text string) (n int64, is bool, err error) {
	d.reads.prepare(ctx)
	row := d.reader.QueryRowContext
	if ready := d.reads.get(text); ready != nil {
		row = func(ctx context.Context, _ string, args ...any) *sql.Row { return ready.QueryRowContext(ctx, args...) }
	}
	err = row(ctx, text).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return n, err == nil, d.translateError(ctx, err)
}

func (d *Database) transact(ctx context.Context, db *sql.DB, cache *statementCache, options *sql.TxOptions, f func(context.Context, *Tx) error) error {
	cache.prepare(ctx)
	tx, err := d.begin(ctx, db, options)
	if err != nil {
		return err
	}
	if err := f(ctx, &Tx{tx: tx, dialect: d.dialect, prepared: cache}); err != nil {
		if undo := tx.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			return errors.Join(err, undo)
		}
		return err
	}
	return tx.Commit()
}

// Exec runs a statement and returns the number of rows it changed.
func (t *Tx) Exec(ctx context.Context, text string, args ...any) (int, error) {
	result, err := t.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// ExecContext runs a statement as a *sql.Tx does, for packages that write in the transaction of
// their caller. Its text may have the placeholders of the dialect.
func (t *Tx) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if ready := t.cachedStatement(ctx, text); ready != nil { //nolint:sqlclosecheck // closed with the transaction
		return ready.ExecContext(ctx, args...)
	}
	return t.tx.ExecContext(ctx, t.bind(text), args...)
}

// query runs a statement that returns rows.
func (t *Tx) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if ready := t.cachedStatement(ctx, text); ready != nil { //nolint:sqlclosecheck // closed with the transaction
		return ready.QueryContext(ctx, args...)
	}
	return t.tx.QueryContext(ctx, t.bind(text), args...)
}

// cachedStatement returns the cached statement, or nil. It is closed with the transaction.
func (t *Tx) cachedStatement(ctx context.Context, text string) *sql.Stmt {
	ready := t.prepared.get(text)
	if ready == nil {
		return nil
	}
	return t.tx.(*sql.Tx).StmtContext(ctx, ready)
}

// Postgres reports whether the dialect is PostgreSQL.
func (t *Tx) Postgres() bool { return t.dialect == dialect.Postgres }

// bind replaces each ? by the placeholder of the dialect. A text must contain no other ?.
func (t *Tx) bind(text string) string {
	if !t.Postgres() {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + len(text)/4)
	for n := 1; ; n++ {
		before, after, found := strings.Cut(text, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		text = after
	}
}

// Driver returns a driver by which an ent client works within the transaction.
func (t *Tx) Driver() dialect.Driver {
	return nestedDriver{entsql.NewDriver(t.dialect, entsql.Conn{ExecQuerier: t.tx})}
}

// A nestedDriver is the driver for ent within a transaction, which ent neither ends nor nests.
type nestedDriver struct{ *entsql.Driver }

// Tx returns the open transaction.
func (d nestedDriver) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(d), nil }

// Close does nothing.
func (d nestedDriver) Close() error { return nil }
