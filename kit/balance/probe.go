package balance

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// timing holds the intervals of a Balancer, which its tests shorten.
type timing struct {
	probe        time.Duration // between probes of an instance, plus or minus a quarter
	probeTimeout time.Duration
	report       time.Duration // between attempts to report a state
	reportBound  time.Duration // the timeout of an attempt
}

var defaultTiming = timing{probe: time.Second, probeTimeout: 2 * time.Second, report: time.Second, reportBound: 5 * time.Second}

// maxProbes is the maximum number of concurrent probes.
const maxProbes = 16

// openBreaker takes an instance out because of a failed call.
func (b *Balancer) openBreaker(one *instance, last Outcome) {
	b.mu.Lock()
	if one.open.Swap(true) {
		b.mu.Unlock()
		return
	}
	one.failure = "calls fail: " + string(last)
	b.rebuild()
	b.mu.Unlock()
	b.options.Log.Warn("instance fails: it gets no calls until a probe succeeds", "instance", one.id, "name", one.name, "url", one.base.Redacted(), "outcome", string(last))
	b.options.Metrics.BreakerChanged(one.name, true)
	b.wakeReport()
}

// closeBreaker lets an instance be called again.
func (b *Balancer) closeBreaker(one *instance) {
	b.mu.Lock()
	one.recover()
	b.rebuild()
	b.mu.Unlock()
	b.options.Log.Info("instance serves again", "instance", one.id, "name", one.name, "url", one.base.Redacted())
	b.options.Metrics.BreakerChanged(one.name, false)
	b.wakeReport()
}

// probe probes the instances with an open breaker until ctx ends.
func (b *Balancer) probe(ctx context.Context) {
	for sleep(ctx, time.Duration((0.75+rand.Float64()/2)*float64(b.timing.probe))) { //nolint:gosec // jitter need not be secret
		var g errgroup.Group
		g.SetLimit(maxProbes)
		for _, one := range b.current.Load().members {
			if one.open.Load() {
				g.Go(func() error {
					if b.isReady(ctx, one) {
						b.closeBreaker(one)
					}
					return nil
				})
			}
		}
		_ = g.Wait() // no probe returns an error
	}
}

// isReady probes an instance.
func (b *Balancer) isReady(ctx context.Context, one *instance) bool {
	ctx, cancel := context.WithTimeout(ctx, b.timing.probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, one.base.String()+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := b.options.Transport.RoundTrip(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// sleep waits, and reports whether ctx has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
