// Package balance sends requests to the instances of the Protobuf service in their path, by
// turns, and to another instance if one is lost.
//
// A Balancer follows a discovery.Registry. Its Transport takes the next Serving instance from
// a snapshot in memory. A request that no instance has executed, or that may be repeated, is
// retried once on another instance. An instance whose calls fail has an open circuit breaker:
// it gets no requests and is reported as Failing, until a probe succeeds.
package balance

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/kit/discovery"
)

// BaseURL is the base URL of clients whose requests a Balancer sends: it replaces scheme
// and host by those of an instance of the service in the path.
const BaseURL = "http://balanced.invalid"

// Options are the options of a Balancer.
type Options struct {
	// Transport sends the requests to the instances, and the probes; required. It must fail
	// for an instance that does not respond while the caller still waits.
	Transport http.RoundTripper
	// Repeatable reports whether a request may be executed twice, by its procedure, such as
	// "/library.v1.BookService/GetBook", and its header. A request with the context of
	// WithRepeatable may be, too. Default: Methods of the linked descriptors.
	Repeatable func(procedure string, header http.Header) bool
	// The breaker of an instance opens when BreakerFailures of its last BreakerCalls calls have
	// failed. Default: 5 of 10.
	BreakerFailures, BreakerCalls uint
	// ProbeInterval is the mean time between the probes of an instance whose breaker is open.
	// Default: 1 s.
	ProbeInterval time.Duration
	Metrics       Metrics      // default: none
	Log           *slog.Logger // required
}

// Metrics counts the requests and breakers of a Balancer. It is safe for concurrent use. name is the Name of an
// instance.
type Metrics interface {
	// BalancedRequest counts a request to an instance, by its outcome: one of the Outcome
	// constants. A retried request counts twice.
	BalancedRequest(name string, outcome Outcome)
	// BalancedRetry counts a request that is sent to a second instance, by the outcome of the
	// first one.
	BalancedRetry(name string, outcome Outcome)
	// BreakerChanged counts a breaker that opens or closes.
	BreakerChanged(name string, open bool)
}

// A Balancer sends requests to the instances of services. It is safe for concurrent use.
type Balancer struct {
	registry discovery.Registry
	options  Options
	timing   timing
	current  atomic.Pointer[snapshot]
	pending  chan struct{} // has a value if there may be something to report

	mu        sync.Mutex
	instances map[string]*instance // by id
	turns     map[string]*atomic.Uint32
	changed   chan struct{} // closed at the next change
}

// New returns a Balancer. It knows no instance until Run is called.
func New(registry discovery.Registry, options Options) *Balancer {
	if options.Repeatable == nil {
		options.Repeatable = Methods(nil)
	}
	if options.Metrics == nil {
		options.Metrics = noMetrics{}
	}
	if options.BreakerFailures == 0 || options.BreakerCalls < options.BreakerFailures {
		options.BreakerFailures, options.BreakerCalls = breakerFailures, breakerCalls
	}
	b := &Balancer{
		registry: registry, options: options, timing: defaultTiming, pending: make(chan struct{}, 1),
		instances: map[string]*instance{}, turns: map[string]*atomic.Uint32{}, changed: make(chan struct{}),
	}
	if options.ProbeInterval > 0 {
		b.timing.probe = options.ProbeInterval
	}
	b.current.Store(&snapshot{})
	return b
}

// Run follows the registry, probes instances and reports their states, until ctx ends. It
// returns the error of the registry, or nil if ctx ended.
func (b *Balancer) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.registry.Watch(ctx, b.update) })
	g.Go(func() error { b.probe(ctx); return nil })
	g.Go(func() error { b.report(ctx); return nil })
	return g.Wait()
}

// Instances returns the instances as they are known now, sorted by id. One that this process
// does not call because its breaker is open is Failing. The caller must not change them.
func (b *Balancer) Instances() []discovery.Instance { return b.current.Load().instances }

// Ready returns nil if a request to a Protobuf service can be sent to an instance, and
// otherwise an error that matches ErrNoInstance.
func (b *Balancer) Ready(service string) error {
	if b.current.Load().rotations[service].pick(nil) == nil {
		return &noInstanceError{service}
	}
	return nil
}

// Changed returns a channel that is closed when Instances or Ready change next. Take it
// before you read them:
//
//	for {
//		changed := b.Changed()
//		use(b.Instances())
//		<-changed
//	}
func (b *Balancer) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// A Status is the state of an instance in this process.
type Status struct {
	discovery.Instance
	InFlight    int64 // requests whose response has not ended
	BreakerOpen bool
}

// Status returns the status of each instance, sorted by id, for metrics.
func (b *Balancer) Status() []Status {
	now := b.current.Load()
	all := make([]Status, len(now.instances))
	for i, one := range now.members {
		all[i] = Status{now.instances[i], one.inFlight.Load(), one.open.Load()}
	}
	return all
}

type noMetrics struct{}

func (noMetrics) BalancedRequest(string, Outcome) {}
func (noMetrics) BalancedRetry(string, Outcome)   {}
func (noMetrics) BreakerChanged(string, bool)     {}
