package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthserver "google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bongsu-project/bongsu/kit/kittest/certtest"
)

// grpcServer returns the address of a gRPC server with the health service.
func grpcServer(t *testing.T, options ...grpc.ServerOption) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, checker := grpc.NewServer(options...), healthserver.NewServer()
	checker.SetServingStatus("good.v1.Service", healthv1.HealthCheckResponse_SERVING)
	checker.SetServingStatus("bad.v1.Service", healthv1.HealthCheckResponse_NOT_SERVING)
	healthv1.RegisterHealthServer(s, checker)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

func TestGRPC(t *testing.T) {
	at := grpcServer(t)
	want(t, run(t, private(), &GRPC{Address: at}), Passed, "SERVING")
	want(t, run(t, private(), &GRPC{Address: at, Service: "good.v1.Service"}), Passed, "SERVING")
	want(t, run(t, private(), &GRPC{Address: at, Service: "bad.v1.Service"}), Failed, "NOT_SERVING")
	want(t, run(t, private(), &GRPC{Address: at, Service: "none.v1.Service"}), Failed, "not_found")
	want(t, run(t, private(), &GRPC{Address: at, TLS: true, SkipVerify: true}), Failed, "tls: ")
	want(t, run(t, private(), &GRPC{Address: serve(t, respond(404, ""))[len("http://"):]}), Failed, "")
}

func TestGRPCWithTLS(t *testing.T) {
	authority := certtest.New(t)
	certFile, keyFile, _ := authority.Issue(t, t.TempDir(), "127.0.0.1")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	at := grpcServer(t, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})))
	want(t, run(t, New(Env{Private: true, Roots: authority.Pool}), &GRPC{Address: at, TLS: true}), Passed, "SERVING")
	want(t, run(t, private(), &GRPC{Address: at, TLS: true}), Failed, "unknown authority")
	want(t, run(t, private(), &GRPC{Address: at, TLS: true, SkipVerify: true}), Passed, "SERVING")
}

// TestInstance calls the health service of instances, each service of it.
func TestInstance(t *testing.T) {
	checker := grpchealth.NewStaticChecker("a.v1.Service", "b.v1.Service", "c.v1.Service")
	mux := http.NewServeMux()
	mux.Handle(grpchealth.NewHandler(checker))
	s := httptest.NewUnstartedServer(mux)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{Protocols: s.Config.Protocols}}
	defer client.CloseIdleConnections()
	p := New(Env{
		Internal: client, InternalOptions: []connect.ClientOption{connect.WithGRPC()},
		Instances: func(id string) (RegisteredInstance, bool) {
			instances := map[string]RegisteredInstance{
				"all": {URL: s.URL, Services: []string{"a.v1.Service", "b.v1.Service"}}, "port": {URL: s.URL},
				"other": {URL: s.URL, Services: []string{"a.v1.Service", "d.v1.Service"}}, "c": {URL: s.URL, Services: []string{"a.v1.Service", "c.v1.Service"}},
				"gone": {URL: "http://" + closedPort(t), Services: []string{"a.v1.Service"}},
			}
			instance, ok := instances[id]
			return instance, ok
		},
	})
	checker.SetStatus("c.v1.Service", grpchealth.StatusNotServing)
	want(t, run(t, p, &Instance{ID: "all"}), Passed, "2 services are SERVING")
	want(t, run(t, p, &Instance{ID: "port"}), Passed, "SERVING")
	want(t, run(t, p, &Instance{ID: "c"}), Failed, "c.v1.Service: NOT_SERVING")
	want(t, run(t, p, &Instance{ID: "other"}), Failed, "d.v1.Service: not_found")
	want(t, run(t, p, &Instance{ID: "gone"}), Failed, "a.v1.Service: connect to ")
	want(t, run(t, p, &Instance{ID: "none"}), Unknown, "no instance")
	want(t, run(t, New(Env{}), &Instance{ID: "all"}), Unknown, "calls no instances")
}

