package sender

import "time"

// An even spreads the calls of this sender: where it was held up, for want of a
// worker or of the processor, it does not make up for it in one go, but by going a
// ninth faster than the rate until it has. It holds, for each key, the time of the
// next call.
type even map[string]time.Time

// evenKeys is how many keys are held before those are dropped that have rested.
const evenKeys = 10_000

// next is when a task may be called at the earliest.
func (e even) next(t *task, now time.Time) time.Time {
	at := now
	for _, p := range []paced{t.credential, t.destination} {
		if next := e[p.ID]; p.limited() && next.After(at) {
			at = next
		}
	}
	return at
}

// use counts a call.
func (e even) use(t *task, now time.Time) {
	for _, p := range []paced{t.credential, t.destination} {
		if !p.limited() {
			continue
		}
		interval := p.Rate.Interval()
		early := time.Duration(max(p.Rate.Burst, 1)-1) * interval
		from := e[p.ID]
		if rested := now.Add(-early); rested.After(from) {
			from = rested
		}
		e[p.ID] = from.Add(interval * 9 / 10)
	}
	if len(e) > evenKeys {
		for id, next := range e {
			if now.Sub(next) > time.Minute {
				delete(e, id)
			}
		}
	}
}
