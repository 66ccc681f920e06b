package ratelimit

import (
	"context"
	"time"
)

// ResetSlow resets the limiter state of the keys that have slots later than soon, and farther
// apart than their rate requires: a limit was raised or is off. It returns the number of
// reset states. rate returns the current rate of a key, and false for the keys to leave.
// Pauses and refusals stay.
func (l *Limiter) ResetSlow(ctx context.Context, rate func(id string) (Rate, bool), soon time.Duration) (n int, err error) {
	for _, id := range l.slowKeys(rate, soon) {
		current, _ := rate(id)
		dropped := false
		err := l.update(ctx, id, func(s *state, now int64) bool {
			if dropped = s.isSlowerThan(now, current, soon); dropped {
				s.dropSlots()
			}
			return dropped
		})
		if err != nil {
			return n, err
		}
		if dropped {
			n++
		}
	}
	return n, nil
}

// slowKeys returns the keys whose state ResetSlow resets.
func (l *Limiter) slowKeys(rate func(id string) (Rate, bool), soon time.Duration) (ids []string) {
	now := l.nowMicros()
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, c := range l.states {
		if current, ok := rate(id); ok && c.isSlowerThan(now, current, soon) {
			ids = append(ids, id)
		}
	}
	return ids
}

// isSlowerThan reports whether the state has slots later than soon, after a pause if there is
// one, that lie farther apart than a rate requires.
func (st *state) isSlowerThan(now int64, rate Rate, soon time.Duration) bool {
	return st.Interval > rate.Interval().Microseconds() && st.nextSlot(now) > max(now, st.PausedUntil)+soon.Microseconds()
}

// dropSlots resets a state except for its pause, open breaker and refusal.
func (st *state) dropSlots() {
	*st = state{
		Generation: newGeneration(),
		PausedFrom: st.PausedFrom, PausedUntil: st.PausedUntil, Resume: st.PausedUntil, PauseCode: st.PauseCode,
		BrokenUntil: st.BrokenUntil, RefusedUntil: st.RefusedUntil, Code: st.Code, ProbeUntil: st.ProbeUntil,
	}
}
