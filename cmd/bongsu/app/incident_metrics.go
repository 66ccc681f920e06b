package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/kit/gauge"
	"github.com/bongsu-project/bongsu/services/incident"
)

// An incidentCounter counts open incidents, and lists silences.
type incidentCounter interface {
	CountOpen(ctx context.Context) (firing, acknowledged int64, err error)
	ActiveSilences(ctx context.Context, now time.Time) (revision int64, silences []incident.Silence, err error)
}

// incidentGauges are the numbers of open incidents and of silences that have not ended.
type incidentGauges struct {
	incidents incidentCounter
	now       func() time.Time

	firing, acknowledged, active, pending int64
}

// registerIncidents registers the gauges of the incident service.
func (m *metrics) registerIncidents(incidents incidentCounter, now func() time.Time, log *slog.Logger) error {
	g := &incidentGauges{incidents: incidents, now: now}
	reading := gauge.NewReading(g.read, func(err error) { log.Warn("metrics of incidents cannot be read", "error", err) }, now)
	meter := m.meter()
	open, err := meter.Int64ObservableGauge("bongsu.incident.open",
		metric.WithDescription("Incidents that are not resolved, by state: firing or acknowledged."))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	silences, err := meter.Int64ObservableGauge("bongsu.incident.silences",
		metric.WithDescription("Silences that have not ended, by state: active, or pending if they begin later."))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	_, err = meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		reading.Use(ctx, func() {
			o.ObserveInt64(open, g.firing, stateAttribute("firing"))
			o.ObserveInt64(open, g.acknowledged, stateAttribute("acknowledged"))
			o.ObserveInt64(silences, g.active, stateAttribute("active"))
			o.ObserveInt64(silences, g.pending, stateAttribute("pending"))
		})
		return nil
	}, open, silences)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

func stateAttribute(state string) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("state", state))
}

// read reads the gauges.
func (g *incidentGauges) read(ctx context.Context) (err error) {
	if g.firing, g.acknowledged, err = g.incidents.CountOpen(ctx); err != nil {
		return err
	}
	now := g.now()
	_, silences, err := g.incidents.ActiveSilences(ctx, now)
	g.active, g.pending = 0, 0
	for _, s := range silences { // at most incident.MaxSilences
		if s.State(now) == incident.SilencePending {
			g.pending++
		} else {
			g.active++
		}
	}
	return err
}
