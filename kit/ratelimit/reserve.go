package ratelimit

import (
	"context"
	"time"
)

// Load loads the limiter state of a key, so that a View of it includes changes from
// before this process started.
func (l *Limiter) Load(ctx context.Context, key Key) error {
	c, err := l.get(ctx, key.ID)
	if err != nil || !c.isFromFuture(l.nowMicros()) {
		return err
	}
	return l.update(ctx, key.ID, func(*state, int64) bool { return false }) // a state that is ahead is reset
}

// IsLoaded reports whether the limiter state of a key is loaded, so that Load needs no
// request.
func (l *Limiter) IsLoaded(key Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.states[key.ID]
	return ok && !c.isFromFuture(l.nowMicros()) || !ok && l.complete
}

// Reserve reserves up to n slots of a key and returns them in order. Urgent slots are
// inserted before the ordinary ones, but leave every eighth slot to them. It returns
// fewer than n when the slots reach the horizon: retry later. After an error no call may
// be made.
func (l *Limiter) Reserve(ctx context.Context, key Key, n int, urgent bool) (slots []Slot, err error) {
	err = l.update(ctx, key.ID, func(s *state, now int64) bool {
		slots = s.reserve(now, key.Rate, n, urgent)
		return len(slots) > 0
	})
	if err != nil {
		return nil, err
	}
	return slots, nil
}

// Horizon returns a time at which to retry a key whose slots reach the horizon.
func (l *Limiter) Horizon() time.Time { return l.now().Add(maxAhead / 2) }

// Pause stops the calls under a key until the given time: all slots move behind it, in
// order. code is the reason, for display.
func (l *Limiter) Pause(ctx context.Context, key Key, until time.Time, code string) error {
	return l.update(ctx, key.ID, func(s *state, now int64) bool {
		isNew := s.pause(now, until.UnixMicro())
		if isNew {
			s.PauseCode = code
		}
		return isNew
	})
}

// SetBreakerOpen records that the circuit breaker of a process is open until the given time. It
// is for display only.
func (l *Limiter) SetBreakerOpen(ctx context.Context, key Key, until time.Time) error {
	return l.update(ctx, key.ID, func(s *state, now int64) bool {
		isNew := s.BrokenUntil <= now
		s.BrokenUntil = until.UnixMicro()
		return isNew
	})
}

// MarkRefused marks a key as refused by the called service, until the given time. isNew reports
// whether no refusal was in force before.
func (l *Limiter) MarkRefused(ctx context.Context, key Key, code string, until time.Time) (isNew bool, err error) {
	err = l.update(ctx, key.ID, func(s *state, now int64) bool {
		isNew = s.RefusedUntil <= now
		s.Code, s.RefusedUntil, s.ProbeUntil = code, until.UnixMicro(), 0
		return isNew
	})
	return isNew && err == nil, err
}

// AcquireProbe acquires the right to make one call under a key whose refusal has expired, until
// the given time; one process has it at a time. mine reports whether it was acquired.
func (l *Limiter) AcquireProbe(ctx context.Context, key Key, until time.Time) (mine bool, err error) {
	err = l.update(ctx, key.ID, func(s *state, now int64) bool {
		mine = s.Code != "" && s.RefusedUntil <= now && s.ProbeUntil <= now
		s.ProbeUntil = until.UnixMicro()
		return mine
	})
	return mine && err == nil, err
}

// ClearRefusal clears the refusal of a key that the called service accepts again.
func (l *Limiter) ClearRefusal(ctx context.Context, key Key) error {
	return l.update(ctx, key.ID, func(s *state, _ int64) bool {
		refused := s.Code != ""
		s.Code, s.RefusedUntil, s.ProbeUntil = "", 0, 0
		return refused
	})
}
