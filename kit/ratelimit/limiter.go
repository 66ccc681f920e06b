package ratelimit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
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

// A Limiter reserves slots under rate limits that several processes share. It is safe
// for concurrent use.
type Limiter struct {
	bucket Bucket
	now    func() time.Time
	log    *slog.Logger

	faults skewLog

	mu       sync.Mutex
	states   map[string]*cachedState
	complete bool // keys not in states are not in the bucket, or were added just now

	ready    chan struct{} // closed when complete is first set
	loadOnce sync.Once
}

// A cachedState is the cached state of a key. It is immutable; a change replaces it.
type cachedState struct {
	state
	revision uint64
}

// New returns a Limiter over a bucket. Its Run must be running.
func New(bucket Bucket, now func() time.Time, log *slog.Logger) *Limiter {
	return &Limiter{bucket: bucket, now: now, log: log, faults: skewLog{log: log}, states: map[string]*cachedState{}, ready: make(chan struct{})}
}

// Run watches the bucket for changes of other processes until ctx ends.
func (l *Limiter) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.evictIdle(ctx)
	}()
	defer func() { <-done }()
	away := false
	complete := func() {
		if l.markComplete(); away {
			away = false
			l.log.Info("limiter state is watched again")
		}
	}
	for ctx.Err() == nil {
		err := l.bucket.Watch(ctx, l.onBucketRenewed, l.applyUpdate, complete)
		l.markIncomplete()
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !away {
			away = true
			l.log.Warn("limiter state cannot be watched, retrying", "error", err)
		}
		sleep(ctx, watchRetryDelay)
	}
	return nil
}

// evictIdle deletes idle states from the cache, so that memory does not grow with every
// key ever used.
func (l *Limiter) evictIdle(ctx context.Context) {
	ticker := time.NewTicker(evictInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.mu.Lock()
			for id, c := range l.states {
				if c.isIdle(l.nowMicros()) {
					delete(l.states, id)
				}
			}
			l.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// onBucketRenewed handles a recreated bucket. The cached states stay in force, and the first
// change of a key writes its state back: an empty state would allow as many calls again.
func (l *Limiter) onBucketRenewed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, c := range l.states {
		l.states[id] = &cachedState{state: c.state}
	}
	l.complete = false
}

// markComplete records that the watch has returned all values of the bucket.
func (l *Limiter) markComplete() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.complete = true
	l.loadOnce.Do(func() { close(l.ready) })
}

// Ready returns a channel that is closed when the initial content of the bucket is
// cached.
func (l *Limiter) Ready() <-chan struct{} { return l.ready }

// markIncomplete records that the watch no longer returns changes of the bucket.
func (l *Limiter) markIncomplete() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.complete = false
}

// applyUpdate caches a value of the bucket, unless the cached state is newer.
func (l *Limiter) applyUpdate(id string, value []byte, revision uint64) {
	if len(value) == 0 {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.states, id)
		return
	}
	if revision <= l.cached(id).revision { // mostly a change of this process
		return
	}
	s, err := decodeState(value)
	if err != nil {
		l.log.Warn("invalid limiter state, resetting it", "key", id, "error", err)
	}
	l.store(id, s, revision)
}

func (l *Limiter) store(id string, s state, revision uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before := l.states[id]; before == nil || revision > before.revision {
		l.states[id] = &cachedState{s, revision}
	}
}

// cached returns the cached state of a key, or an empty one.
func (l *Limiter) cached(id string) *cachedState {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.states[id]; c != nil {
		return c
	}
	return &emptyState
}

// emptyState is the state of a key without calls.
var emptyState cachedState

// update updates the limiter state of a key, and retries on conflicts with other processes.
// If do returns false, nothing is written but the reset of a state that is ahead. do may
// be called several times.
func (l *Limiter) update(ctx context.Context, id string, do func(s *state, now int64) bool) error {
	c, err := l.get(ctx, id)
	if err != nil {
		return err
	}
	backoff := firstBackoff
	for try := range maxUpdateTries {
		s, now := c.state, l.nowMicros()
		ahead := s.isFromFuture(now)
		if ahead {
			s.reset(now)
		}
		if s.Generation == "" {
			s.Generation = newGeneration()
		}
		if !do(&s, now) && !ahead {
			return nil
		}
		s.WriteTime = now
		revision, err := l.bucket.Swap(ctx, id, s.encode(), c.revision)
		if err == nil {
			l.store(id, s, revision)
			if ahead {
				l.faults.record(id, time.Duration(max(c.WriteTime, c.Next)-now)*time.Microsecond, time.UnixMicro(now))
			}
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return fmt.Errorf("update limiter state: %w", err)
		}
		if c, err = l.fetch(ctx, id); err != nil {
			return err
		}
		if try > 0 { // the first conflict may only mean a stale cache
			sleep(ctx, mathrand.N(backoff)) //nolint:gosec // spreads load, protects no secret
			backoff = min(2*backoff, lastBackoff)
		}
	}
	return fault.Unavailablef("update limiter state: too many concurrent changes; try again")
}

// newGeneration returns a new generation.
func newGeneration() string { return rand.Text()[:generationLen] }

// get returns the state of a key, from the bucket if it is not cached. A key that was
// added to the bucket just now may be missing in the cache: a change of it detects that
// by a conflict, a read sees it after a moment.
func (l *Limiter) get(ctx context.Context, id string) (*cachedState, error) {
	l.mu.Lock()
	c, ok := l.states[id]
	complete := l.complete
	l.mu.Unlock()
	switch {
	case ok:
		return c, nil
	case complete:
		return &emptyState, nil
	}
	return l.fetch(ctx, id)
}

// fetch reads the state from the bucket. A state that the bucket lost stays as it is
// cached.
func (l *Limiter) fetch(ctx context.Context, id string) (*cachedState, error) {
	value, revision, err := l.bucket.Load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read limiter state: %w", err)
	}
	c := &cachedState{revision: revision}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(value) > 0 {
		c.state, _ = decodeState(value) // an invalid state is reset
	} else if before := l.states[id]; before != nil {
		c.state = before.state
	}
	l.states[id] = c // even with a lower revision: the bucket may be a new one
	return c, nil
}

func (l *Limiter) nowMicros() int64 { return l.now().UnixMicro() }

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
