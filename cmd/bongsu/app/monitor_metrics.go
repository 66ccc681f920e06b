package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/kit/gauge"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// outcomeNames are the outcomes of checks, as attributes.
var outcomeNames = map[probe.Outcome]string{probe.Passed: "passed", probe.Failed: "failed", probe.Unknown: "unknown"}

// monitorMetrics are the metrics of checks. The gauge of monitors describes the database, not this
// process: every monitor service that shares it exports the same values.
type monitorMetrics struct {
	checks   metric.Float64Histogram
	lateness metric.Float64Histogram
	deleted  metric.Int64Counter

	results interface {
		Statuses(ctx context.Context) ([]monitor.Monitor, error)
	}
	gauges *gauge.Reading // of states
	states map[string]int64
}

// newMonitorMetrics registers the metrics of the monitor service.
func newMonitorMetrics(m *metrics, results monitor.Results, shards monitorShards, now func() time.Time, log *slog.Logger) (*monitorMetrics, error) {
	meter := m.meter()
	c := &monitorMetrics{results: results}
	c.gauges = gauge.NewReading(c.read, func(err error) { log.Warn("metrics of monitors cannot be read", "error", err) }, now)
	var errs [5]error
	c.checks, errs[0] = meter.Float64Histogram("bongsu.monitor.check.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of checks, by kind and outcome: passed, failed or unknown."))
	c.lateness, errs[1] = meter.Float64Histogram("bongsu.monitor.lateness", metric.WithUnit("s"),
		metric.WithDescription("How late checks begin."))
	c.deleted, errs[2] = meter.Int64Counter("bongsu.monitor.rows.deleted", metric.WithDescription("Results, hours and pings that this process deleted after their retention."))
	_, errs[3] = meter.Int64ObservableGauge("bongsu.monitor.monitors",
		metric.WithDescription("Monitors, by state: pending, up, down, unknown, paused or maintenance."),
		metric.WithInt64Callback(c.observe))
	_, errs[4] = meter.Float64ObservableGauge("bongsu.monitor.share", metric.WithUnit("1"),
		metric.WithDescription("Share of the monitors whose checks this process runs, from 0 to 1."),
		metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
			owned, of, _ := shards.Share()
			o.Observe(float64(owned) / float64(of))
			return nil
		}))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return c, nil
}

// observe exports the gauge of monitors.
func (c *monitorMetrics) observe(ctx context.Context, o metric.Int64Observer) error {
	c.gauges.Use(ctx, func() {
		for state, n := range c.states {
			o.Observe(n, metric.WithAttributes(attribute.String("state", state)))
		}
	})
	return nil
}

// read counts the monitors by their states.
func (c *monitorMetrics) read(ctx context.Context) error {
	all, err := c.results.Statuses(ctx)
	if err != nil {
		return err
	}
	c.states = map[string]int64{}
	for state := monitor.Pending; state <= monitor.Maintenance; state++ {
		c.states[stateName(state)] = 0
	}
	for _, m := range all {
		c.states[stateName(m.Status.State)]++
	}
	return nil
}

// stateName returns a state as an attribute.
func stateName(s monitor.State) string {
	return strings.ToLower(strings.TrimPrefix(monitorv1.MonitorState(s).String(), "MONITOR_STATE_"))
}

// Checked records a result.
func (c *monitorMetrics) Checked(kind probe.Kind, outcome probe.Outcome, latency time.Duration) {
	c.checks.Record(context.Background(), latency.Seconds(), metric.WithAttributes(attribute.String("kind", string(kind)), attribute.String("outcome", outcomeNames[outcome])))
}

// Late records how late a check begins.
func (c *monitorMetrics) Late(late time.Duration) {
	c.lateness.Record(context.Background(), late.Seconds())
}

// Deleted counts deleted rows.
func (c *monitorMetrics) Deleted(n int) { c.deleted.Add(context.Background(), int64(n)) }
