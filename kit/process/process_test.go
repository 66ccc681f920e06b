package process_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"connectrpc.com/connect"
	"github.com/alecthomas/kong"

	registryv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1/registryv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/kit/natsserver"
	"github.com/bongsu-project/bongsu/kit/process"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// patience is the timeout of a wait.
const patience = 30 * time.Second

var quiet = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) {
	if url := os.Getenv("PROCESS_TEST_NATS"); url != "" {
		os.Exit(serveUntilKilled(url, os.Getenv("PROCESS_TEST_NAME")))
	}
	os.Exit(m.Run())
}

// A handlerFunc is the sample service: it lists one instance, with its name.
type handlerFunc func(ctx context.Context) (name string, err error)

// ListInstances implements the service.
func (h handlerFunc) ListInstances(ctx context.Context, _ *registryv1.ListInstancesRequest) (*registryv1.ListInstancesResponse, error) {
	name, err := h(ctx)
	if err != nil {
		return nil, err
	}
	return &registryv1.ListInstancesResponse{Instances: []*registryv1.Instance{{Name: name}}}, nil
}

// named returns a handler that returns a name.
func named(name string) handlerFunc {
	return func(context.Context) (string, error) { return name, nil }
}

// sample adds the sample service to a process.
func sample(h handlerFunc, change ...func(*process.Service)) func(context.Context, *process.Process) error {
	return func(ctx context.Context, p *process.Process) error {
		s := process.Service{Name: "sample", Services: []rpc.Service{rpc.Public(p.RPC(), registryv1connect.NewRegistryServiceHandler, registryv1connect.RegistryServiceHandler(h))}}
		for _, c := range change {
			c(&s)
		}
		return p.Add(ctx, s)
	}
}

// serveUntilKilled serves the sample service. It prints a line when it does.
func serveUntilKilled(url, name string) int {
	config := process.Config{Name: "sample", NATSURL: url, Log: quiet}
	err := process.Run(context.Background(), config, sample(named(name)), func(_ context.Context, p *process.Process) error {
		p.AddTask(func(context.Context) error { fmt.Println("serving"); return nil })
		return nil
	})
	fmt.Fprintln(os.Stderr, name, err)
	return 1
}

// startNATS starts a NATS server, and returns its URL.
func startNATS(t *testing.T) string {
	t.Helper()
	s, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Addr: "127.0.0.1:0", Name: "test"})
	kittest.NoError(t, err)
	t.Cleanup(s.Stop)
	return s.URL()
}

// run runs a process until the returned function is called, or the test ends.
func run(t *testing.T, config process.Config, services ...func(context.Context, *process.Process) error) (p *process.Process, stop func()) {
	t.Helper()
	config.Name = "test"
	if config.Log == nil {
		config.Log = quiet
	}
	p, err := process.New(t.Context(), config)
	kittest.NoError(t, err)
	for _, add := range services {
		kittest.NoError(t, add(t.Context(), p))
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		kittest.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return p, stop
}

// clientOf returns a client of the sample service.
func clientOf(p *process.Process, timeout time.Duration) registryv1connect.RegistryServiceClient {
	return registryv1connect.NewRegistryServiceClient(p.Client(), process.BaseURL, p.Calls("sample", timeout))
}

// call returns the name that the sample service returns.
func call(ctx context.Context, client registryv1connect.RegistryServiceClient) (string, error) {
	res, err := client.ListInstances(ctx, &registryv1.ListInstancesRequest{})
	if err != nil {
		return "", err
	}
	return res.GetInstances()[0].GetName(), nil
}

// knows waits until a process knows a number of instances that it calls.
func knows(t *testing.T, p *process.Process, n int) {
	t.Helper()
	timeout := time.After(patience)
	for {
		changed := p.Balancer().Changed()
		if len(p.Balancer().Instances()) == n && (n == 0 || p.Balancer().Ready(registryv1connect.RegistryServiceName) == nil) {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("%d instances, want %d", len(p.Balancer().Instances()), n)
		}
	}
}

// TestLostInstance kills one of two processes that serve: callers notice nothing.
func TestLostInstance(t *testing.T) {
	url := startNATS(t)
	start := func(name string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "PROCESS_TEST_NATS="+url, "PROCESS_TEST_NAME="+name)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		kittest.NoError(t, err)
		kittest.NoError(t, cmd.Start())
		if !bufio.NewScanner(out).Scan() {
			t.Fatal("the process ended before it served")
		}
		return cmd
	}
	first, second := start("first"), start("second")
	p, _ := run(t, process.Config{NATSURL: url, Drain: new(time.Duration)})
	knows(t, p, 2)
	client := clientOf(p, 0)
	count := func(calls int) map[string]int {
		t.Helper()
		names := map[string]int{}
		for range calls {
			name, err := call(t.Context(), client)
			kittest.NoError(t, err)
			names[name]++
		}
		return names
	}
	kittest.Equal(t, count(40), map[string]int{"first": 20, "second": 20})
	kittest.NoError(t, first.Process.Kill())
	_ = first.Wait() // the error is that it was killed
	kittest.Equal(t, count(40), map[string]int{"second": 40})
	kittest.NoError(t, second.Process.Kill())
	_ = second.Wait()
	_, err := call(t.Context(), client)
	kittest.Equal(t, connect.CodeOf(err), connect.CodeUnavailable)
}

