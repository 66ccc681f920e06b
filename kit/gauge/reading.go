// Package gauge reads the values of gauges that describe a database or a broker, not the process
// that exports them.
package gauge

import (
	"context"
	"sync"
	"time"
)

const (
	// maxAge is how long values are kept, however often metrics are scraped.
	maxAge = 10 * time.Second
	// timeout bounds a read, so that an unresponsive broker or database does not block the other
	// metrics.
	timeout = 3 * time.Second
)

// A Reading reads values at most once in 10 s. Every process that shares their source exports the
// same values. It is safe for concurrent use.
type Reading struct {
	read   func(context.Context) error
	failed func(error)
	now    func() time.Time

	mu   sync.Mutex // held while the values are read or used
	last time.Time
	err  error // of the last read
}

// NewReading returns a Reading. read stores the values. failed logs that read fails; it is called
// once, until read succeeds.
func NewReading(read func(context.Context) error, failed func(error), now func() time.Time) *Reading {
	return &Reading{read: read, failed: failed, now: now}
}

// Use calls f, which may use the values, after a read if they are too old. If the last read failed,
// it does not call f.
func (r *Reading) Use(ctx context.Context, f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refresh(ctx); r.err == nil {
		f()
	}
}

// refresh reads the values if they are too old. mu must be held.
func (r *Reading) refresh(ctx context.Context) {
	now := r.now()
	if age := now.Sub(r.last); !r.last.IsZero() && age >= 0 && age < maxAge {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	failing := r.err != nil
	r.last, r.err = now, r.read(ctx)
	if r.err != nil && !failing {
		r.failed(r.err)
	}
}
