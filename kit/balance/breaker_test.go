package balance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/discovery"
)

// A metricsRecorder records the calls of Metrics.
type metricsRecorder struct {
	mu     sync.Mutex
	counts map[string]int
}

func (m *metricsRecorder) add(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[key]++
}

func (m *metricsRecorder) get(key string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts[key]
}

func (m *metricsRecorder) BalancedRequest(name string, o Outcome) {
	m.add("request " + name + " " + string(o))
}
func (m *metricsRecorder) BalancedRetry(name string, o Outcome) {
	m.add("retry " + name + " " + string(o))
}
func (m *metricsRecorder) BreakerChanged(name string, open bool) {
	m.add(fmt.Sprint("breaker ", name, " ", open))
}

// A sickServer fails with a status, also by /readyz, until it is well.
type sickServer struct {
	status atomic.Int64 // 0: it works
	calls  atomic.Int64
	probes atomic.Int64
}

func (s *sickServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/readyz" {
		s.probes.Add(1)
	} else {
		s.calls.Add(1)
	}
	if status := int(s.status.Load()); status != 0 {
		w.WriteHeader(status)
	}
}

// TestBreaker checks that an instance whose calls fail gets no more, is Failing in the registry
// for others, and gets calls again after a probe.
func TestBreaker(t *testing.T) {
	var sick, well sickServer
	sick.status.Store(http.StatusBadGateway)
	registry := newMemoryRegistry(instanceOf("a", newServer(t, sick.ServeHTTP).URL), instanceOf("b", newServer(t, well.ServeHTTP).URL))
	metrics := &metricsRecorder{counts: map[string]int{}}
	b := run(t, registry, protocols["HTTP/2"](), func(o *Options) { o.Metrics = metrics })
	for range 100 {
		if status, _, err := call(t.Context(), b, getBook, nil); err != nil || status != http.StatusOK {
			t.Fatal(status, err)
		}
	}
	if n := sick.calls.Load(); n != breakerFailures {
		t.Errorf("the failing instance got %d calls", n)
	}
	awaitRegistry(t, registry, func(all []discovery.Instance) bool {
		return all[0].State == discovery.Failing && all[0].Reason == "calls fail: unavailable"
	})
	await(t, b, func() bool { return b.Instances()[0].State == discovery.Failing && b.Status()[0].BreakerOpen })

	sick.status.Store(0)
	awaitRegistry(t, registry, func(all []discovery.Instance) bool { return all[0].State == discovery.Serving })
	await(t, b, func() bool { return b.Instances()[0].State == discovery.Serving && !b.Status()[0].BreakerOpen })
	before := sick.calls.Load()
	for range 10 {
		if _, _, err := call(t.Context(), b, addBook, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := sick.calls.Load() - before; n != 5 || sick.probes.Load() == 0 {
		t.Errorf("it got %d of 10 calls after %d probes", n, sick.probes.Load())
	}
	// A second time: the closed breaker has forgotten the failures, and the registry hears of it.
	sick.status.Store(http.StatusBadGateway)
	before = sick.calls.Load()
	for range 100 {
		if status, _, err := call(t.Context(), b, getBook, nil); err != nil || status != http.StatusOK {
			t.Fatal(status, err)
		}
	}
	if n := sick.calls.Load() - before; n != breakerFailures {
		t.Errorf("the second time it got %d calls", n)
	}
	awaitRegistry(t, registry, func(all []discovery.Instance) bool { return all[0].State == discovery.Failing })
	for key, want := range map[string]int{
		"request library unavailable": 10, "request library responded": 210, "retry library unavailable": 10,
		"breaker library true": 2, "breaker library false": 1,
	} {
		if got := metrics.get(key); got != want {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
	}
}

// TestAllBreakersOpen checks the error while no instance is called, and that calls go on
// after a probe.
func TestAllBreakersOpen(t *testing.T) {
	var sick sickServer
	sick.status.Store(http.StatusServiceUnavailable)
	b := run(t, newMemoryRegistry(instanceOf("a", newServer(t, sick.ServeHTTP).URL)), protocols["HTTP/1.1"](), nil)
	for range breakerFailures {
		if status, _, err := call(t.Context(), b, addBook, nil); err != nil || status != http.StatusServiceUnavailable {
			t.Fatal(status, err)
		}
	}
	if _, _, err := call(t.Context(), b, addBook, nil); !errors.Is(err, ErrNoInstance) || !errors.Is(b.Ready(service), ErrNoInstance) {
		t.Errorf("with all breakers open: %v, %v", err, b.Ready(service))
	}
	sick.status.Store(0)
	await(t, b, func() bool { return b.Ready(service) == nil })
	if status, _, err := call(t.Context(), b, addBook, nil); err != nil || status != http.StatusOK {
		t.Error(status, err)
	}
}

// TestFailingForOthers checks that an instance that other processes report is not called, unless
// there is no other one.
func TestFailingForOthers(t *testing.T) {
	var reported, serving sickServer
	one := instanceOf("a", newServer(t, reported.ServeHTTP).URL)
	one.State = discovery.Failing
	registry := newMemoryRegistry(one, instanceOf("b", newServer(t, serving.ServeHTTP).URL))
	b := run(t, registry, protocols["HTTP/1.1"](), nil)
	for range 10 {
		if _, _, err := call(t.Context(), b, addBook, nil); err != nil {
			t.Fatal(err)
		}
	}
	if reported.calls.Load() != 0 || serving.calls.Load() != 10 {
		t.Errorf("the reported instance got %d calls, the other %d", reported.calls.Load(), serving.calls.Load())
	}
	serving.status.Store(http.StatusServiceUnavailable)
	if status, _, err := call(t.Context(), b, getBook, nil); err != nil || status != http.StatusOK {
		t.Errorf("a retry at the reported instance: %d, %v", status, err)
	}
	registry.change(func() { delete(registry.instances, "b") })
	await(t, b, func() bool { return len(b.Instances()) == 1 })
	if status, _, err := call(t.Context(), b, addBook, nil); err != nil || status != http.StatusOK || b.Ready(service) != nil {
		t.Errorf("without a serving instance: %d, %v, %v", status, err, b.Ready(service))
	}
}

// TestReportsAreRepeated checks that a report reaches a registry that was unreachable, and that
// it is withdrawn for an instance that has left.
func TestReportsAreRepeated(t *testing.T) {
	registry := newMemoryRegistry(instanceOf("a", closedURL(t)))
	registry.err = errors.New("unreachable")
	b := run(t, registry, protocols["HTTP/1.1"](), nil)
	for range breakerFailures {
		if _, _, err := call(t.Context(), b, addBook, nil); err == nil {
			t.Fatal("a closed port responded")
		}
	}
	await(t, b, func() bool { return b.Instances()[0].State == discovery.Failing })
	registry.change(func() { registry.err = nil })
	awaitRegistry(t, registry, func(all []discovery.Instance) bool { return all[0].Reason == "calls fail: not_sent" })
	registry.change(func() { delete(registry.instances, "a") })
	awaitRegistry(t, registry, func([]discovery.Instance) bool {
		registry.mu.Lock()
		defer registry.mu.Unlock()
		return len(registry.failing) == 0
	})
}

// TestCallersContext checks which ended contexts count as failures of the instance.
func TestCallersContext(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(context.Context) (context.Context, context.CancelFunc)
		want Outcome
	}{
		"canceled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(10*time.Millisecond, cancel)
			return ctx, cancel
		}, Canceled},
		"deadline of the caller": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 10*time.Millisecond)
		}, Canceled},
		"timeout of the call": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, 10*time.Millisecond, fmt.Errorf("the edge: %w", ErrTimeout))
		}, TimedOut},
	} {
		for protocol, transport := range protocols {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				var n atomic.Int64
				handler := func(_ http.ResponseWriter, r *http.Request) {
					n.Add(1)
					_, _ = io.Copy(io.Discard, r.Body) // or HTTP/1.1 does not see the end of the connection
					<-r.Context().Done()
				}
				metrics := &metricsRecorder{counts: map[string]int{}}
				registry := newMemoryRegistry(instanceOf("a", newServer(t, handler).URL), instanceOf("b", newServer(t, handler).URL))
				b := run(t, registry, transport(), func(o *Options) { o.Metrics = metrics })
				ctx, cancel := c.end(t.Context())
				defer cancel()
				if _, _, err := call(ctx, b, getBook, strings.NewReader("{}")); err == nil || n.Load() > 1 {
					t.Errorf("%v, %d requests", err, n.Load())
				}
				if got := metrics.get("request library " + string(c.want)); got != 1 {
					t.Errorf("outcomes: %v", metrics.counts)
				}
			})
		}
	}
}

// TestResponseCut checks that a response that ends in the middle is an error, counts as a
// failure, and is not repeated.
func TestResponseCut(t *testing.T) {
	var n atomic.Int64
	server := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		n.Add(1)
		_, _ = io.WriteString(w, "begin")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	b := run(t, newMemoryRegistry(instanceOf("a", server.URL)), protocols["HTTP/2"](), nil)
	// Each response counts as a success when it begins, and as a failure when it breaks.
	for range breakerFailures {
		if _, text, err := call(t.Context(), b, getBook, nil); err == nil || text != "begin" {
			t.Fatalf("%q, %v", text, err)
		}
	}
	if n.Load() != breakerFailures || b.Ready(service) == nil || b.Status()[0].InFlight != 0 {
		t.Errorf("%d requests, ready: %v, %+v", n.Load(), b.Ready(service), b.Status())
	}
}