// TestDrain stops one of two processes under calls, with one in flight: none fails.
func TestDrain(t *testing.T) {
	url := startNATS(t)
	entered, resume := make(chan struct{}), make(chan struct{})
	var hold atomic.Bool
	drain := 500 * time.Millisecond
	_, stopFirst := run(t, process.Config{NATSURL: url, Drain: &drain}, sample(func(context.Context) (string, error) {
		if hold.CompareAndSwap(true, false) {
			close(entered)
			<-resume
		}
		return "first", nil
	}))
	_, _ = run(t, process.Config{NATSURL: url, Drain: new(time.Duration)}, sample(named("second")))
	p, _ := run(t, process.Config{NATSURL: url, Drain: new(time.Duration)})
	knows(t, p, 2)
	client := clientOf(p, 0)

	hold.Store(true)
	held := make(chan error, 2)
	for range 2 { // one of them is held by the first process
		go func() { held <- kittest.ErrorOf(call(t.Context(), client)) }()
	}
	<-entered
	stopping := make(chan struct{})
	calls := make(chan error, 1)
	go func() {
		for {
			select {
			case <-stopping:
				calls <- nil
				return
			default:
			}
			if _, err := call(t.Context(), client); err != nil {
				calls <- err
				return
			}
		}
	}()
	stopped := make(chan struct{})
	go func() { defer close(stopped); stopFirst() }()
	for drains := false; !drains; {
		changed := p.Balancer().Changed()
		drains = slices.ContainsFunc(p.Balancer().Instances(), func(i discovery.Instance) bool { return i.State == discovery.Draining })
		if !drains {
			<-changed
		}
	}
	close(resume)
	<-stopped
	close(stopping)
	kittest.NoError(t, <-calls)
	kittest.NoError(t, errors.Join(<-held, <-held))
	knows(t, p, 1)
	name, err := call(t.Context(), client)
	kittest.NoError(t, err)
	kittest.Equal(t, name, "second")
}

