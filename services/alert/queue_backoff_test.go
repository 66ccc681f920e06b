package alert

import (
	"testing"
	"time"
)

func TestQueueBackoff(t *testing.T) {
	var b queueBackoff
	for range 100 { // the wait is random
		middle := firstQueueRetry
		for i := range 10 {
			if w := b.wait(); w < middle/2 || w > middle*3/2+time.Nanosecond {
				t.Fatalf("wait %d is %s, want %s ± 50%%", i, w, middle)
			}
			middle = min(middle*3/2, lastQueueRetry)
		}
		b.reset()
	}
}
