package pace

import (
	"context"
	"time"
)

// Load loads the limiter state of a key, so that a View of it includes changes from
// before this process started.
func (p *Limiter) Load(ctx context.Context, key Key) error {
	k, err := p.get(ctx, key.ID)
	if err != nil || !k.isFromFuture(p.nowMicros()) {
		return err
	}
	return p.update(ctx, key.ID, func(*state, int64) bool { return false }) // a state that is ahead is reset
}

// IsLoaded reports whether the limiter state of a key is loaded, so that Know needs no
// request.
func (p *Limiter) IsLoaded(key Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.states[key.ID]
	return ok && !k.isFromFuture(p.nowMicros()) || !ok && p.complete
}

// Reserve reserves up to n slots of a key and returns them in order. Urgent slots are
// inserted before the ordinary ones, but leave every eighth slot to them. It returns
// fewer than n when the slots reach the horizon: retry later. After an error no call may
// be made.
func (p *Limiter) Reserve(ctx context.Context, key Key, n int, urgent bool) (slots []Slot, err error) {
	err = p.update(ctx, key.ID, func(l *state, now int64) bool {
		slots = l.reserve(now, key.Rate, n, urgent)
		return len(slots) > 0
	})
	if err != nil {
		return nil, err
	}
	return slots, nil
}

// Horizon returns a time at which to retry a key whose slots reach the horizon.
func (p *Limiter) Horizon() time.Time { return p.now().Add(maxAhead / 2) }

// Pause stops the calls under a key until the given time: all slots move behind it, in
// order. code is the provider's code.
func (p *Limiter) Pause(ctx context.Context, key Key, until time.Time, code string) error {
	return p.update(ctx, key.ID, func(l *state, now int64) bool {
		news := l.pause(now, until.UnixMicro())
		if news {
			l.PauseCode = code
		}
		return news
	})
}

// SetBreakerOpen records that a sender's breaker is open until the given time. It is for display
// only.
func (p *Limiter) SetBreakerOpen(ctx context.Context, key Key, until time.Time) error {
	return p.update(ctx, key.ID, func(l *state, now int64) bool {
		news := l.BrokenUntil <= now
		l.BrokenUntil = until.UnixMicro()
		return news
	})
}

// MarkRefused marks a key as refused by its provider, until the given time. news reports
// whether no refusal was in force before.
func (p *Limiter) MarkRefused(ctx context.Context, key Key, code string, until time.Time) (news bool, err error) {
	err = p.update(ctx, key.ID, func(l *state, now int64) bool {
		news = l.RefusedUntil <= now
		l.Code, l.RefusedUntil, l.ProbeUntil = code, until.UnixMicro(), 0
		return news
	})
	return news && err == nil, err
}

// AcquireProbe acquires the right to make one call under a key whose refusal has expired, until
// the given time; one sender has it at a time. mine reports whether it was acquired.
func (p *Limiter) AcquireProbe(ctx context.Context, key Key, until time.Time) (mine bool, err error) {
	err = p.update(ctx, key.ID, func(l *state, now int64) bool {
		mine = l.Code != "" && l.RefusedUntil <= now && l.ProbeUntil <= now
		l.ProbeUntil = until.UnixMicro()
		return mine
	})
	return mine && err == nil, err
}

// ClearRefusal clears the refusal of a key that its provider accepts again.
func (p *Limiter) ClearRefusal(ctx context.Context, key Key) error {
	return p.update(ctx, key.ID, func(l *state, _ int64) bool {
		is := l.Code != ""
		l.Code, l.RefusedUntil, l.ProbeUntil = "", 0, 0
		return is
	})
}
