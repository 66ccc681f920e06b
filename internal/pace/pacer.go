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
	// tries bounds how often a change is tried that others are faster with.
	tries = 50
	// firstBackoff bounds the wait after the first conflict; it doubles up to
	// lastBackoff.
	firstBackoff = 2 * time.Millisecond
	lastBackoff  = 100 * time.Millisecond
	// watchAgain is the pause before the bucket is watched again that cannot be.
	watchAgain = time.Second
	// tidyEvery is how often what nobody needs is forgotten.
	tidyEvery = time.Minute
)

// A Pacer says when keys may be called. It is safe for concurrent use.
type Pacer struct {
	bucket Bucket
	now    func() time.Time
	log    *slog.Logger

	faults faults

	mu    sync.Mutex
	lines map[string]*known
	whole bool // what is not in lines is not in the bucket, or came into it just now

	loaded   chan struct{} // closed when whole was set first
	loadOnce sync.Once
}

// A known line is the line of a key as it was last seen. It is never changed, but replaced.
type known struct {
	line
	revision uint64
}

// New gives a pacer over a bucket. Run must run.
func New(bucket Bucket, now func() time.Time, log *slog.Logger) *Pacer {
	return &Pacer{bucket: bucket, now: now, log: log, faults: faults{log: log}, lines: map[string]*known{}, loaded: make(chan struct{})}
}

// Run follows what other senders change until ctx ends.
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
			p.log.Warn("limiter state cannot be watched, trying again until it can", "error", err)
		}
		wait(ctx, watchAgain)
	}
	return nil
}

// tidy forgets lines that hold nothing, so that memory does not grow with every
// destination there ever was.
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

// renew notes that the bucket began anew. What is known still says when others call, and
// is put back by the first to change it: a line that began anew, too, would let as much
// be called beside that.
func (p *Pacer) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, k := range p.lines {
		p.lines[id] = &known{line: k.line}
	}
	p.whole = false
}

// complete notes that all that is in the bucket has been told.
func (p *Pacer) complete() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.whole = true
	p.loadOnce.Do(func() { close(p.loaded) })
}

// Loaded is closed when what was in the bucket when the pacer began is known.
func (p *Pacer) Loaded() <-chan struct{} { return p.loaded }

// incomplete notes that nobody tells any more what comes into the bucket.
func (p *Pacer) incomplete() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.whole = false
}

// learn takes over what the bucket holds, unless what is known is newer.
func (p *Pacer) learn(id string, value []byte, revision uint64) {
	if len(value) == 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.lines, id)
		return
	}
	if revision <= p.look(id).revision { // a change of ours, most often
		return
	}
	l, err := decode(value)
	if err != nil {
		p.log.Warn("a pace cannot be read, it begins anew", "key", id, "error", err)
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

// look gives the line of a key as it was last seen, or an empty one.
func (p *Pacer) look(id string) *known {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.lines[id]; k != nil {
		return k
	}
	return &nothing
}

// nothing is known of a key that nobody has called.
var nothing known

// change changes the line of a key, after whoever was faster. Where do says that
// there is nothing to be changed, nothing is. do may be called several times.
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
			return fmt.Errorf("change a pace: %w", err)
		}
		if k, err = p.load(ctx, id); err != nil {
			return err
		}
		if try > 0 { // the first may only have known too little
			wait(ctx, mathrand.N(backoff)) //nolint:gosec // it spreads load, and keeps no secret
			backoff = min(2*backoff, lastBackoff)
		}
	}
	return fmt.Errorf("change a pace: too many do at once: %w", fault.ErrUnavailable)
}

// newLife names a line that begins.
func newLife() string { return rand.Text()[:lifeLength] }

// see gives the line of a key, from the bucket where it is not known. What came into
// the bucket just now is not known either: who changes it is told so by a conflict, and
// who does not is told soon.
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

// load asks the bucket itself. What has vanished from it is as it was known.
func (p *Pacer) load(ctx context.Context, id string) (*known, error) {
	value, revision, err := p.bucket.Load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("look at a pace: %w", err)
	}
	k := &known{revision: revision}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(value) > 0 {
		k.line, _ = decode(value) // one that cannot be read begins anew
	} else if before := p.lines[id]; before != nil {
		k.line = before.line
	}
	p.lines[id] = k // even where its revision is less: the bucket may have begun anew
	return k, nil
}

func (p *Pacer) micros() int64 { return p.now().UnixMicro() }

// wait waits, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
