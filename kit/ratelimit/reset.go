package ratelimit

import (
	"context"
	"time"
)

// ResetSlow resets the limiter state of the keys that have slots later than soon, and farther
// apart than their rate requires: a limit was raised or is off. If there are any, it calls
// release with their number: calls that wait for those slots need to wait no longer. If release
// fails, or the process ends before, the next ResetSlow, of any process, calls it again, until
// the time of the slots. It returns the number of these keys. rate returns the current rate of a
// key, and false for the keys to leave. Pauses and refusals stay.
func (l *Limiter) ResetSlow(ctx context.Context, rate func(id string) (Rate, bool), soon time.Duration, release func(ctx context.Context, keys int) error) (int, error) {
	slow := map[string]int64{} // the end of the slots, by key
	for _, id := range l.slowKeys(rate, soon) {
		current, _ := rate(id)
		until, err := l.dropSlow(ctx, id, current, soon)
		if err != nil {
			return 0, err
		}
		if until != 0 {
			slow[id] = until
		}
	}
	if len(slow) == 0 {
		return 0, nil
	}
	if err := release(ctx, len(slow)); err != nil {
		return len(slow), err
	}
	for id, until := range slow {
		if err := l.forgetSlow(ctx, id, until); err != nil {
			return len(slow), err
		}
	}
	return len(slow), nil
}

// dropSlow drops all slots of a key, once, if there are slow ones, and returns the end of those;
// 0 if there are none. It stays recorded.
func (l *Limiter) dropSlow(ctx context.Context, id string, current Rate, soon time.Duration) (until int64, err error) {
	err = l.update(ctx, id, func(s *state, now int64) bool {
		until = s.slowUntil(now, current, soon)
		if until == 0 || s.nextSlot(now) < s.SlowUntil { // dropped before
			return false
		}
		s.recordSlow(until)
		s.dropSlots()
		until = s.SlowUntil
		return true
	})
	return until, err
}

// forgetSlow deletes the record of slow slots, unless a process with a slower rate limit has
// reserved others since.
func (l *Limiter) forgetSlow(ctx context.Context, id string, until int64) error {
	return l.update(ctx, id, func(s *state, _ int64) bool {
		if s.SlowUntil != until {
			return false
		}
		s.SlowInterval, s.SlowUntil = 0, 0
		return true
	})
}

// slowKeys returns the keys whose state ResetSlow resets.
func (l *Limiter) slowKeys(rate func(id string) (Rate, bool), soon time.Duration) (ids []string) {
	now := l.nowMicros()
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, c := range l.states {
		if current, ok := rate(id); ok && c.slowUntil(now, current, soon) != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// slowUntil returns the end of the slots that lie farther apart than a rate requires, or 0 if
// there are none later than soon, after a pause if there is one.
func (st *state) slowUntil(now int64, rate Rate, soon time.Duration) (until int64) {
	interval := rate.Interval().Microseconds()
	if st.Interval > interval {
		until = st.nextSlot(now)
	}
	if st.SlowInterval > interval {
		until = max(until, st.SlowUntil)
	}
	if until <= max(now, st.PausedUntil)+soon.Microseconds() {
		return 0
	}
	return until
}

// dropSlots resets a state except for its pause, open breaker, refusal and record of slow slots.
func (st *state) dropSlots() {
	*st = state{
		Generation:   newGeneration(),
		SlowInterval: st.SlowInterval, SlowUntil: st.SlowUntil,
		PausedFrom: st.PausedFrom, PausedUntil: st.PausedUntil, Resume: st.PausedUntil, PauseCode: st.PauseCode,
		BrokenUntil: st.BrokenUntil, RefusedUntil: st.RefusedUntil, Code: st.Code, ProbeUntil: st.ProbeUntil,
	}
}
