package pace

import (
	"context"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// ResetSlow resets the limiter state of a messenger's keys that have slots later than
// soon, and farther apart than their rate requires: a limit was raised or is off. It
// returns the number of reset states. rate returns the current rate of a credential or of
// a destination. Pauses and refusals stay.
func (p *Limiter) ResetSlow(ctx context.Context, messenger string, rate func(destination bool) messenger.Rate, soon time.Duration) (n int, err error) {
	for _, id := range p.slowKeys(messenger, rate, soon) {
		dropped := false
		err := p.update(ctx, id, func(l *state, now int64) bool {
			if dropped = l.isSlowerThan(now, rate(KeyReport{Key: id}.IsDestination()), soon); dropped {
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

// slowKeys returns the keys whose state ResetSlow resets.
func (p *Limiter) slowKeys(messenger string, rate func(destination bool) messenger.Rate, soon time.Duration) (ids []string) {
	now := p.nowMicros()
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, k := range p.states {
		if strings.HasPrefix(id, messenger+".") && k.isSlowerThan(now, rate(KeyReport{Key: id}.IsDestination()), soon) {
			ids = append(ids, id)
		}
	}
	return ids
}

// isSlowerThan reports whether the state has slots later than soon, after a pause if there is
// one, that lie farther apart than a rate requires.
func (l *state) isSlowerThan(now int64, rate messenger.Rate, soon time.Duration) bool {
	return l.Interval > rate.Interval().Microseconds() && l.nextSlot(now) > max(now, l.PausedUntil)+soon.Microseconds()
}

// dropSlots resets a state except for its pause, open breaker and refusal.
func (l *state) dropSlots() {
	*l = state{
		Generation: newGeneration(),
		PausedFrom: l.PausedFrom, PausedUntil: l.PausedUntil, Resume: l.PausedUntil, PauseCode: l.PauseCode,
		BrokenUntil: l.BrokenUntil, RefusedUntil: l.RefusedUntil, Code: l.Code, ProbeUntil: l.ProbeUntil,
	}
}
