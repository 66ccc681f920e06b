package balance

import (
	"net/url"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/bongsu-project/bongsu/kit/discovery"
)

// The defaults of Options.BreakerFailures and Options.BreakerCalls.
const breakerFailures, breakerCalls = 5, 10

// An instance is an instance of the registry with its breaker in this process.
type instance struct {
	id, name string
	base     *url.URL
	inFlight atomic.Int64
	open     atomic.Bool // the breaker is open; written under Balancer.mu

	breaker   circuitbreaker.CircuitBreaker[any]
	calls     int64        // that the breaker counts
	successes atomic.Int64 // that the breaker does not know yet

	// Guarded by Balancer.mu:
	known   discovery.Instance
	failure string // why the breaker is open
}

// newInstance returns an instance with a closed breaker. Only a probe closes an open one.
func newInstance(known discovery.Instance, options Options) (*instance, error) {
	base, err := url.Parse(known.URL)
	if err != nil {
		return nil, err
	}
	return &instance{id: known.ID, name: known.Name, base: base, known: known, calls: int64(options.BreakerCalls), breaker: circuitbreaker.NewBuilder[any]().
		WithFailureThresholdRatio(options.BreakerFailures, options.BreakerCalls).
		WithDelay(time.Hour). // unused: no permits are acquired
		Build()}, nil
}

// succeed records a call that succeeded. It takes no lock: the breaker needs the number only
// once a call fails.
func (i *instance) succeed() { i.successes.Add(1) }

// fail records a call that failed, and reports whether the breaker must open.
func (i *instance) fail() (opens bool) {
	for range min(i.successes.Swap(0), i.calls) {
		i.breaker.RecordSuccess()
	}
	i.breaker.RecordFailure()
	return i.breaker.IsOpen() && !i.open.Load()
}

// recover closes the breaker. Balancer.mu must be held.
func (i *instance) recover() {
	i.successes.Store(0)
	i.breaker.Close()
	i.open.Store(false)
}

// target returns the URL of a request at the instance.
func (i *instance) target(requested *url.URL) *url.URL {
	u := *requested
	u.Scheme, u.Host, u.User = i.base.Scheme, i.base.Host, i.base.User
	if i.base.Path != "" {
		u.Path, u.RawPath = i.base.Path+u.Path, ""
	}
	return &u
}
