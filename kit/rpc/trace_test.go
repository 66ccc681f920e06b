package rpc

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/metric/noop"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest/otlptest"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// alertsWith is an AlertService with one method.
type alertsWith struct {
	alertv1connect.UnimplementedAlertServiceHandler
	get func(context.Context) error
}

func (a alertsWith) GetAlert(ctx context.Context, _ *alertv1.GetAlertRequest) (*alertv1.GetAlertResponse, error) {
	return &alertv1.GetAlertResponse{}, a.get(ctx)
}

// tracedPort serves a method on a port of a process with traces.
func tracedPort(t *testing.T, tracing *telemetry.Tracing, get func(context.Context) error) string {
	t.Helper()
	options, err := NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if options, err = options.Traced(tracing.Provider()); err != nil {
		t.Fatal(err)
	}
	handler, err := Listener{
		Services: []Service{Public(options, alertv1connect.NewAlertServiceHandler, alertv1connect.AlertServiceHandler(alertsWith{get: get}))},
		Ready:    func(context.Context) error { return nil }, Stages: []Stage{RequestIDs},
	}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// TestTraced calls a method through two processes, and checks their spans: below the caller's,
// or as a trace with the id of the request.
func TestTraced(t *testing.T) {
	receiver := otlptest.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	var ids []string
	var recorded []telemetry.TraceContext
	seen := func(ctx context.Context) {
		ids, recorded = append(ids, InfoOf(ctx).TraceID), append(recorded, TraceContextOf(ctx))
	}
	open := func(service string) *telemetry.Tracing {
		tracing, err := telemetry.OpenTracing(t.Context(), telemetry.TracingOptions{Service: service, TraceID: TraceIDOf, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return tracing
	}
	front, back := open("front"), open("back")
	behind := tracedPort(t, back, func(ctx context.Context) error { seen(ctx); return nil })
	calls, err := TraceCalls(front.Provider())
	if err != nil {
		t.Fatal(err)
	}
	client := alertv1connect.NewAlertServiceClient(NewHTTPClient(), behind, ClientOptions("alert", slog.New(slog.DiscardHandler), calls...))
	url := tracedPort(t, front, func(ctx context.Context) error {
		seen(ctx)
		_, err := client.GetAlert(ctx, &alertv1.GetAlertRequest{Id: "1"})
		return err
	})

	for _, traceparent := range [][]string{{validTrace}, nil, {validTrace, validTrace}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/alerts/1", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header["Traceparent"] = traceparent
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(err, res.Status)
		}
	}
	if err := front.Close(); err != nil {
		t.Fatal(err)
	}
	if err := back.Close(); err != nil {
		t.Fatal(err)
	}
	const want = "front server bongsu.alert.v1.AlertService/GetAlert\n  front client bongsu.alert.v1.AlertService/GetAlert\n    back server bongsu.alert.v1.AlertService/GetAlert\n"
	for i, parent := range []string{validTrace[36:52], "", ""} {
		atFront, atBack := 2*i, 2*i+1
		if ids[atFront] != ids[atBack] || recorded[atFront].TraceID() != ids[atFront] || recorded[atBack].TraceID() != ids[atFront] {
			t.Errorf("request %d: trace ids %v of requests, %v of spans", i, ids[atFront:atBack+1], recorded[atFront:atBack+1])
		}
		if got := otlptest.Tree(receiver.Trace(ids[atFront]), parent); got != want {
			t.Errorf("request %d: spans\n%swant\n%s", i, got, want)
		}
	}
}

// TestTraceContextOf checks the trace of a request in a process without spans.
func TestTraceContextOf(t *testing.T) {
	if got := TraceContextOf(t.Context()); got != "" || TraceIDOf(t.Context()) != "" {
		t.Errorf("outside of a request: %q", got)
	}
	for given, want := range map[string]telemetry.TraceContext{validTrace: validTrace, "01" + validTrace[2:] + "-x": telemetry.TraceContext("01" + validTrace[2:]), "": ""} {
		info, _ := identified(http.Header{"Traceparent": {given}})
		if want == "" {
			want = telemetry.TraceContext(info.TraceID)
		}
		if got := TraceContextOf(context.WithValue(t.Context(), requestInfoKey{}, info)); got != want || got.TraceID() != info.TraceID {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}
