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
