package rpc_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/livefile"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// A callerService records its callers.
type callerService struct {
	alertv1connect.UnimplementedAlertServiceHandler
	calls atomic.Int64
	last  atomic.Pointer[auth.Caller] // nil for none
}

func (s *callerService) GetAlert(ctx context.Context, _ *alertv1.GetAlertRequest) (*alertv1.GetAlertResponse, error) {
	s.calls.Add(1)
	s.last.Store(nil)
	if c, ok := auth.CallerOf(ctx); ok {
		s.last.Store(&c)
	}
	return &alertv1.GetAlertResponse{}, nil
}

func (s *callerService) WatchAlert(ctx context.Context, _ *alertv1.WatchAlertRequest, stream *connect.ServerStream[alertv1.WatchAlertResponse]) error {
	if _, err := s.GetAlert(ctx, nil); err != nil {
		return err
	}
	return stream.Send(&alertv1.WatchAlertResponse{})
}

// A fakeTime is a clock that tests advance.
type fakeTime struct{ nanos atomic.Int64 }

func (f *fakeTime) now() time.Time { return time.Unix(0, f.nanos.Load()) }

// advance lets changed files be read again.
func (f *fakeTime) advance() { f.nanos.Add(int64(livefile.CheckInterval)) }

var quiet = slog.New(slog.DiscardHandler)

// openPeers returns the peers of a configuration.
func openPeers(t *testing.T, config rpc.PeerConfig, clock *fakeTime) *rpc.Peers {
	t.Helper()
	peers, err := rpc.OpenPeers(config, clock.now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return peers
}

// servePeers serves a callerService on a port for peers, and returns its address.
func servePeers(t *testing.T, peers *rpc.Peers) (service *callerService, addr string) {
	t.Helper()
	options, err := rpc.NewOptions(quiet, noop.NewMeterProvider(), nil)
	if err != nil {
		t.Fatal(err)
	}
	service = &callerService{}
	l := rpc.Listener{
		Services: []rpc.Service{rpc.Public(options, alertv1connect.NewAlertServiceHandler, alertv1connect.AlertServiceHandler(service))},
		Ready:    func(context.Context) error { return nil },
		Handlers: map[string]http.Handler{"GET /metrics": http.NotFoundHandler()},
	}
	if stage := peers.Stage(); stage != nil {
		l.Stages = append(l.Stages, stage)
	}
	handler, err := l.Handler()
	if err != nil {
		t.Fatal(err)
	}
	admission, err := rpc.NewAdmission(0, quiet)
	if err != nil {
		t.Fatal(err)
	}
	server, err := admission.ListenTLS(t.Context(), "127.0.0.1:0", handler, peers.ServerTLS())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, 10*time.Second) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return service, server.Addr()
}

// getAlert calls GetAlert by gRPC.
func getAlert(ctx context.Context, client connect.HTTPClient, url string) error {
	_, err := alertv1connect.NewAlertServiceClient(client, url, rpc.ClientOptions("alert", quiet)).GetAlert(ctx, &alertv1.GetAlertRequest{Id: "1"})
	return err
}

// post posts a request as JSON, and returns the status.
func post(t *testing.T, client *http.Client, url string, header http.Header) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"id":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode
}

func readBody(t *testing.T, res *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return string(text)
}