// TestDeadlineAndBreaker calls a service that does not respond in time: it knows the deadline, its
// breaker opens, calls fail at once, and it is called again when it has recovered.
func TestDeadlineAndBreaker(t *testing.T) {
	const timeout = 200 * time.Millisecond
	var slow atomic.Bool
	var calls atomic.Int64
	deadlines := make(chan time.Duration, 100)
	p, _ := run(t, process.Config{}, sample(func(ctx context.Context) (string, error) {
		if !slow.Load() {
			return "fast", nil
		}
		calls.Add(1)
		deadline, _ := ctx.Deadline()
		deadlines <- time.Until(deadline)
		<-ctx.Done()
		return "", ctx.Err()
	}))
	knows(t, p, 1)
	client := clientOf(p, timeout)
	_, err := call(t.Context(), clientOf(p, 0)) // it connects
	kittest.NoError(t, err)
	slow.Store(true)
	for range 5 {
		_, err := call(t.Context(), client)
		kittest.Equal(t, connect.CodeOf(err), connect.CodeUnavailable)
		select {
		case left := <-deadlines:
			if left <= 0 || left > timeout {
				t.Errorf("the service has %s, want at most %s", left, timeout)
			}
		case <-time.After(patience):
			t.Fatal("the service was not called")
		}
	}
	slow.Store(false)
	_, err = call(t.Context(), client) // before a probe
	if err != nil {
		kittest.Error(t, err, balance.ErrNoInstance)
	}
	kittest.Equal(t, calls.Load(), int64(5))
	knows(t, p, 1)
	name, err := call(t.Context(), client)
	kittest.NoError(t, err)
	kittest.Equal(t, name, "fast")
}

// TestBreakerFailsFast checks that calls of a service with an open breaker do not wait.
func TestBreakerFailsFast(t *testing.T) {
	const timeout = 500 * time.Millisecond
	p, _ := run(t, process.Config{}, sample(func(ctx context.Context) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}))
	knows(t, p, 1)
	client := clientOf(p, timeout)
	fast := 0
	for start := time.Now(); time.Since(start) < patience && fast == 0; {
		begin := time.Now()
		_, err := call(t.Context(), client)
		kittest.Equal(t, connect.CodeOf(err), connect.CodeUnavailable)
		if errors.Is(err, balance.ErrNoInstance) {
			fast++
			if took := time.Since(begin); took > timeout/2 {
				t.Errorf("the call took %s", took)
			}
		}
	}
	kittest.Equal(t, fast, 1)
}

// TestInternalKey checks that a port serves its peers, passes on their callers, and refuses others.
func TestInternalKey(t *testing.T) {
	key := filepath.Join(t.TempDir(), "internal.key")
	kittest.NoError(t, os.WriteFile(key, []byte(strings.Repeat("k", 40)), 0o600))
	var logged logtest.Buffer
	log := slog.New(rpc.NewLogHandler(slog.NewTextHandler(&logged, nil)))
	text := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "text") })
	p, _ := run(t, process.Config{KeyFile: key, Log: log}, sample(func(ctx context.Context) (string, error) {
		log.InfoContext(ctx, "called")
		caller, _ := auth.CallerOf(ctx)
		return caller.ID, nil
	}, func(s *process.Service) {
		s.OpenHandlers = map[string]http.Handler{"GET /.well-known/jwks.json": text}
		s.Handlers = map[string]http.Handler{"GET /inner": text}
	}))
	knows(t, p, 1)
	id, err := call(auth.WithCaller(t.Context(), auth.Caller{ID: "kim"}), clientOf(p, 0))
	kittest.NoError(t, err)
	kittest.Equal(t, id, "kim")
	if text := logged.String(); !strings.Contains(text, "msg=called request_id=") || !strings.Contains(text, "trace_id=") {
		t.Errorf("no ids in: %s", text)
	}

	stranger := registryv1connect.NewRegistryServiceClient(http.DefaultClient, "http://"+p.Addr("sample"))
	_, err = call(t.Context(), stranger)
	kittest.Equal(t, connect.CodeOf(err), connect.CodeUnauthenticated)
	for path, want := range map[string]int{
		"/.well-known/jwks.json": http.StatusOK, "/healthz": http.StatusOK, "/readyz": http.StatusOK,
		"/inner": http.StatusUnauthorized, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": http.StatusUnauthorized,
	} {
		kittest.Equal(t, get(t, "http://"+p.Addr("sample")+path, ""), want)
	}
}

