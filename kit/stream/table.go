package stream

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"
)

// A table is a table of this package in the database of a service.
type table struct {
	kind    string // for errors: outbox or processed
	db      *sql.DB
	dialect string
	name    string
}

// tablePattern matches names of tables that need no quotes.
var tablePattern = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,39}$`)

// check returns an error for a dialect or a name that is not supported.
func (t table) check() error {
	if t.dialect != SQLite && t.dialect != Postgres {
		return fmt.Errorf("unsupported dialect %q: use stream.SQLite or stream.Postgres", t.dialect)
	}
	if !tablePattern.MatchString(t.name) {
		return fmt.Errorf("invalid table name %q: use up to 40 characters of a-z, 0-9 and _", t.name)
	}
	return nil
}

// sql returns a statement with the name of the table and the placeholders of the dialect.
func (t table) sql(text string) string {
	text = strings.ReplaceAll(text, "$table", t.name)
	if t.dialect == SQLite {
		return text
	}
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(text, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("$" + strconv.Itoa(n))
		text = after
	}
}

// create runs the statements of a schema, which create the table and its indexes unless they
// exist.
func (t table) create(ctx context.Context, schema string) error {
	err := t.exclusively(ctx, func(tx *sql.Tx) error {
		for statement := range strings.SplitSeq(t.sql(schema), ";") {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	return t.wrap("create", err)
}

// exclusively runs f in a transaction that one process at a time runs. In SQLite f must begin
// with a write.
func (t table) exclusively(ctx context.Context, f func(*sql.Tx) error) error {
	var options *sql.TxOptions
	if t.dialect == Postgres { // each statement must see what the process before has committed
		options = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	tx, err := t.db.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	if t.dialect == Postgres {
		_, err = tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", t.lockKey())
	}
	if err == nil {
		err = f(tx)
	}
	if err != nil {
		if undo := tx.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			return errors.Join(err, undo)
		}
		return err
	}
	return tx.Commit()
}

// lockKey returns the key of the advisory lock of the table.
func (t table) lockKey() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.kind + " " + t.name))
	return int64(h.Sum64())
}

func (t table) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %s: %w", t.kind, t.name, what, err)
}

// A querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// query returns the rows of a query, each read by scan.
func query[T any](ctx context.Context, q querier, scan func(*sql.Rows, *T) error, text string, args ...any) (all []T, err error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row T
		if err := scan(rows, &row); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}
