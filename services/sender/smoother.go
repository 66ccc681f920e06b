package sender

import "time"

// A smoother spreads the calls of this sender: after a delay, for lack of a worker or of
// processor time, it does not catch up in a burst, but by calls a ninth faster than the
// rate. Only the schedule stage uses it: it is not safe for concurrent use.
type smoother struct {
	at      map[string]time.Time // time of the next call, by key
	evictAt int                  // number of keys above which idle ones are dropped
}

// smootherKeys is the minimum number of keys before idle ones are dropped.
const smootherKeys = 10_000

func newSmoother() *smoother { return &smoother{at: map[string]time.Time{}, evictAt: smootherKeys} }

// earliest returns the earliest time at which a task may be called. A time later than an
// interval after now was set by a clock that was ahead, and is ignored.
func (s *smoother) earliest(t *task, now time.Time) time.Time {
	at := now
	for _, k := range []limitedKey{t.credential, t.destination} {
		if next := s.at[k.ID]; k.needsSlot() && next.After(at) && !next.After(now.Add(k.Rate.Interval())) {
			at = next
		}
	}
	return at
}

// note counts a call.
func (s *smoother) note(t *task, now time.Time) {
	for _, k := range []limitedKey{t.credential, t.destination} {
		if !k.needsSlot() {
			continue
		}
		interval := k.Rate.Interval()
		early := time.Duration(max(k.Rate.Burst, 1)-1) * interval
		next := s.at[k.ID]
		if rested := now.Add(-early); rested.After(next) || next.After(now.Add(interval)) {
			next = rested
		}
		s.at[k.ID] = next.Add(interval * 9 / 10)
	}
	if len(s.at) > s.evictAt {
		s.evict(now)
	}
}

// evict removes idle keys. It checks all keys, and runs again only when the remaining ones
// have doubled.
func (s *smoother) evict(now time.Time) {
	for id, next := range s.at {
		if rest := now.Sub(next); rest > time.Minute || rest < -time.Hour {
			delete(s.at, id)
		}
	}
	s.evictAt = max(smootherKeys, 2*len(s.at))
}
