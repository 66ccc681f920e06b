package sender

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// drain sends deliveries to one destination at ten a second, with a provider that fails
// every failEvery-th call, as senders do: failed deliveries are retried after a second,
// and deliveries behind an open breaker when it allows calls again. It returns the
// duration.
func drain(t *testing.T, deliveries, failEvery int) time.Duration {
	t.Helper()
	bs, _ := newBreakers(time.Now)
	bs.config.Open = 3 * time.Second // the default
	b := bs.forKey("one")
	start, calls := time.Now(), 0
	due := make([]time.Time, deliveries) // next attempt of each delivery
	for len(due) > 0 && time.Since(start) < time.Hour {
		time.Sleep(100 * time.Millisecond)
		for i, at := range due {
			if at.After(time.Now()) {
				continue
			}
			switch {
			case !b.allow("only"):
				due[i] = time.Now().Add(max(b.openFor(), probeInterval) + probeInterval/2)
			case calls%failEvery == failEvery-1:
				calls++
				b.record("only", messenger.Outcome{Kind: messenger.Retry})
				due[i] = time.Now().Add(time.Second)
			default:
				calls++
				b.record("only", messenger.Outcome{Kind: messenger.Sent})
				due = append(due[:i], due[i+1:]...)
			}
			break // one call per slot
		}
	}
	return time.Since(start)
}

// TestOneInFiveDrainsIn9s has a provider that fails one call in five to the only
// destination of a credential: 72 deliveries make 90 calls, which take 9 s at ten a
// second, and not 105 s as with a breaker that opens at a tenth of failures.
func TestOneInFiveDrainsIn9s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if took := drain(t, 72, 5); took > 11*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// TestSingleDestinationDown has a provider that fails every call: it is called ten times,
// and then once per probe of the breaker, for an hour.
func TestSingleDestinationDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bs, _ := newBreakers(time.Now)
		bs.config.Open = 3 * time.Second
		b := bs.forKey("one")
		calls := 0
		for range 36_000 { // an hour at ten a second
			time.Sleep(100 * time.Millisecond)
			if b.allow("only") {
				calls++
				b.record("only", messenger.Outcome{Kind: messenger.Retry})
			}
		}
		if most := 10 + 3600/3 + 1; calls > most || calls < most/2 {
			t.Errorf("%d calls, want at most %d", calls, most)
		}
	})
}

// TestSingleDestinationJoined has the only destination fail nine times in a row before
// another is called: the tenth failure is one among others, and does not open the breaker.
func TestSingleDestinationJoined(t *testing.T) {
	bs, states := newBreakers(time.Now)
	b := bs.forKey("one")
	b.calls(t, 9, "poison", messenger.Retry)
	b.calls(t, 1, "good", messenger.Sent)
	b.calls(t, 100, "poison", messenger.Retry)
	if len(*states) > 0 {
		t.Errorf("states %v", *states)
	}
}

// TestBreakers30000 creates the breakers of 30,000 credentials and of 10,000 more: that
// took 38 s when each creation checked all others.
func TestBreakers30000(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	bs, _ := newBreakers(func() time.Time { return now })
	for n := range 30_000 {
		bs.forKey(strconv.Itoa(n))
	}
	start := time.Now()
	for n := range 10_000 {
		bs.forKey(strconv.Itoa(30_000 + n))
		now = now.Add(time.Millisecond)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("10,000 more took %s", took)
	}
	now = now.Add(breakerIdleTTL + breakerSweep)
	bs.forKey("new")
	if len(bs.byKey) != 1 {
		t.Errorf("%d breakers kept, want 1", len(bs.byKey))
	}
}

// TestRefusalsAreBounded counts for very many keys: only those that were refused last are
// kept.
func TestRefusalsAreBounded(t *testing.T) {
	r := newRefusalCounter()
	for n := range 3 * maxRefusedKeys {
		r.count(strconv.Itoa(n))
		r.count("often")
	}
	if got := r.byKey.Len(); got != maxRefusedKeys {
		t.Errorf("%d keys kept", got)
	}
	if n := r.reset("often"); n != 3*maxRefusedKeys || r.reset("often") != 0 || r.reset("0") != 0 {
		t.Errorf("count %d", n)
	}
}

func BenchmarkBreakers(b *testing.B) {
	for _, there := range []int{0, 30_000} {
		b.Run(strconv.Itoa(there)+" there", func(b *testing.B) {
			bs, _ := newBreakers(time.Now)
			for n := range there {
				bs.forKey("there " + strconv.Itoa(n))
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				bs.forKey(strconv.Itoa(n))
				n++
			}
		})
	}
}
