package sender

import (
	"strconv"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// TestSmoother has many calls due at once, as after a stall: those of one key are spread
// nearly an interval apart.
func TestSmoother(t *testing.T) {
	of := func(id string, burst int) *task {
		return &task{credential: limitedKey{Key: ratelimit.Key{ID: id, Rate: ratelimit.Rate{Count: 10, Per: time.Second, Burst: burst}}}}
	}
	start := time.Unix(1_700_000_000, 0)
	s := newSmoother()
	run := func(task *task, calls int) (waits []time.Duration) {
		now := start
		for range calls {
			now = s.earliest(task, now)
			s.note(task, now)
			waits = append(waits, now.Sub(start))
		}
		return waits
	}
	if got := run(of("one", 0), 20); got[19] != 19*90*time.Millisecond || got[1] != 90*time.Millisecond {
		t.Errorf("20 calls at 10/s: %v", got)
	}
	if got := run(of("other", 3), 4); got[2] != 0 || got[3] == 0 {
		t.Errorf("a burst of 3: %v", got)
	}
	free := &task{credential: limitedKey{Key: ratelimit.Key{ID: "free"}}}
	if got := run(free, 100); got[99] != 0 {
		t.Errorf("without a limit: %v", got[99])
	}
}

// TestSmootherEvicts has many more keys than smootherKeys: all idle ones are dropped, and the
// others are not checked at each call.
func TestSmootherEvicts(t *testing.T) {
	s := newSmoother()
	now := time.Unix(1_700_000_000, 0)
	use := func(from, to int) {
		for i := from; i < to; i++ {
			s.note(&task{credential: limitedKey{Key: ratelimit.Key{ID: strconv.Itoa(i), Rate: ratelimit.Rate{Count: 1, Per: time.Second}}}}, now)
		}
	}
	use(0, 3*smootherKeys)
	if len(s.at) != 3*smootherKeys || s.evictAt < 4*smootherKeys {
		t.Errorf("%d keys in the first minute, next check at %d", len(s.at), s.evictAt)
	}
	now = now.Add(2 * time.Minute)
	use(3*smootherKeys, 5*smootherKeys)
	if len(s.at) > 2*smootherKeys {
		t.Errorf("%d keys kept, %d of them idle", len(s.at), len(s.at)-2*smootherKeys)
	}
}
