package database_test

import (
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/internal/store/database"
)

func TestChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Int(), 0, 300).Draw(t, "rows")
		most := 1 << rapid.IntRange(0, 6).Draw(t, "most")
		var all []int
		for some := range database.Chunks(rows, most) {
			if len(some) > most || bits.OnesCount(uint(len(some))) != 1 {
				t.Fatalf("a chunk has %d rows, at most %d are asked for", len(some), most)
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
		for some := range database.Lists(values, most) {
			if len(some) > most || bits.OnesCount(uint(len(some))) != 1 {
				t.Fatalf("a list has %d values, at most %d are asked for", len(some), most)
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
