package rpc

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// readyTimeout is the timeout of a readiness check.
	readyTimeout = 2 * time.Second
	// watchInterval is the interval of readiness checks while a caller watches the health of a
	// port.
	watchInterval = time.Second
	// maxWatches is the maximum number of callers that watch the health of a port.
	maxWatches = 1024
)

// errDraining is the readiness of a process that stops.
var errDraining = fault.WithReason(fault.Unavailablef("stopping; use another instance"), reasonUpstream)

var _ grpchealth.Watcher = (*healthChecker)(nil)

// A healthChecker implements grpc.health.v1 for the port and each of its services, and
// readiness by HTTP. It is safe for concurrent use.
type healthChecker struct {
	names              []string
	ready              func(context.Context) error
	draining, stopping <-chan struct{} // as those of Listener

	mu       sync.Mutex
	watchers map[*func()]bool
	stop     context.CancelFunc // ends the checks for watchers; nil without watchers

	watched, differed atomic.Bool // the readiness that follow has seen; whether a call has since seen another
}

// readiness returns why the port cannot do its work, or nil.
func (c *healthChecker) readiness(ctx context.Context) error {
	select {
	case <-c.draining:
		return errDraining
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := c.ready(ctx)
	if c.watched.Load() != (err == nil) {
		c.differed.Store(true)
	}
	return err
}

// readyz answers GET /readyz.
func (c *healthChecker) readyz(w http.ResponseWriter, r *http.Request) {
	if err := c.readiness(r.Context()); err != nil {
		writeText(w, http.StatusServiceUnavailable, callerError(err).Message())
		return
	}
	writeText(w, http.StatusOK, "ready")
}

// Check returns SERVING if the port can do its work, and not_found for a service that the
// port does not serve.
func (c *healthChecker) Check(ctx context.Context, req *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if err := c.checkName(req.Service); err != nil {
		return nil, err
	}
	if err := c.readiness(ctx); err != nil {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, c.stopped() // not ready is a response, not an error
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}

func (c *healthChecker) checkName(service string) error {
	if service != "" && !slices.Contains(c.names, service) {
		return connect.NewError(connect.CodeNotFound, errors.New("unknown service on this port"))
	}
	return nil
}

// stopped returns the error that ends watches once the port stops.
func (c *healthChecker) stopped() error {
	select {
	case <-c.stopping:
		return callerError(errDraining)
	default:
		return nil
	}
}

// Watch calls onChange when the readiness of the port may have changed, until stop is called:
// at once when it drains and when it stops, and otherwise within watchInterval. It returns
// not_found for a service that the port does not serve, and resource_exhausted beyond
// maxWatches.
func (c *healthChecker) Watch(_ context.Context, req *grpchealth.CheckRequest, onChange func()) (stop func(), err error) {
	if err := c.checkName(req.Service); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.watchers) >= maxWatches {
		return nil, connect.NewError(connect.CodeResourceExhausted, errors.New("too many callers watch the health of this port"))
	}
	if c.watchers == nil {
		c.watchers = map[*func()]bool{}
	}
	watcher := &onChange
	c.watchers[watcher] = true
	if c.stop == nil {
		ctx, cancel := context.WithCancel(context.Background())
		c.stop = cancel
		go c.follow(ctx)
	}
	return func() { c.remove(watcher) }, nil
}

// remove removes a watcher, and ends the checks with the last one.
func (c *healthChecker) remove(watcher *func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.watchers, watcher)
	if len(c.watchers) == 0 && c.stop != nil {
		c.stop()
		c.stop = nil
	}
}

// follow checks readiness for all watchers until ctx ends, and calls them after each change. It
// ends when the port stops.
func (c *healthChecker) follow(ctx context.Context) {
	ticks := time.NewTicker(watchInterval)
	defer ticks.Stop()
	draining := c.draining
	c.differed.Store(true) // from what a caller has been sent before the first check
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.stopping:
			c.notify()
			return
		case <-draining:
			draining = nil // once
		case <-ticks.C:
		}
		differed := c.differed.Swap(false)
		ready := c.readiness(ctx) == nil
		if c.watched.Swap(ready) != ready || differed {
			c.notify()
		}
	}
}

func (c *healthChecker) notify() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for onChange := range c.watchers {
		(*onChange)() // does not block
	}
}
