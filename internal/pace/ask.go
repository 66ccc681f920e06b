package pace

import (
	"context"
	"time"
)

// Know makes sure that a key is known as it stands, so that a View of it speaks of
// what others did before this process began.
func (p *Pacer) Know(ctx context.Context, key Key) error {
	k, err := p.see(ctx, key.ID)
	if err != nil || !k.ahead(p.micros()) {
		return err
	}
	return p.change(ctx, key.ID, func(*line, int64) bool { return false }) // it begins anew
}

// Knows says whether a key is known as it stands, so that Know would ask nobody.
func (p *Pacer) Knows(key Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.lines[key.ID]
	return ok && !k.ahead(p.micros()) || !ok && p.whole
}

// Reserve gives up to n slots of a key, in the order of its line. Urgent ones are
// put in front of what waits, but leave every eighth slot to it. Where it gives
// fewer than n, the line is too long: ask again later. Where it fails, nothing may
// be called.
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

// Horizon is a time at which a key whose line is too long may be asked again.
func (p *Pacer) Horizon() time.Time { return p.now().Add(horizon / 2) }

// Pause lets nobody call a key until then: all slots move behind it, in order. code
// is the provider's word for it.
func (p *Pacer) Pause(ctx context.Context, key Key, until time.Time, code string) error {
	return p.change(ctx, key.ID, func(l *line, now int64) bool {
		news := l.pause(now, until.UnixMicro())
		if news {
			l.PauseCode = code
		}
		return news
	})
}

// Broken tells that a sender's breaker is open until then, for people to see.
func (p *Pacer) Broken(ctx context.Context, key Key, until time.Time) error {
	return p.change(ctx, key.ID, func(l *line, now int64) bool {
		news := l.BrokenUntil <= now
		l.BrokenUntil = until.UnixMicro()
		return news
	})
}

// Refuse marks a key whose provider refuses it, until then. news says that nobody
// had marked it since it was refused last.
func (p *Pacer) Refuse(ctx context.Context, key Key, code string, until time.Time) (news bool, err error) {
	err = p.change(ctx, key.ID, func(l *line, now int64) bool {
		news = l.RefusedUntil <= now
		l.Code, l.RefusedUntil, l.ProbeUntil = code, until.UnixMicro(), 0
		return news
	})
	return news && err == nil, err
}

// Probe asks for the right to call a key once whose refusal is over, until then;
// one sender has it at a time.
func (p *Pacer) Probe(ctx context.Context, key Key, until time.Time) (mine bool, err error) {
	err = p.change(ctx, key.ID, func(l *line, now int64) bool {
		mine = l.Code != "" && l.RefusedUntil <= now && l.ProbeUntil <= now
		l.ProbeUntil = until.UnixMicro()
		return mine
	})
	return mine && err == nil, err
}

// Accept takes back a refusal: the provider takes the key again.
func (p *Pacer) Accept(ctx context.Context, key Key) error {
	return p.change(ctx, key.ID, func(l *line, _ int64) bool {
		is := l.Code != ""
		l.Code, l.RefusedUntil, l.ProbeUntil = "", 0, 0
		return is
	})
}
