package pace

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
)

const (
	// tries is the maximum number of tries of a change that conflicts with others.
	tries = 50
	// firstBackoff is the maximum wait after the first conflict; it doubles up to
	// lastBackoff.
	firstBackoff = 2 * time.Millisecond
	lastBackoff  = 100 * time.Millisecond
	// watchAgain is the wait before a failed watch is retried.
	watchAgain = time.Second
	// tidyEvery is the interval at which idle states are deleted from the cache.
	tidyEvery = time.Minute
)

// A Pacer reserves slots under rate limits that all senders share. It is safe for
// concurrent use.
type Pacer struct {
	bucket Bucket
	now    func() time.Time
	log    *slog.Logger

	faults faults

	mu    sync.Mutex
	lines map[string]*known
	whole bool // keys not in lines are not in the bucket, or were added just now

	loaded   chan struct{} // closed when whole is first set
	loadOnce sync.Once
}

// A known is the cached state of a key. It is immutable; a change replaces it.
type known struct {
	line
	revision uint64
}

// New returns a pacer over a bucket. Its Run must be running.
func New(bucket Bucket, now func() time.Time, log *slog.Logger) *Pacer {
	return &Pacer{bucket: bucket, now: now, log: log, faults: faults{log: log}, lines: map[string]*known{}, loaded: make(chan struct{})}
}

// Run watches the bucket for changes of other senders until ctx ends.
func (p *Pacer) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.tidy(ctx)
	}()
	defer func() { <-done }()
	away := false
	complete := func() {
		if p.complete(); away {
			away = false
			p.log.Info("limiter state is watched again")
		}
	}
	for ctx.Err() == nil {
		err := p.bucket.Watch(ctx, p.renew, p.learn, complete)
		p.incomplete()
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !away {
			away = true
			p.log.Warn("limiter state cannot be watched, retrying", "error", err)
		}
		wait(ctx, watchAgain)
	}
	return nil
}

// tidy deletes idle states from the cache, so that memory does not grow with every
// destination ever used.
func (p *Pacer) tidy(ctx context.Context) {
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.mu.Lock()
			for id, k := range p.lines {
				if k.idle(p.micros()) {
					delete(p.lines, id)
				}
			}
			p.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// renew handles a recreated bucket. The cached states stay in force, and the first
// change of a key writes its state back: an empty state would allow as many calls again.
func (p *Pacer) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, k := range p.lines {
		p.lines[id] = &known{line: k.line}
	}
	p.whole = false
}

// complete records that the watch has returned all values of the bucket.
func (p *Pacer) complete() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.whole = true
	p.loadOnce.Do(func() { close(p.loaded) })
}

// Loaded returns a channel that is closed when the initial content of the bucket is
// cached.
func (p *Pacer) Loaded() <-chan struct{} { return p.loaded }

// incomplete records that the watch no longer returns changes of the bucket.
func (p *Pacer) incomplete() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.whole = false
}

// learn caches a value of the bucket, unless the cached state is newer.
func (p *Pacer) learn(id string, value []byte, revision uint64) {
	if len(value) == 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.lines, id)
		return
	}
	if revision <= p.look(id).revision { // mostly a change of this process
		return
	}
	l, err := decode(value)
	if err != nil {
		p.log.Warn("invalid limiter state, resetting it", "key", id, "error", err)
	}
	p.keep(id, l, revision)
}

func (p *Pacer) keep(id string, l line, revision uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before := p.lines[id]; before == nil || revision > before.revision {
		p.lines[id] = &known{l, revision}
	}
}

// look returns the cached state of a key, or an empty one.
func (p *Pacer) look(id string) *known {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.lines[id]; k != nil {
		return k
	}
	return &nothing
}

// nothing is the state of a key without calls.
var nothing known

// change updates the limiter state of a key, and retries on conflicts with other senders.
// If do returns false, nothing is written but the reset of a state that is ahead. do may
// be called several times.
func (p *Pacer) change(ctx context.Context, id string, do func(l *line, now int64) bool) error {
	k, err := p.see(ctx, id)
	if err != nil {
		return err
	}
	backoff := firstBackoff
	for try := range tries {
		l, now := k.line, p.micros()
		ahead := l.ahead(now)
		if ahead {
			l.restart(now)
		}
		if l.Life == "" {
			l.Life = newLife()
		}
		if !do(&l, now) && !ahead {
			return nil
		}
		l.Wrote = now
		revision, err := p.bucket.Swap(ctx, id, l.encode(), k.revision)
		if err == nil {
			p.keep(id, l, revision)
			if ahead {
				p.faults.add(id, time.Duration(max(k.Wrote, k.Next)-now)*time.Microsecond, time.UnixMicro(now))
			}
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return fmt.Errorf("update limiter state: %w", err)
		}
		if k, err = p.load(ctx, id); err != nil {
			return err
		}
		if try > 0 { // the first conflict may only mean a stale cache
			wait(ctx, mathrand.N(backoff)) //nolint:gosec // spreads load, protects no secret
			backoff = min(2*backoff, lastBackoff)
		}
	}
	return fmt.Errorf("update limiter state: too many concurrent changes: %w", fault.ErrUnavailable)
}

// newLife returns a new generation.
func newLife() string { return rand.Text()[:lifeLength] }

// see returns the state of a key, from the bucket if it is not cached. A key that was
// added to the bucket just now may be missing in the cache: a change of it detects that
// by a conflict, a read sees it after a moment.
func (p *Pacer) see(ctx context.Context, id string) (*known, error) {
	p.mu.Lock()
	k, is := p.lines[id]
	whole := p.whole
	p.mu.Unlock()
	switch {
	case is:
		return k, nil
	case whole:
		return &nothing, nil
	}
	return p.load(ctx, id)
}

// load reads the state from the bucket. A state that the bucket lost stays as it is
// cached.
func (p *Pacer) load(ctx context.Context, id string) (*known, error) {
	value, revision, err := p.bucket.Load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read limiter state: %w", err)
	}
	k := &known{revision: revision}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(value) > 0 {
		k.line, _ = decode(value) // an invalid state is reset
	} else if before := p.lines[id]; before != nil {
		k.line = before.line
	}
	p.lines[id] = k // even with a lower revision: the bucket may be a new one
	return k, nil
}

func (p *Pacer) micros() int64 { return p.now().UnixMicro() }

// wait waits for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