// get returns the status of the response to a GET of a page of an origin.
func get(t *testing.T, url, origin string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	kittest.NoError(t, err)
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	res, err := http.DefaultClient.Do(req)
	kittest.NoError(t, err)
	kittest.NoError(t, res.Body.Close())
	return res.StatusCode
}

// TestPort serves a web page on a port of its own.
func TestPort(t *testing.T) {
	p, _ := run(t, process.Config{}, func(ctx context.Context, p *process.Process) error {
		return p.AddPort(ctx, process.Port{Name: "web", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })})
	})
	url := "http://" + p.Addr("web")
	kittest.Equal(t, get(t, url+"/", ""), http.StatusTeapot)
	kittest.Equal(t, get(t, url+"/orders/1", ""), http.StatusTeapot)
	kittest.Equal(t, get(t, url+"/readyz", ""), http.StatusOK)
	kittest.Equal(t, get(t, url+"/", "https://evil.example"), http.StatusForbidden)
	knows(t, p, 0)
}

// TestStreamOfPort stops a process while a port sends a stream, which ends by the signal that the port
// stops.
func TestStreamOfPort(t *testing.T) {
	p, stop := run(t, process.Config{}, func(ctx context.Context, p *process.Process) error {
		return p.AddPort(ctx, process.Port{Name: "web", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			kittest.NoError(t, http.NewResponseController(w).Flush())
			<-rpc.InfoOf(r.Context()).Stopping()
			_, _ = io.WriteString(w, "the end")
		})})
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Addr("web")+"/", http.NoBody)
	kittest.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	kittest.NoError(t, err)
	defer res.Body.Close()
	stop()
	body, err := io.ReadAll(res.Body)
	kittest.NoError(t, err)
	kittest.Equal(t, string(body), "the end")
}

// TestOwnServicesWhileStopping stops a process whose request in flight then calls another service
// of the same process, and checks the order in which its parts end.
func TestOwnServicesWhileStopping(t *testing.T) {
	entered, resume := make(chan struct{}), make(chan struct{})
	var ended []string
	drain := 10 * time.Millisecond
	var back registryv1connect.RegistryServiceClient
	p, stop := run(t, process.Config{Drain: &drain}, sample(named("back"), func(s *process.Service) {
		s.Close = func() error { ended = append(ended, "close"); return nil }
		s.Tasks = []process.Task{func(ctx context.Context) error {
			<-ctx.Done()
			ended = append(ended, "task")
			return nil
		}}
	}), func(ctx context.Context, p *process.Process) error {
		back = clientOf(p, 0)
		return p.Add(ctx, process.Service{Name: "front", Handlers: map[string]http.Handler{"GET /front": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(entered)
			<-resume
			name, err := call(r.Context(), back)
			if err != nil {
				name = err.Error()
			}
			ended = append(ended, "request")
			_, _ = io.WriteString(w, name)
		})}})
	})
	knows(t, p, 2)
	text := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + p.Addr("front") + "/front")
		if err != nil {
			text <- err.Error()
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		text <- fmt.Sprint(string(body), err)
	}()
	<-entered
	changed := p.Balancer().Changed()
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	<-changed // it drains
	close(resume)
	kittest.Equal(t, <-text, "back<nil>")
	<-stopped
	kittest.Equal(t, ended, []string{"request", "task", "close"})
}

