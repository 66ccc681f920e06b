package alert

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/bongsu-project/bongsu/internal/job"
)

// digestCounterSize is the number of addresses whose deliveries are counted. Those of an address
// that was not used for the longest time are forgotten first.
const digestCounterSize = 20_000

// A DigestCounter counts the deliveries to each address, and holds them back by a rule. It is safe
// for concurrent use. Its counts are in memory: each process counts its own.
type DigestCounter struct {
	rule DigestRule

	mu        sync.Mutex
	addresses *simplelru.LRU[digestAddress, *digestWindow]
}

// A digestAddress is an address: a user has one for each messenger.
type digestAddress struct{ nickname, messenger string }

// A digestWindow is the recent deliveries to an address.
type digestWindow struct {
	times []int64   // of the last deliveries, at most as many as the rule counts, in nanoseconds
	next  int       // the index of the oldest of them, if there are so many
	end   time.Time // until when deliveries are held back; zero for none
}

// NewDigestCounter returns a counter for a rule.
func NewDigestCounter(rule DigestRule) *DigestCounter {
	addresses, _ := simplelru.NewLRU[digestAddress, *digestWindow](digestCounterSize, nil) // never fails for a size above 0
	return &DigestCounter{rule: rule, addresses: addresses}
}

// holdBack counts the deliveries of an alert that are about to be recorded, and holds back those
// that the rule holds back, unless the alert is critical or expires before. Deliveries that are
// held back already, cannot be held back, or wait for others of their chain are not counted.
func (c *DigestCounter) holdBack(h *Handler, a Alert, ds []Delivery) {
	if c == nil || c.rule.Count == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	critical := a.Rank() == job.Critical
	for i := range ds {
		d := &ds[i]
		if d.State != Queued || !h.canHold(d) {
			continue
		}
		until := c.add(digestAddress{d.Nickname, d.Messenger}, a.CreateTime, critical)
		if !until.IsZero() && until.Before(a.ExpireTime) {
			h.holdBack(ds, i, HoldDigest, until, a.CreateTime)
		}
	}
}

// add counts a delivery to an address, and returns until when it is held back, or the zero time.
func (c *DigestCounter) add(to digestAddress, now time.Time, critical bool) (until time.Time) {
	w, ok := c.addresses.Get(to)
	if !ok {
		w = &digestWindow{}
		c.addresses.Add(to, w)
	}
	if !critical {
		until = c.rule.Until(w.oldest(c.rule.Count), w.end, now)
		w.end = until
	}
	w.add(now, c.rule.Count)
	return until
}

// oldest returns the time of the count-th last delivery, zero if there were fewer.
func (w *digestWindow) oldest(count int) time.Time {
	if len(w.times) < count {
		return time.Time{}
	}
	return time.Unix(0, w.times[w.next])
}

// add adds a delivery.
func (w *digestWindow) add(now time.Time, count int) {
	if len(w.times) < count {
		w.times = append(w.times, now.UnixNano())
		return
	}
	w.times[w.next] = now.UnixNano()
	w.next = (w.next + 1) % count
}
