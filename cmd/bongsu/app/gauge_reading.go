package app

import (
	"context"
	"sync"
	"time"
)

const (
	// gaugeMaxAge is how long the values of a gaugeReading are kept, however often metrics are
	// scraped.
	gaugeMaxAge = 10 * time.Second
	// gaugeTimeout bounds a read, so that an unresponsive broker or database does not block the
	// other metrics.
	gaugeTimeout = 3 * time.Second
)

// A gaugeReading reads values of gauges that describe a broker or a database, not this process:
// every process that shares it exports the same values. It is safe for concurrent use.
type gaugeReading struct {
	read   func(context.Context) error // stores the values
	failed func(error)                 // logs that read fails; once, until it succeeds
	now    func() time.Time

	mu   sync.Mutex // held while the values are read or used
	last time.Time
	err  error // of the last read
}

// use calls f, which may use the values, after a read if they are too old. If the last read
// failed, which is logged, it does not call f.
func (g *gaugeReading) use(ctx context.Context, f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refresh(ctx); g.err == nil {
		f()
	}
}

// refresh reads the values if they are too old. mu must be held.
func (g *gaugeReading) refresh(ctx context.Context) {
	now := g.now()
	if age := now.Sub(g.last); !g.last.IsZero() && age >= 0 && age < gaugeMaxAge {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, gaugeTimeout)
	defer cancel()
	failing := g.err != nil
	g.last, g.err = now, g.read(ctx)
	if g.err != nil && !failing {
		g.failed(g.err)
	}
}
