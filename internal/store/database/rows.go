package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

// Select answers with the rows of a query, each read by scan.
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

// Texts is a query for texts, to stand after IN, and its one parameter: however
// many they are, it is the same statement.
func (t *Tx) Texts(texts []string) (query, parameter string) {
	if t.Postgres() {
		return "(SELECT jsonb_array_elements_text(CAST(? AS jsonb)))", encode(texts)
	}
	return "(SELECT value FROM json_each(?))", encode(texts)
}

// Ints is a query for numbers, as Texts is one for texts.
func (t *Tx) Ints(ints []int) (query, parameter string) {
	if t.Postgres() {
		return "(SELECT CAST(jsonb_array_elements_text(CAST(? AS jsonb)) AS bigint))", encode(ints)
	}
	return "(SELECT value FROM json_each(?))", encode(ints)
}

// encode writes texts or numbers, which always can be, as JSON.
func encode[T string | int](values []T) string {
	text, err := json.Marshal(append([]T{}, values...)) // none is [], not null
	if err != nil {
		panic(err)
	}
	return string(text)
}
