package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// static returns a registry of instances that never change.
func static(t testing.TB, instances ...discovery.Instance) *discovery.StaticRegistry {
	t.Helper()
	registry, err := discovery.Static(instances)
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

// A forwarder implements AlertService by that of another process.
type forwarder struct {
	alertv1connect.UnimplementedAlertServiceHandler
	to alertv1connect.AlertServiceClient
}

func (f forwarder) GetAlert(ctx context.Context, req *alertv1.GetAlertRequest) (*alertv1.GetAlertResponse, error) {
	return f.to.GetAlert(ctx, req)
}

func (f forwarder) SendAlert(ctx context.Context, req *alertv1.SendAlertRequest) (*alertv1.SendAlertResponse, error) {
	return f.to.SendAlert(ctx, req)
}

// alertHandler returns the handler of a port with an alert service.
func alertHandler(t testing.TB, service alertv1connect.AlertServiceHandler) http.Handler {
	t.Helper()
	options, err := rpc.NewOptions(quiet, noop.NewMeterProvider(), nil)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := rpc.Listener{
		Services: []rpc.Service{rpc.Public(options, alertv1connect.NewAlertServiceHandler, service)},
		Ready:    func(context.Context) error { return nil },
	}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// serveClear serves HTTP/1.1 and cleartext HTTP/2.
func serveClear(t *testing.T, handler http.Handler) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// TestNoInstance checks that callers of a service whose upstream has no instance get
// unavailable, with the reason and the time after which to retry, by every protocol.
func TestNoInstance(t *testing.T) {
	balancer := balance.New(static(t), balance.Options{Transport: rpc.NewHTTPClient().Transport, Log: quiet})
	url := serveClear(t, alertHandler(t, forwarder{to: alertv1connect.NewAlertServiceClient(&http.Client{Transport: balancer.Transport()}, balance.BaseURL, rpc.ClientOptions("alert", quiet))}))
	for name, protocol := range map[string]connect.ClientOption{
		"Connect": connect.WithClientOptions(), "gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb(),
	} {
		client := rpc.NewHTTPClient()
		t.Cleanup(client.CloseIdleConnections)
		_, err := alertv1connect.NewAlertServiceClient(client, url, protocol).GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: "1"})
		e, ok := errors.AsType[*connect.Error](err)
		if !ok || e.Code() != connect.CodeUnavailable || e.Message() != "alert service unavailable; try again" || e.Meta().Get("Retry-After") != "1" {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var reason string
		var seconds int64
		for _, d := range e.Details() {
			value, err := d.Value()
			if err != nil {
				t.Fatal(err)
			}
			switch v := value.(type) {
			case *errdetails.ErrorInfo:
				reason = v.GetReason()
			case *errdetails.RetryInfo:
				seconds = v.GetRetryDelay().GetSeconds()
			}
		}
		if reason != "NO_INSTANCE" || seconds != 1 {
			t.Errorf("%s: reason %q, retry after %d s", name, reason, seconds)
		}
	}
	res, err := http.Get(url + "/v1/alerts/1")
	if err != nil {
		t.Fatal(err)
	}
	text := readBody(t, res)
	if res.StatusCode != http.StatusServiceUnavailable || len(res.Header["Retry-After"]) != 1 || res.Header.Get("Retry-After") != "1" || !strings.Contains(text, "NO_INSTANCE") {
		t.Errorf("REST: status %d, %v, %s", res.StatusCode, res.Header, text)
	}
}

// TestIdempotencyKeyIsRepeatable checks that a Balancer repeats a call whose message has an
// idempotency key, and no other one that changes something.
func TestIdempotencyKeyIsRepeatable(t *testing.T) {
	var bodies [][]byte
	url := serveClear(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies = append(bodies, body)
		w.WriteHeader(http.StatusBadGateway)
	}))
	instance := discovery.Instance{ID: "a", Name: "alert", URL: url, Services: []string{alertv1connect.AlertServiceName}}
	other := instance
	other.ID, other.URL = "b", strings.Replace(url, "127.0.0.1", "localhost", 1)
	for key, want := range map[string]int{"": 1, "once": 2} {
		balancer := balance.New(static(t, instance, other), balance.Options{Transport: rpc.NewHTTPClient().Transport, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		changed := balancer.Changed()
		go func() { done <- balancer.Run(ctx) }()
		<-changed
		bodies = nil
		_, err := alertv1connect.NewAlertServiceClient(&http.Client{Transport: balancer.Transport()}, balance.BaseURL, rpc.ClientOptions("alert", quiet)).
			SendAlert(t.Context(), &alertv1.SendAlertRequest{IdempotencyKey: key, Title: "disk full"})
		if connect.CodeOf(err) != connect.CodeUnavailable || len(bodies) != want || !bytes.Equal(bodies[0], bodies[len(bodies)-1]) {
			t.Errorf("key %q: %v, sent %q", key, err, bodies)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
