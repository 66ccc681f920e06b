package database_test

import (
	"context"
	"database/sql"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/kit/database"
)

func TestChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Int(), 0, 300).Draw(t, "rows")
		most := 1 << rapid.IntRange(0, 6).Draw(t, "most")
		var all []int
		for some := range database.ChunkRows(&database.Tx{}, rows, most) {
			if len(some) > most || bits.OnesCount(uint(len(some))) != 1 {
				t.Fatalf("a chunk has %d rows, want a power of two up to %d", len(some), most)
			}
			all = append(all, some...)
		}
		if !slices.Equal(all, rows) {
			t.Fatalf("chunks hold %v, want %v", all, rows)
		}
	})
}

func TestLists(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int(), 0, 300).Draw(t, "values")
		most := 1 << rapid.IntRange(0, 6).Draw(t, "most")
		var all []int
		lists := 0
		for some := range database.ChunkLists(&database.Tx{}, values, most) {
			if len(some) > most || bits.OnesCount(uint(len(some))) != 1 {
				t.Fatalf("a list has %d values, want a power of two up to %d", len(some), most)
			}
			lists++
			all = append(all, some...)
		}
		if lists != (len(values)+most-1)/most {
			t.Fatalf("%d values are in %d lists of at most %d", len(values), lists, most)
		}
		if len(all) > len(values) && slices.ContainsFunc(all[len(values):], func(v int) bool { return v != values[len(values)-1] }) {
			t.Fatalf("lists end with %v", all[len(values):])
		}
		if len(all) < len(values) || !slices.Equal(all[:len(values)], values) {
			t.Fatalf("lists hold %v, want %v", all, values)
		}
	})
}

// A many is a row with a column of each type.
type many struct {
	number int64
	flag   bool
	bytes  string
	json   string
	text   string
}

// TestRows checks that any number of rows is read back unchanged.
func TestRows(t *testing.T) {
	all := []many{{-1 << 62, true, "\x00\xff", `["a"]`, "b, 'c' ?"}, {3, false, "", `[]`, ""}, {4, true, "d", `{}`, "{\"봉수\", NULL}"}}
	each(t, func(t *testing.T, url string) {
		d := open(t, url, library)
		for n := range len(all) + 1 {
			var values []any
			for _, m := range all[:n] {
				values = append(values, m.number, m.flag, []byte(m.bytes), m.json, m.text)
			}
			for i := range values {
				if n, ok := values[i].(int64); ok && n < 100 && n > 0 {
					values[i] = int(n) // int is accepted too
				}
			}
			var got []many
			if err := d.Read(t.Context(), func(ctx context.Context, t *database.Tx) (err error) {
				if n == 0 && !t.Postgres() {
					return nil // VALUES needs at least one row
				}
				rows, args := t.ValueRows([]string{"bigint", "boolean", "bytea", "jsonb", "text"}, values)
				got, err = database.Select(ctx, t, func(rows *sql.Rows, m *many) error {
					return rows.Scan(&m.number, &m.flag, &m.bytes, &m.json, &m.text)
				}, `WITH v (number, flag, bytes, json, words) AS (`+rows+`) SELECT number, flag, bytes, CAST(json AS text), words FROM v`, args...)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, all[:n]) {
				t.Errorf("rows are %+v, want %+v", got, all[:n])
			}
		}
	})
}

// TestIn checks the condition for both types of values.
func TestIn(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		d := open(t, url, library)
		if err := d.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			numbers, some := database.In(tx, []int64{1, 3})
			texts, others := database.In(tx, []string{"b, c", "d"})
			got, err := database.Select(ctx, tx, func(rows *sql.Rows, n *int64) error { return rows.Scan(n) },
				`SELECT number FROM (SELECT 1 AS number, 'b, c' AS words UNION SELECT 2, 'd' UNION SELECT 3, 'e') AS v
				WHERE number `+numbers+` OR words `+texts+` ORDER BY number`, append(some, others...)...)
			if want := []int64{1, 2, 3}; !slices.Equal(got, want) {
				t.Errorf("numbers are %d, want %d", got, want)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}
