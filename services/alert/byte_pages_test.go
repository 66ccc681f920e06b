package alert

import (
	"slices"
	"testing"
)

// TestPageByBytes reads pages of numbers; the size of a row is its value.
func TestPageByBytes(t *testing.T) {
	for _, c := range []struct {
		name  string
		rows  []int
		limit int
		want  int
		more  bool
	}{
		{"none", nil, 10, 0, false},
		{"fewer than a page", make([]int, 9), 10, 9, false},
		{"a page", make([]int, 10), 10, 10, false},
		{"more than a page", make([]int, 11), 10, 10, true},
		{"several chunks", make([]int, 250), 250, 250, false},
		{"more than several chunks", make([]int, 500), 250, 250, true},
		{"large rows", slices.Repeat([]int{pageBytes / 2}, 10), 10, 3, true},
		{"a row larger than a page", []int{2 * pageBytes, 1}, 10, 1, true},
	} {
		page, more, err := pageByBytes(c.limit, func(row int) int { return row }, func(n int, before []int) ([]int, error) {
			rest := c.rows[len(before):]
			return rest[:min(n, len(rest))], nil
		})
		if err != nil || len(page) != c.want || more != c.more {
			t.Errorf("%s: %d rows, more %v, %v", c.name, len(page), more, err)
		}
	}
}
