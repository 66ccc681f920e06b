package alert

import (
	"math/rand/v2"
	"time"
)

// A queueBackoff computes the waits between checks of the queue during an outage: first
// firstQueueRetry, 1.5 times as long with each check up to lastQueueRetry, each with a jitter
// of half of it. The zero value is ready to use. It is not safe for concurrent use.
type queueBackoff struct{ next time.Duration }

// wait returns the wait before the next check.
func (b *queueBackoff) wait() time.Duration {
	if b.next == 0 {
		b.next = firstQueueRetry
	}
	w := b.next/2 + rand.N(b.next+1) //nolint:gosec // jitter needs no cryptographic randomness
	b.next = min(b.next*3/2, lastQueueRetry)
	return w
}

// reset begins again with firstQueueRetry.
func (b *queueBackoff) reset() { b.next = 0 }
