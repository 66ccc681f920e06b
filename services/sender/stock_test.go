package sender

import (
	"testing"
	"time"
)

// TestStock claims as much at once as the workers call in stockTime.
func TestStock(t *testing.T) {
	const workers = 64
	var s stock
	if got := s.size(workers); got != workers {
		t.Errorf("before there was a call: %d", got)
	}
	saw := func(count int, took time.Duration) {
		for range count {
			s.saw(took)
		}
	}
	for _, c := range []struct {
		count int
		took  time.Duration
		want  int
	}{
		{1, 10 * time.Second, workers},        // a provider that is slow
		{0, 0, workers},                       // nothing was called
		{2000, time.Millisecond, 8 * workers}, // one that is quick
		{2000, 10 * time.Millisecond, workers * int(stockTime/time.Millisecond) / 10}, // one in between: what matters is how long the last took
		{2000, 300 * time.Millisecond, workers},
	} {
		saw(c.count, c.took)
		if got := s.size(workers); got < c.want-1 || got > c.want+1 {
			t.Errorf("after %d calls of %s: %d, want %d", c.count, c.took, got, c.want)
		}
	}
	saw(1, 0)
	if got := s.size(workers); got != workers {
		t.Errorf("after what was no call: %d", got)
	}
}
