package sender

import (
	"testing"
	"time"
)

// TestClaimBatchSize checks that a claim batch holds as many deliveries as the workers call
// in claimBatchTime.
func TestClaimBatchSize(t *testing.T) {
	const workers = 64
	b := claimBatchSizer{workers: workers}
	if got := b.size(); got != workers {
		t.Errorf("before a call: %d", got)
	}
	observe := func(count int, took time.Duration) {
		for range count {
			b.observe(took)
		}
	}
	for _, c := range []struct {
		count int
		took  time.Duration
		want  int
	}{
		{1, 10 * time.Second, workers},        // a slow provider
		{0, 0, workers},                       // no call
		{2000, time.Millisecond, 8 * workers}, // a fast provider
		{2000, 10 * time.Millisecond, workers * int(claimBatchTime/time.Millisecond) / 10}, // in between: the latest calls count
		{2000, 300 * time.Millisecond, workers},
	} {
		observe(c.count, c.took)
		if got := b.size(); got < c.want-1 || got > c.want+1 {
			t.Errorf("after %d calls of %s: %d, want %d", c.count, c.took, got, c.want)
		}
	}
	observe(1, 0)
	if got := b.size(); got != workers {
		t.Errorf("after a result without a call: %d", got)
	}
}
