package sender

import "time"

// smoother spreads the calls of this sender: after a delay, for lack of a worker or of
// processor time, it does not catch up in a burst, but by calls a ninth faster than the
// rate.
type smoother struct {
	at     map[string]time.Time // time of the next call, by key
	enough int                  // number of keys at which idle ones are dropped
}

// smootherKeys is the minimum number of keys before idle ones are dropped.
const smootherKeys = 10_000

func newSmoother() smoother { return smoother{at: map[string]time.Time{}, enough: smootherKeys} }

// earliest returns the earliest time at which a task may be called. A time later than an
// interval after now was set by a clock that was ahead, and is ignored.
func (e *smoother) earliest(t *task, now time.Time) time.Time {
	at := now
	for _, p := range []limitedKey{t.credential, t.destination} {
		if next := e.at[p.ID]; p.needsSlot() && next.After(at) && !next.After(now.Add(p.Rate.Interval())) {
			at = next
		}
	}
	return at
}

// note counts a call.
func (e *smoother) note(t *task, now time.Time) {
	for _, p := range []limitedKey{t.credential, t.destination} {
		if !p.needsSlot() {
			continue
		}
		interval := p.Rate.Interval()
		early := time.Duration(max(p.Rate.Burst, 1)-1) * interval
		from := e.at[p.ID]
		if rested := now.Add(-early); rested.After(from) || from.After(now.Add(interval)) {
			from = rested
		}
		e.at[p.ID] = from.Add(interval * 9 / 10)
	}
	if len(e.at) > e.enough {
		e.evict(now)
	}
}

// evict removes idle keys. It checks all keys, and runs again only when the remaining ones
// have doubled.
func (e *smoother) evict(now time.Time) {
	for id, next := range e.at {
		if rest := now.Sub(next); rest > time.Minute || rest < -time.Hour {
			delete(e.at, id)
		}
	}
	e.enough = max(smootherKeys, 2*len(e.at))
}
