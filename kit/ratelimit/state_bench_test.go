package ratelimit

import (
	"testing"
	"time"
)

// BenchmarkState reserves five slots, alone and behind a run of urgent slots,
// and encodes and decodes the limiter state.
func BenchmarkState(b *testing.B) {
	rate := Rate{Count: 10, Per: time.Second}
	for name, urgent := range map[string]int{"alone": 0, "behind urgent": 100} {
		b.Run("reserve/"+name, func(b *testing.B) {
			const start = 1_700_000_000_000_000
			begun := state{Generation: "abcdefgh"}
			begun.reserve(start, rate, 50, false)
			begun.reserve(start, rate, urgent, true)
			b.ReportAllocs()
			for b.Loop() {
				s := begun
				if slots := s.reserve(start, rate, 5, false); len(slots) != 5 {
					b.Fatal(slots)
				}
			}
		})
	}
	b.Run("encode and decode", func(b *testing.B) {
		s := state{Generation: "abcdefgh", Interval: 100_000, Next: 1_700_000_000_000_000, PauseShift: 5_000_000, RunShift: 700_000, PausedUntil: 1_700_000_000_000_000, PauseCode: "rate_limited"}
		b.ReportAllocs()
		for b.Loop() {
			if got, err := decodeState(s.encode()); err != nil || got != s {
				b.Fatal(got, err)
			}
		}
	})
}
