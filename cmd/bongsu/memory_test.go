package main

import "testing"

func TestPercentOf(t *testing.T) {
	for live, want := range map[uint64]int{
		0:               mostPercent, // before the first collection
		1 << 20:         mostPercent,
		leastGrowth / 2: 200,
		leastGrowth:     100,
		1 << 40:         leastPercent,
	} {
		if got := percentOf(live); got != want {
			t.Errorf("of %d bytes: %d %%, want %d", live, got, want)
		}
	}
}
