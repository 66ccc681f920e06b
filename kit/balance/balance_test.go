package balance

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	service = "library.v1.BookService"
	getBook = "/library.v1.BookService/GetBook" // no side effects
	addBook = "/library.v1.BookService/AddBook"
)

// A memoryRegistry is a registry in memory.
type memoryRegistry struct {
	mu        sync.Mutex
	instances map[string]discovery.Instance
	failing   map[string]string // reason by id
	changed   chan struct{}
	err       error // of reports
}

func newMemoryRegistry(instances ...discovery.Instance) *memoryRegistry {
	r := &memoryRegistry{instances: map[string]discovery.Instance{}, failing: map[string]string{}, changed: make(chan struct{})}
	for _, one := range instances {
		r.instances[one.ID] = one
	}
	return r
}

func (r *memoryRegistry) change(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *memoryRegistry) set(one discovery.Instance) {
	r.change(func() { r.instances[one.ID] = one })
}

func (r *memoryRegistry) list() ([]discovery.Instance, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []discovery.Instance
	for _, id := range slices.Sorted(maps.Keys(r.instances)) {
		one := r.instances[id]
		if reason, ok := r.failing[id]; ok && one.State == discovery.Serving {
			one.State, one.Reason = discovery.Failing, reason
		}
		all = append(all, one)
	}
	return all, r.changed
}

func (r *memoryRegistry) Watch(ctx context.Context, changed func([]discovery.Instance)) error {
	for {
		all, next := r.list()
		changed(all)
		select {
		case <-next:
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *memoryRegistry) ReportFailing(_ context.Context, id, reason string) (err error) {
	r.change(func() {
		if err = r.err; err == nil {
			r.failing[id] = reason
		}
	})
	return err
}

func (r *memoryRegistry) ReportServing(_ context.Context, id string) (err error) {
	r.change(func() {
		if err = r.err; err == nil {
			delete(r.failing, id)
		}
	})
	return err
}

// protocols are the protocols between processes.
var protocols = map[string]func() *http.Transport{
	"HTTP/1.1": func() *http.Transport { return &http.Transport{MaxIdleConnsPerHost: 100} },
	"HTTP/2": func() *http.Transport {
		p := new(http.Protocols)
		p.SetUnencryptedHTTP2(true)
		return &http.Transport{Protocols: p}
	},
}

// newServer returns a server of HTTP/1.1 and cleartext HTTP/2.
func newServer(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// instanceOf returns the instance of a server.
func instanceOf(id, url string) discovery.Instance {
	return discovery.Instance{ID: id, Name: "library", URL: url, Services: []string{service}}
}

// closedURL returns a URL that refuses connections.
func closedURL(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	return server.URL
}

// run starts a balancer, and returns it when it knows all instances.
func run(t *testing.T, registry *memoryRegistry, transport *http.Transport, change func(*Options)) *Balancer {
	t.Helper()
	options := Options{
		Transport: transport,
		Repeatable: func(procedure string, h http.Header) bool {
			return procedure == getBook || h.Get("Idempotency-Key") != ""
		},
		Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&options)
	}
	b := New(registry, options)
	b.timing = timing{probe: 5 * time.Millisecond, probeTimeout: time.Second, report: 5 * time.Millisecond, reportBound: time.Second}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
	})
	all, _ := registry.list()
	await(t, b, func() bool { return len(b.Instances()) == len(all) })
	return b
}

// await waits until a condition of the instances holds.
func await(t *testing.T, b *Balancer, holds func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		changed := b.Changed()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("timed out; instances: %+v", b.Instances())
		}
	}
}

// awaitRegistry waits until a condition of the registry holds.
func awaitRegistry(t *testing.T, r *memoryRegistry, holds func([]discovery.Instance) bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		all, changed := r.list()
		if holds(all) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("timed out; instances: %+v", all)
		}
	}
}

// call sends a request, and returns the status and the body.
func call(ctx context.Context, b *Balancer, procedure string, body io.Reader) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, BaseURL+procedure, body)
	if err != nil {
		return 0, "", err
	}
	res, err := (&http.Client{Transport: b.Transport()}).Do(req)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), errors.Join(err, res.Body.Close())
}

// TestRoundRobin checks that instances get requests by turns, and that changes of the registry
// are followed.
func TestRoundRobin(t *testing.T) {
	var counts [3]atomic.Int64
	registry := newMemoryRegistry()
	for i, id := range []string{"a", "b", "c"} {
		registry.set(instanceOf(id, newServer(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != addBook || strings.Contains(r.Host, "balanced.invalid") {
				t.Errorf("the instance gets %s of host %s", r.URL.Path, r.Host)
			}
			counts[i].Add(1)
			_, _ = io.WriteString(w, id)
		}).URL))
	}
	b := run(t, registry, protocols["HTTP/1.1"](), nil)
	for range 300 {
		if status, _, err := call(t.Context(), b, addBook, strings.NewReader("{}")); err != nil || status != http.StatusOK {
			t.Fatal(status, err)
		}
	}
	for i := range counts {
		if n := counts[i].Load(); n != 100 {
			t.Errorf("instance %d got %d of 300 requests", i, n)
		}
	}
	registry.change(func() { delete(registry.instances, "a") })
	await(t, b, func() bool { return len(b.Instances()) == 2 })
	for range 30 {
		if _, got, err := call(t.Context(), b, addBook, nil); err != nil || got == "a" {
			t.Fatal(got, err)
		}
	}
}

