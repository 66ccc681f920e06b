package sender

import "time"

// An even spreads the calls of this sender: where it was held up, for want of a
// worker or of the processor, it does not make up for it in one go, but by going a
// ninth faster than the rate until it has.
type even struct {
	at     map[string]time.Time // of the next call, by key
	enough int                  // keys are held before those are dropped that have rested
}

// evenKeys is how many keys are held at least before some are dropped.
const evenKeys = 10_000

func newEven() even { return even{at: map[string]time.Time{}, enough: evenKeys} }

// next is when a task may be called at the earliest. A call that is due later than an
// interval after now was counted by a clock that was ahead, and does not count.
func (e *even) next(t *task, now time.Time) time.Time {
	at := now
	for _, p := range []paced{t.credential, t.destination} {
		if next := e.at[p.ID]; p.limited() && next.After(at) && !next.After(now.Add(p.Rate.Interval())) {
			at = next
		}
	}
	return at
}

// use counts a call.
func (e *even) use(t *task, now time.Time) {
	for _, p := range []paced{t.credential, t.destination} {
		if !p.limited() {
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
		e.drop(now)
	}
}

// drop drops the keys that have rested. It looks at all, and again only when there are
// twice as many as it left.
func (e *even) drop(now time.Time) {
	for id, next := range e.at {
		if rest := now.Sub(next); rest > time.Minute || rest < -time.Hour {
			delete(e.at, id)
		}
	}
	e.enough = max(evenKeys, 2*len(e.at))
}
