package pace

import (
	"context"
	"time"
)

// Know loads the limiter state of a key, so that a View of it includes changes from
// before this process started.
func (p *Pacer) Know(ctx context.Context, key Key) error {
	k, err := p.see(ctx, key.ID)
	if err != nil || !k.ahead(p.micros()) {
		return err
	}
	return p.change(ctx, key.ID, func(*line, int64) bool { return false }) // a state that is ahead is reset
}

// Knows reports whether the limiter state of a key is loaded, so that Know needs no
// request.
func (p *Pacer) Knows(key Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.lines[key.ID]
	return ok && !k.ahead(p.micros()) || !ok && p.whole
}

// Reserve reserves up to n slots of a key and returns them in order. Urgent slots are
// inserted before the ordinary ones, but leave every eighth slot to them. It returns
// fewer than n when the slots reach the horizon: retry later. After an error no call may
// be made.
func (p *Pacer) Reserve(ctx context.Context, key Key, n int, urgent bool) (slots []Slot, err error) {
	err = p.change(ctx, key.ID, func(l *line, now int64) bool {
		slots = l.reserve(now, key.Rate, n, urgent)
		return len(slots) > 0
	})
	if err != nil {
		return nil, err
	}
	return slots, nil
}

// Horizon returns a time at which to retry a key whose slots reach the horizon.
func (p *Pacer) Horizon() time.Time { return p.now().Add(horizon / 2) }

// Pause stops the calls under a key until the given time: all slots move behind it, in
// order. code is the provider's code.
func (p *Pacer) Pause(ctx context.Context, key Key, until time.Time, code string) error {
	return p.change(ctx, key.ID, func(l *line, now int64) bool {
		news := l.pause(now, until.UnixMicro())
		if news {
			l.PauseCode = code
		}
		return news
	})
}

// Broken records that a sender's breaker is open until the given time. It is for display
// only.
func (p *Pacer) Broken(ctx context.Context, key Key, until time.Time) error {
	return p.change(ctx, key.ID, func(l *line, now int64) bool {
		news := l.BrokenUntil <= now
		l.BrokenUntil = until.UnixMicro()
		return news
	})
}

// Refuse marks a key as refused by its provider, until the given time. news reports
// whether no refusal was in force before.
func (p *Pacer) Refuse(ctx context.Context, key Key, code string, until time.Time) (news bool, err error) {
	err = p.change(ctx, key.ID, func(l *line, now int64) bool {
		news = l.RefusedUntil <= now
		l.Code, l.RefusedUntil, l.ProbeUntil = code, until.UnixMicro(), 0
		return news
	})
	return news && err == nil, err
}

// Probe acquires the right to make one call under a key whose refusal has expired, until
// the given time; one sender has it at a time. mine reports whether it was acquired.
func (p *Pacer) Probe(ctx context.Context, key Key, until time.Time) (mine bool, err error) {
	err = p.change(ctx, key.ID, func(l *line, now int64) bool {
		mine = l.Code != "" && l.RefusedUntil <= now && l.ProbeUntil <= now
		l.ProbeUntil = until.UnixMicro()
		return mine
	})
	return mine && err == nil, err
}

// Accept clears the refusal of a key that its provider accepts again.
func (p *Pacer) Accept(ctx context.Context, key Key) error {
	return p.change(ctx, key.ID, func(l *line, _ int64) bool {
		is := l.Code != ""
		l.Code, l.RefusedUntil, l.ProbeUntil = "", 0, 0
		return is
	})
}
