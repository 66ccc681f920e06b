package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// callbacksMaxAge is how long the number of waiting reports is cached, however often metrics
// are scraped.
const callbacksMaxAge = 10 * time.Second

// runCallbacks sends reports to callback endpoints, and returns the handler of these. An alert
// service in a process of its own needs a seal key for that only: without one it creates no
// endpoints, and reports wait for a process that has one.
func (b *builder) runCallbacks(store *ledger.Store) (*alert.CallbackEndpointHandler, error) {
	endpoints := &alert.CallbackEndpointHandler{Store: store, AllowHTTP: b.config.Providers.AllowHTTP, Now: b.config.Now}
	if !b.hasSealKey() {
		b.log.Info("no callbacks: they need a seal key", "flag", "--seal-key-file")
		return endpoints, nil
	}
	key, err := b.openKeyring()
	if err != nil {
		return nil, err
	}
	endpoints.Key = key
	counts, err := b.metrics.registerCallbacks(store.CountCallbacks, b.config.Now)
	if err != nil {
		return nil, err
	}
	loop := &alert.CallbackLoop{
		Store: store, Key: key, Metrics: counts, Now: b.config.Now, Log: b.log,
		Jitter: rand.N[time.Duration],
		Endpoint: call.Endpoint{
			Client: call.NewClient(call.ClientConfig{Allowed: b.config.allowed}), Now: b.config.Now, HTTP: b.config.Providers.AllowHTTP,
		}.ForUserURL(),
	}
	b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], loop.Run) // last: senders report until they stop
	return endpoints, nil
}

// hasSealKey reports whether this process has a seal key, or must have one.
func (b *builder) hasSealKey() bool {
	if b.config.SealKey != "" || b.config.SealKeyFile != "" || b.config.has(Directory) || b.config.has(Sender) {
		return true
	}
	_, err := os.Stat(b.sealKeyPath())
	return err == nil
}

// callbackMetrics are the metrics of callbacks.
type callbackMetrics struct {
	calls   metric.Float64Histogram
	reports metric.Int64Counter
}

// registerCallbacks registers the metrics of callbacks. waiting counts the reports that wait.
func (m *metrics) registerCallbacks(waiting func(context.Context) (int64, error), now func() time.Time) (*callbackMetrics, error) {
	meter := m.meter()
	c := &callbackMetrics{}
	var errs [3]error
	c.calls, errs[0] = meter.Float64Histogram("bongsu.callback.call.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of calls to callback endpoints, by outcome."))
	c.reports, errs[1] = meter.Int64Counter("bongsu.callback.reports",
		metric.WithDescription("Reports to callback endpoints, by outcome: sent, or dropped after a day."))
	var read time.Time
	var n int64
	_, errs[2] = meter.Int64ObservableGauge("bongsu.callback.reports.waiting",
		metric.WithDescription("Reports that wait to be sent to callback endpoints."),
		metric.WithInt64Callback(func(ctx context.Context, o metric.Int64Observer) error { // not called concurrently
			if now().Sub(read) >= callbacksMaxAge {
				ctx, cancel := context.WithTimeout(ctx, backlogTimeout)
				defer cancel()
				count, err := waiting(ctx)
				if err != nil {
					return nil
				}
				n, read = count, now()
			}
			o.Observe(n)
			return nil
		}))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return c, nil
}

// CallbackCalled records a call.
func (c *callbackMetrics) CallbackCalled(outcome string, took time.Duration) {
	c.calls.Record(context.Background(), took.Seconds(), metric.WithAttributes(attribute.String("outcome", outcome)))
}

// CallbackReports counts reports.
func (c *callbackMetrics) CallbackReports(outcome string, n int) {
	c.reports.Add(context.Background(), int64(n), metric.WithAttributes(attribute.String("outcome", outcome)))
}
