package database

import (
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"
)

// Statements over many rows or values have one parameter for each value in SQLite, which binds
// them quickly, and are cut into powers of two, so that there are few different statements to
// cache. In PostgreSQL they have one array for each column, so the statement is the same for
// any number of rows.

// ChunkRows splits rows into chunks for one statement each, of at most most rows; most must be a
// power of two. In SQLite all chunk lengths are powers of two.
func ChunkRows[T any](t *Tx, rows []T, most int) iter.Seq[[]T] {
	if t.Postgres() {
		return slices.Chunk(rows, most)
	}
	return chunkByPowerOfTwo(rows, most)
}

// chunkByPowerOfTwo splits rows into chunks whose lengths are powers of two.
func chunkByPowerOfTwo[T any](rows []T, most int) iter.Seq[[]T] {
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

// ChunkLists splits values into as few lists for In as possible, of at most most values; most must
// be a power of two. In SQLite all list lengths are powers of two: the last value of a list is
// repeated to fill it up, which does not change the condition.
func ChunkLists[T any](t *Tx, values []T, most int) iter.Seq[[]T] {
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

// In returns the condition that follows a column which must be one of values, and its parameters.
func In[T int64 | string](t *Tx, values []T) (condition string, args []any) {
	if t.Postgres() {
		return "= ANY (?)", []any{values}
	}
	args = make([]any, len(values))
	for i, value := range values {
		args[i] = value
	}
	return "IN (" + placeholders("?", len(values)) + ")", args
}

// ValueRows returns a query for rows of values, and its parameters. all has the values, row after
// row; types are the PostgreSQL types of the columns: bigint, boolean, bytea, jsonb or text,
// for which all must hold int64 or int, bool, []byte, string and string.
//
// The limit does not change the rows. It makes the planner of PostgreSQL expect few rows in a
// generic plan, and so look up each of them by index in a joined table: otherwise it would
// scan all of a table that was small at planning time, once for each row.
func (t *Tx) ValueRows(types []string, all []any) (query string, args []any) {
	if !t.Postgres() {
		return "VALUES " + placeholders("("+placeholders("?", len(types))+")", len(all)/len(types)), all
	}
	arrays := make([]string, len(types))
	args = make([]any, len(types), len(types)+1)
	for i, name := range types {
		arrays[i] = "CAST(? AS " + name + "[])"
		args[i] = columnValues(name, all, i, len(types))
	}
	return "SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ") LIMIT ?", append(args, len(all)/len(types))
}

// columnValues returns every width-th value from first on, as an array for PostgreSQL.
func columnValues(name string, all []any, first, width int) any {
	switch name {
	case "bigint":
		return pickColumn(all, first, width, func(value any) int64 {
			if n, ok := value.(int); ok {
				return int64(n)
			}
			return value.(int64)
		})
	case "boolean":
		return pickColumn(all, first, width, cast[bool])
	case "bytea":
		return pickColumn(all, first, width, cast[[]byte])
	case "jsonb", "text":
		return pickColumn(all, first, width, cast[string])
	}
	panic(fmt.Sprintf("unsupported column type %s", name))
}

func cast[T any](value any) T { return value.(T) }

func pickColumn[T any](all []any, first, width int, as func(any) T) []T {
	picked := make([]T, 0, len(all)/width)
	for i := first; i < len(all); i += width {
		picked = append(picked, as(all[i]))
	}
	return picked
}

// placeholders returns text repeated n times, separated by commas.
func placeholders(text string, n int) string {
	return strings.Repeat(text+", ", n-1) + text
}
