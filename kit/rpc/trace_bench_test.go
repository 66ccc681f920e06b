package rpc

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest/otlptest"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// BenchmarkTraced serves a Connect call without traces, with 1 % of them sampled, and with all.
func BenchmarkTraced(b *testing.B) {
	for _, c := range []struct{ name, ratio string }{{"off", ""}, {"1 percent", "0.01"}, {"all", "1"}} {
		b.Run(c.name, func(b *testing.B) {
			options, err := NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), nil)
			if err != nil {
				b.Fatal(err)
			}
			if c.ratio != "" {
				b.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", otlptest.Start(b).URL)
				b.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
				b.Setenv("OTEL_TRACES_SAMPLER_ARG", c.ratio)
				tracing, err := telemetry.OpenTracing(b.Context(), telemetry.TracingOptions{TraceID: TraceIDOf, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = tracing.Close() }() // returns nil
				if options, err = options.Traced(tracing.Provider()); err != nil {
					b.Fatal(err)
				}
			}
			handler, err := Listener{
				Services: []Service{Public(options, alertv1connect.NewAlertServiceHandler, alertv1connect.AlertServiceHandler(alertsWith{get: func(context.Context) error { return nil }}))},
				Ready:    func(context.Context) error { return nil }, Stages: []Stage{RequestIDs},
			}.Handler()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, alertv1connect.AlertServiceGetAlertProcedure, strings.NewReader(`{"id":"1"}`))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
