package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

// Select returns the rows of a query, each read by scan.
func Select[T any](ctx context.Context, t *Tx, scan func(*sql.Rows, *T) error, text string, args ...any) (all []T, err error) {
	rows, err := t.query(ctx, text, args...)
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

// Texts returns a subquery for texts, to follow IN, and its one parameter: the statement is
// the same for any number of texts.
func (t *Tx) Texts(texts []string) (query, parameter string) {
	if t.Postgres() {
		return "(SELECT jsonb_array_elements_text(CAST(? AS jsonb)))", jsonList(texts)
	}
	return "(SELECT value FROM json_each(?))", jsonList(texts)
}

// Ints returns a subquery for numbers, as Texts does for texts.
func (t *Tx) Ints(ints []int) (query, parameter string) {
	if t.Postgres() {
		return "(SELECT CAST(jsonb_array_elements_text(CAST(? AS jsonb)) AS bigint))", jsonList(ints)
	}
	return "(SELECT value FROM json_each(?))", jsonList(ints)
}

// jsonList returns texts or numbers as JSON, which cannot fail.
func jsonList[T string | int](values []T) string {
	text, err := json.Marshal(append([]T{}, values...)) // no values are [], not null
	if err != nil {
		panic(err)
	}
	return string(text)
}