// TestDrain checks that a draining instance gets no new requests, and completes those in
// flight.
func TestDrain(t *testing.T) {
	began, end := make(chan struct{}), make(chan struct{})
	stopping := instanceOf("a", newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		close(began)
		<-end
		_, _ = io.WriteString(w, "late")
	}).URL)
	registry := newMemoryRegistry(stopping)
	b := run(t, registry, protocols["HTTP/2"](), nil)
	res, err := (&http.Client{Transport: b.Transport()}).Get(BaseURL + getBook)
	if err != nil {
		t.Fatal(err)
	}
	<-began
	if got := b.Status(); got[0].InFlight != 1 || got[0].BreakerOpen {
		t.Errorf("status %+v", got)
	}
	registry.set(instanceOf("b", newServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "b") }).URL))
	stopping.State = discovery.Draining
	registry.set(stopping)
	await(t, b, func() bool { all := b.Instances(); return len(all) == 2 && all[0].State == discovery.Draining })
	for range 10 {
		if _, got, err := call(t.Context(), b, addBook, nil); err != nil || got != "b" {
			t.Fatal(got, err)
		}
	}
	close(end)
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil || string(text) != "late" {
		t.Errorf("the request in flight got %q, %v", text, err)
	}
	if got := b.Status(); got[0].InFlight != 0 {
		t.Errorf("status after the end %+v", got)
	}
}

// TestNoInstance checks the error for a service without instances, and for one whose instances
// are all draining.
func TestNoInstance(t *testing.T) {
	draining := instanceOf("a", "http://127.0.0.1:1")
	draining.State = discovery.Draining
	registry := newMemoryRegistry(draining)
	b := run(t, registry, protocols["HTTP/1.1"](), nil)
	changed := b.Changed()
	registry.set(instanceOf("b", ":")) // not a URL: ignored
	<-changed
	for _, path := range []string{addBook, "/library.v1.Unknown/Get", "/healthz", "/"} {
		_, _, err := call(t.Context(), b, path, strings.NewReader("{}"))
		if !errors.Is(err, ErrNoInstance) || !errors.Is(err, fault.ErrUnavailable) || fault.ReasonOf(err) != "NO_INSTANCE" || fault.DelayOf(err) != time.Second {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := b.Ready(service); !errors.Is(err, ErrNoInstance) || err.Error() != "no instance of library.v1.BookService is available; try again" {
		t.Errorf("ready: %v", err)
	}
}

// TestKillUnderLoad kills one of three instances: requests that may be repeated do not fail, and
// others fail only if they were in flight, and are executed at most once.
func TestKillUnderLoad(t *testing.T) {
	for name, transport := range protocols {
		t.Run(name, func(t *testing.T) {
			registry := newMemoryRegistry()
			var servers []*httptest.Server
			var executed sync.Map // executions by request id
			for _, id := range []string{"a", "b", "c"} {
				server := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
					n, _ := executed.LoadOrStore(r.Header.Get("X-Request-Id"), new(atomic.Int64))
					n.(*atomic.Int64).Add(1)
				})
				servers = append(servers, server)
				registry.set(instanceOf(id, server.URL))
			}
			b := run(t, registry, transport(), nil)
			var sent atomic.Int64
			var workers sync.WaitGroup
			const total, killed = 2000, 500
			for worker := range 8 {
				procedure := []string{getBook, addBook}[worker%2]
				workers.Go(func() {
					for n := sent.Add(1); n <= total; n = sent.Add(1) {
						if n == killed {
							_ = servers[0].Listener.Close() // the test sees that it is gone
							servers[0].CloseClientConnections()
						}
						id := procedure + time.Duration(n).String()
						req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, BaseURL+procedure, strings.NewReader("{}"))
						if err != nil {
							t.Error(err)
							return
						}
						req.Header.Set("X-Request-Id", id)
						res, err := (&http.Client{Transport: b.Transport()}).Do(req)
						if err == nil {
							_, err = io.Copy(io.Discard, res.Body)
							err = errors.Join(err, res.Body.Close())
						}
						times, _ := executed.Load(id)
						switch {
						case procedure == getBook && err != nil:
							t.Errorf("a request that may be repeated failed: %v", err)
						case procedure == addBook && err != nil && (n < killed-100 || n > killed+200):
							t.Errorf("request %d was not in flight and failed: %v", n, err)
						case procedure == addBook && times != nil && times.(*atomic.Int64).Load() > 1:
							t.Errorf("request %d was executed twice", n)
						case procedure == addBook && err == nil && times == nil:
							t.Errorf("request %d was not executed", n)
						}
					}
				})
			}
			workers.Wait()
		})
	}
}