func TestSystem(t *testing.T) {
	read := func(value float64, err error) func(context.Context) (float64, error) {
		return func(context.Context) (float64, error) { return value, err }
	}
	p := New(Env{Values: LocalValues{
		OldestDue: read(301, nil), CertificateDays: read(13.5, nil), StuckDeliveries: read(0, nil), DiskUse: read(0, context.DeadlineExceeded), LedgerLatency: read(0, net.ErrClosed),
	}})
	for name, c := range map[string]struct {
		check   System
		outcome Outcome
		message string
		value   float64
	}{
		"above":          {System{OldestDue, 300}, Failed, "oldest due delivery: 301 s, above 300", 301},
		"at the limit":   {System{OldestDue, 301}, Passed, "301 s", 301},
		"days below":     {System{CertificateDays, 14}, Failed, "13.5 days, below 14", 13.5},
		"days above":     {System{CertificateDays, 13}, Passed, "13.5 days", 13.5},
		"limit 0":        {System{StuckDeliveries, 0}, Passed, "stuck deliveries: 0", 0},
		"error":          {System{DiskUse, 90}, Unknown, "timeout", 0},
		"ledger is away": {System{LedgerLatency, 1}, Failed, "write to the ledger: use of closed", 0},
		"missing":        {System{SealKeyAge, 365}, Unknown, "does not know", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := run(t, p, &c.check)
			want(t, f, c.outcome, c.message)
			if f.Value != c.value {
				t.Errorf("value %v, want %v", f.Value, c.value)
			}
		})
	}
	names := map[string]bool{}
	for v := OldestDue; v <= SealKeyAge; v++ {
		names[v.String()] = true
	}
	if len(names) != 8 || SystemValue(9).String() != "value-9" {
		t.Errorf("names %v", names)
	}
}

// readings are a fixed ValueReader.
type readings []Reading

// ReadValue returns the readings.
func (r readings) ReadValue(context.Context, SystemValue) []Reading { return r }

// TestSystemOfSeveralProcesses checks that the worst value counts, and that a process whose value is not
// known never counts as good.
func TestSystemOfSeveralProcesses(t *testing.T) {
	away := fmt.Errorf("%w: unavailable", ErrUnreachable)
	for name, c := range map[string]struct {
		check    System
		readings readings
		outcome  Outcome
		message  string
		value    float64
	}{
		"highest":         {System{DiskUse, 90}, readings{{Value: 80}, {Instance: "b", Value: 95}, {Value: 91}}, Failed, "95 %, above 90 (instance b)", 95},
		"least days":      {System{CertificateDays, 14}, readings{{Instance: "a", Value: 80}, {Instance: "b", Value: 5}}, Failed, "5 days, below 14 (instance b)", 5},
		"all well":        {System{DiskUse, 90}, readings{{Value: 10}, {Instance: "b", Value: 30}}, Passed, "30 %", 30},
		"one away":        {System{DiskUse, 90}, readings{{Value: 10}, {Instance: "b", Err: away}}, Unknown, "could not be called: unavailable (instance b)", 0},
		"one away, worse": {System{DiskUse, 90}, readings{{Instance: "b", Err: away}, {Instance: "c", Value: 91}}, Failed, "91 %, above 90 (instance c)", 91},
		"ledger away":     {System{LedgerLatency, 1}, readings{{Instance: "b", Err: away}}, Unknown, "could not be called", 0},
		"ledger fails":    {System{LedgerLatency, 1}, readings{{Instance: "b", Err: away}, {Instance: "c", Err: net.ErrClosed}}, Failed, "use of closed network connection (instance c)", 0},
		"none":            {System{OldestDue, 1}, nil, Unknown, "no instance is registered", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := run(t, New(Env{Values: c.readings}), &c.check)
			want(t, f, c.outcome, c.message)
			if f.Value != c.value || f.HasValue != (c.value != 0) {
				t.Errorf("value %v, want %v", f.Value, c.value)
			}
		})
	}
}
