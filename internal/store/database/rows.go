package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"iter"
	"math/bits"
	"slices"
	"strings"
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

// Chunks cuts rows into pieces whose lengths are powers of two, at most most,
// which must be one too. So a statement with one group of parameters a row has
// few texts, which servers keep prepared, and stays below their limits.
func Chunks[T any](rows []T, most int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(rows) > 0 {
			n := min(most, 1<<(bits.Len(uint(len(rows)))-1))
			if !yield(rows[:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}

// Lists cuts values into lists to stand after IN, as few as there can be whose lengths
// are powers of two, at most most, which must be one too: the last value of a list
// fills it up, which changes nothing there.
func Lists[T any](values []T, most int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for some := range slices.Chunk(values, most) {
			full := make([]T, 1<<bits.Len(uint(len(some)-1)))
			for i := range full[copy(full, some):] {
				full[len(some)+i] = some[len(some)-1]
			}
			if !yield(full) {
				return
			}
		}
	}
}

// List repeats a group of parameters n times, with commas between.
func List(group string, n int) string {
	return strings.Repeat(group+", ", n-1) + group
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
