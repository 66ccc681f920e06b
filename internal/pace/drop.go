package pace

import (
	"context"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// DropSlots resets the limiter state of a messenger's keys that have slots later than
// soon, and farther apart than their rate requires: a limit was raised or is off. It
// returns the number of reset states. rate returns the current rate of a credential or of
// a destination. Pauses and refusals stay.
func (p *Pacer) DropSlots(ctx context.Context, messenger string, rate func(destination bool) messenger.Rate, soon time.Duration) (n int, err error) {
	for _, id := range p.slow(messenger, rate, soon) {
		dropped := false
		err := p.change(ctx, id, func(l *line, now int64) bool {
			if dropped = l.slow(now, rate(Standing{Key: id}.OfDestination()), soon); dropped {
				l.dropSlots()
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

// slow returns the keys whose state DropSlots resets.
func (p *Pacer) slow(messenger string, rate func(destination bool) messenger.Rate, soon time.Duration) (ids []string) {
	now := p.micros()
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, k := range p.lines {
		if strings.HasPrefix(id, messenger+".") && k.slow(now, rate(Standing{Key: id}.OfDestination()), soon) {
			ids = append(ids, id)
		}
	}
	return ids
}

// slow reports whether the state has slots later than soon, after a pause if there is
// one, that lie farther apart than a rate requires.
func (l *line) slow(now int64, rate messenger.Rate, soon time.Duration) bool {
	return l.Interval > rate.Interval().Microseconds() && l.nextSlot(now) > max(now, l.PausedUntil)+soon.Microseconds()
}

// dropSlots resets a state except for its pause, open breaker and refusal.
func (l *line) dropSlots() {
	*l = line{
		Life:       newLife(),
		PausedFrom: l.PausedFrom, PausedUntil: l.PausedUntil, Resume: l.PausedUntil, PauseCode: l.PauseCode,
		BrokenUntil: l.BrokenUntil, RefusedUntil: l.RefusedUntil, Code: l.Code, ProbeUntil: l.ProbeUntil,
	}
}