// TestMetrics checks that the port of a service and that of --metrics-addr serve the metrics of the
// process, to its peers.
func TestMetrics(t *testing.T) {
	const secret = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
	key := filepath.Join(t.TempDir(), "internal.key")
	kittest.NoError(t, os.WriteFile(key, []byte(secret), 0o600))
	db, err := database.Open(t.Context(), filepath.Join(t.TempDir(), "sample.db"), database.Schema{Name: "sample", Migrations: fstest.MapFS{
		"migrations/sqlite/0001_sample.sql": {Data: []byte("-- +goose Up\nCREATE TABLE samples (name TEXT);\n")},
	}})
	kittest.NoError(t, err)
	outbox, err := stream.NewOutbox(db.Writer(), db.Dialect(), stream.JetStream{}, stream.OutboxOptions{Log: quiet})
	kittest.NoError(t, err)
	kittest.NoError(t, outbox.Migrate(t.Context()))
	p, _ := run(t, process.Config{KeyFile: key, MetricsAddr: "127.0.0.1:0"}, sample(named("a"), func(s *process.Service) {
		s.Streams = []stream.Worker{outbox}
		s.Close = db.Close
	}))
	loans, err := p.Meter().Meter("test").Int64Counter("sample.loans")
	kittest.NoError(t, err)
	loans.Add(t.Context(), 3)
	knows(t, p, 1)
	_, err = call(t.Context(), clientOf(p, 0))
	kittest.NoError(t, err)

	for _, port := range []string{"sample", process.MetricsPort} {
		url := "http://" + p.Addr(port) + "/metrics"
		kittest.Equal(t, get(t, url, ""), http.StatusUnauthorized)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		kittest.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+secret)
		res, err := http.DefaultClient.Do(req)
		kittest.NoError(t, err)
		text, err := io.ReadAll(res.Body)
		kittest.NoError(t, errors.Join(err, res.Body.Close()))
		for _, want := range []string{
			`bongsu_balance_requests_total{outcome="responded",service="sample"} 1`,
			`bongsu_balance_instances{service="sample",state="serving"} 1`,
			`bongsu_outbox_pending{service="sample",table="outbox"} 0`,
			"sample_loans_total 3",
			`rpc_server_call_duration_seconds_count{rpc_method="bongsu.registry.v1.RegistryService/ListInstances"`,
			"go_goroutines ",
		} {
			if !strings.Contains(string(text), "\n"+want) {
				t.Errorf("port %s has no %s in\n%s", port, want, text)
			}
		}
	}
}

// TestFailedTask checks that a task that fails stops the process, and is its error.
func TestFailedTask(t *testing.T) {
	failure := errors.New("the disk is gone")
	closed := false
	err := process.Run(t.Context(), process.Config{Name: "test", Log: quiet}, sample(named("a"), func(s *process.Service) {
		s.Tasks = []process.Task{func(context.Context) error { return failure }}
		s.Close = func() error { closed = true; return nil }
	}))
	kittest.Error(t, err, failure)
	kittest.Equal(t, closed, true)
}

// TestFlags parses the flags of a Config.
func TestFlags(t *testing.T) {
	var command struct {
		process.Config
		Data string
	}
	parser, err := kong.New(&command)
	kittest.NoError(t, err)
	_, err = parser.Parse([]string{"--nats-url=nats://a", "--listen=a=:1;b=0.0.0.0:2", "--drain=0s", "--log-format=json", "--data=x"})
	kittest.NoError(t, err)
	kittest.Equal(t, command.Listen, map[string]string{"a": ":1", "b": "0.0.0.0:2"})
	kittest.Equal(t, []any{command.NATSURL, command.ListenHost, *command.Drain, command.Bucket}, []any{"nats://a", "127.0.0.1", time.Duration(0), "BONGSU_INSTANCES"})
	for _, test := range []struct {
		config process.Config
		error  string
	}{
		{process.Config{}, "name"},
		{process.Config{Name: "a", TLSCert: "x"}, "--internal-tls-key"},
		{process.Config{Name: "a", NATSCreds: "x", NATSNKey: "y"}, "--nats-creds"},
		{process.Config{Name: "a", Listen: map[string]string{"b": "80"}}, "--listen of b"},
		{process.Config{Name: "a", LogFormat: "xml"}, "xml"},
		{process.Config{Name: "a", MetricsAddr: "9090"}, "--metrics-addr"},
	} {
		if _, err := process.New(t.Context(), test.config); err == nil || !strings.Contains(err.Error(), test.error) {
			t.Errorf("error is %v, want %s", err, test.error)
		}
	}
}
