package database

import (
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"
)

// What is of many rows or values has a parameter for each of them in SQLite, which is quick
// to bind them, and in powers of two, so that there are few texts to keep prepared. In
// PostgreSQL it has an array for each column, and is the same statement however many they
// are.

// Chunks cuts rows into pieces for one statement each, of at most most, which must be a
// power of two. In SQLite the lengths of all pieces are.
func Chunks[T any](t *Tx, rows []T, most int) iter.Seq[[]T] {
	if t.Postgres() {
		return slices.Chunk(rows, most)
	}
	return powers(rows, most)
}

// powers cuts rows into pieces whose lengths are powers of two.
func powers[T any](rows []T, most int) iter.Seq[[]T] {
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

// Lists cuts values into lists for In, as few as there can be, of at most most, which must
// be a power of two. In SQLite the lengths of all lists are: the last value of one fills it
// up, which changes nothing.
func Lists[T any](t *Tx, values []T, most int) iter.Seq[[]T] {
	if t.Postgres() {
		return slices.Chunk(values, most)
	}
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

// In is what stands behind a column that must be one of values, and its parameters.
func In[T int64 | string](t *Tx, values []T) (condition string, args []any) {
	if t.Postgres() {
		return "= ANY (?)", []any{values}
	}
	args = make([]any, len(values))
	for i, value := range values {
		args[i] = value
	}
	return "IN (" + list("?", len(values)) + ")", args
}

// Rows is a query for rows, and its parameters. all holds their values, row after row;
// types are those of their columns as PostgreSQL names them: bigint, boolean, bytea, jsonb
// or text, for which all must hold int64 or int, bool, []byte, string and string.
//
// The limit changes nothing. Where PostgreSQL keeps a plan for any parameters, it has it
// expect few rows, and so look up each of them in a table that it joins: it would walk
// through all of one that was small when it planned, and through all rows for each.
func (t *Tx) Rows(types []string, all []any) (query string, args []any) {
	if !t.Postgres() {
		return "VALUES " + list("("+list("?", len(types))+")", len(all)/len(types)), all
	}
	arrays := make([]string, len(types))
	args = make([]any, len(types), len(types)+1)
	for i, name := range types {
		arrays[i] = "CAST(? AS " + name + "[])"
		args[i] = column(name, all, i, len(types))
	}
	return "SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ") LIMIT ?", append(args, len(all)/len(types))
}

// column gives every width-th value from first on as an array.
func column(name string, all []any, first, width int) any {
	switch name {
	case "bigint":
		return pick(all, first, width, func(value any) int64 {
			if n, is := value.(int); is {
				return int64(n)
			}
			return value.(int64)
		})
	case "boolean":
		return pick(all, first, width, as[bool])
	case "bytea":
		return pick(all, first, width, as[[]byte])
	case "jsonb", "text":
		return pick(all, first, width, as[string])
	}
	panic(fmt.Sprintf("no row has a column of type %s", name))
}

func as[T any](value any) T { return value.(T) }

func pick[T any](all []any, first, width int, as func(any) T) []T {
	picked := make([]T, 0, len(all)/width)
	for i := first; i < len(all); i += width {
		picked = append(picked, as(all[i]))
	}
	return picked
}

// list repeats a text n times, with commas between.
func list(text string, n int) string {
	return strings.Repeat(text+", ", n-1) + text
}
