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
	// maxUpdateTries is the maximum number of tries of a change that conflicts with others.
	maxUpdateTries = 50
	// firstBackoff is the maximum wait after the first conflict; it doubles up to
	// lastBackoff.
	firstBackoff = 2 * time.Millisecond
	lastBackoff  = 100 * time.Millisecond
	// watchRetryDelay is the wait before a failed watch is retried.
	watchRetryDelay = time.Second
	// evictInterval is the interval at which idle states are deleted from the cache.
	evictInterval = time.Minute
)

// A Limiter reserves slots under rate limits that all senders share. It is safe for
// concurrent use.
type Limiter struct {
	bucket Bucket
	now    func() time.Time
	log    *slog.Logger

	faults skewLog

	mu       sync.Mutex
	states   map[string]*cachedState
	complete bool // keys not in lines are not in the bucket, or were added just now

	ready    chan struct{} // closed when whole is first set
	loadOnce sync.Once
}

// A cachedState is the cached state of a key. It is immutable; a change replaces it.
type cachedState struct {
	state
	revision uint64
}

// New returns a pacer over a bucket. Its Run must be running.
func New(bucket Bucket, now func() time.Time, log *slog.Logger) *Limiter {
	return &Limiter{bucket: bucket, now: now, log: log, faults: skewLog{log: log}, states: map[string]*cachedState{}, ready: make(chan struct{})}
}

// Run watches the bucket for changes of other senders until ctx ends.
func (p *Limiter) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.evictIdle(ctx)
	}()
	defer func() { <-done }()
	away := false
	complete := func() {
		if p.markComplete(); away {
			away = false
			p.log.Info("limiter state is watched again")
		}
	}
	for ctx.Err() == nil {
		err := p.bucket.Watch(ctx, p.onBucketRenewed, p.applyUpdate, complete)
		p.markIncomplete()
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !away {
			away = true
			p.log.Warn("limiter state cannot be watched, retrying", "error", err)
		}
		sleep(ctx, watchRetryDelay)
	}
	return nil
}

// evictIdle deletes idle states from the cache, so that memory does not grow with every
// destination ever used.
func (p *Limiter) evictIdle(ctx context.Context) {
	ticker := time.NewTicker(evictInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.mu.Lock()
			for id, k := range p.states {
				if k.isIdle(p.nowMicros()) {
					delete(p.states, id)
				}
			}
			p.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// onBucketRenewed handles a recreated bucket. The cached states stay in force, and the first
// change of a key writes its state back: an empty state would allow as many calls again.
func (p *Limiter) onBucketRenewed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, k := range p.states {
		p.states[id] = &cachedState{state: k.state}
	}
	p.complete = false
}

// markComplete records that the watch has returned all values of the bucket.
func (p *Limiter) markComplete() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complete = true
	p.loadOnce.Do(func() { close(p.ready) })
}

// Ready returns a channel that is closed when the initial content of the bucket is
// cached.
func (p *Limiter) Ready() <-chan struct{} { return p.ready }

// markIncomplete records that the watch no longer returns changes of the bucket.
func (p *Limiter) markIncomplete() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complete = false
}

// applyUpdate caches a value of the bucket, unless the cached state is newer.
func (p *Limiter) applyUpdate(id string, value []byte, revision uint64) {
	if len(value) == 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.states, id)
		return
	}
	if revision <= p.cached(id).revision { // mostly a change of this process
		return
	}
	l, err := decodeState(value)
	if err != nil {
		p.log.Warn("invalid limiter state, resetting it", "key", id, "error", err)
	}
	p.store(id, l, revision)
}

func (p *Limiter) store(id string, l state, revision uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before := p.states[id]; before == nil || revision > before.revision {
		p.states[id] = &cachedState{l, revision}
	}
}

// cached returns the cached state of a key, or an empty one.
func (p *Limiter) cached(id string) *cachedState {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.states[id]; k != nil {
		return k
	}
	return &emptyState
}

// emptyState is the state of a key without calls.
var emptyState cachedState

// update updates the limiter state of a key, and retries on conflicts with other senders.
// If do returns false, nothing is written but the reset of a state that is ahead. do may
// be called several times.
func (p *Limiter) update(ctx context.Context, id string, do func(l *state, now int64) bool) error {
	k, err := p.get(ctx, id)
	if err != nil {
		return err
	}
	backoff := firstBackoff
	for try := range maxUpdateTries {
		l, now := k.state, p.nowMicros()
		ahead := l.isFromFuture(now)
		if ahead {
			l.reset(now)
		}
		if l.Generation == "" {
			l.Generation = newGeneration()
		}
		if !do(&l, now) && !ahead {
			return nil
		}
		l.WriteTime = now
		revision, err := p.bucket.Swap(ctx, id, l.encode(), k.revision)
		if err == nil {
			p.store(id, l, revision)
			if ahead {
				p.faults.record(id, time.Duration(max(k.WriteTime, k.Next)-now)*time.Microsecond, time.UnixMicro(now))
			}
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return fmt.Errorf("update limiter state: %w", err)
		}
		if k, err = p.fetch(ctx, id); err != nil {
			return err
		}
		if try > 0 { // the first conflict may only mean a stale cache
			sleep(ctx, mathrand.N(backoff)) //nolint:gosec // spreads load, protects no secret
			backoff = min(2*backoff, lastBackoff)
		}
	}
	return fmt.Errorf("update limiter state: too many concurrent changes: %w", fault.ErrUnavailable)
}

// newGeneration returns a new generation.
func newGeneration() string { return rand.Text()[:generationLen] }

// get returns the state of a key, from the bucket if it is not cached. A key that was
// added to the bucket just now may be missing in the cache: a change of it detects that
// by a conflict, a read sees it after a moment.
func (p *Limiter) get(ctx context.Context, id string) (*cachedState, error) {
	p.mu.Lock()
	k, is := p.states[id]
	whole := p.complete
	p.mu.Unlock()
	switch {
	case is:
		return k, nil
	case whole:
		return &emptyState, nil
	}
	return p.fetch(ctx, id)
}

// fetch reads the state from the bucket. A state that the bucket lost stays as it is
// cached.
func (p *Limiter) fetch(ctx context.Context, id string) (*cachedState, error) {
	value, revision, err := p.bucket.Load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read limiter state: %w", err)
	}
	k := &cachedState{revision: revision}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(value) > 0 {
		k.state, _ = decodeState(value) // an invalid state is reset
	} else if before := p.states[id]; before != nil {
		k.state = before.state
	}
	p.states[id] = k // even with a lower revision: the bucket may be a new one
	return k, nil
}

func (p *Limiter) nowMicros() int64 { return p.now().UnixMicro() }

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
