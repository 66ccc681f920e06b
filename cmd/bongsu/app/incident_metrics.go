package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

const (
	// incidentGaugeMaxAge is how long the gauge of incidents is cached, however often metrics are
	// scraped.
	incidentGaugeMaxAge = 10 * time.Second
	// incidentGaugeTimeout bounds a read, so that an unresponsive database does not block the
	// other metrics.
	incidentGaugeTimeout = 3 * time.Second
)

// An incidentCounter counts open incidents.
type incidentCounter interface {
	CountOpen(ctx context.Context) (firing, acknowledged int64, err error)
}

// An incidentGauge is the number of open incidents. It describes the database, not this process:
// every incident service that shares it exports the same values.
type incidentGauge struct {
	incidents incidentCounter
	now       func() time.Time
	log       *slog.Logger

	mu                   sync.Mutex // held while the gauge is read
	read                 time.Time
	firing, acknowledged int64
	err                  error // of the last read
}

// registerIncidents registers the gauge of open incidents.
func (m *metrics) registerIncidents(incidents incidentCounter, now func() time.Time, log *slog.Logger) error {
	g := &incidentGauge{incidents: incidents, now: now, log: log}
	_, err := m.provider.Meter(meterName).Int64ObservableGauge("bongsu.incident.open",
		metric.WithDescription("Incidents that are not resolved, by state: firing or acknowledged."),
		metric.WithInt64Callback(func(ctx context.Context, o metric.Int64Observer) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.refresh(ctx); g.err != nil {
				return nil // logged
			}
			o.Observe(g.firing, metric.WithAttributes(attribute.String("state", "firing")))
			o.Observe(g.acknowledged, metric.WithAttributes(attribute.String("state", "acknowledged")))
			return nil
		}))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// refresh reads the gauge if it is too old. mu must be held.
func (g *incidentGauge) refresh(ctx context.Context) {
	now := g.now()
	if age := now.Sub(g.read); !g.read.IsZero() && age >= 0 && age < incidentGaugeMaxAge {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, incidentGaugeTimeout)
	defer cancel()
	failing := g.err != nil
	g.firing, g.acknowledged, g.err = g.incidents.CountOpen(ctx)
	g.read = now
	if g.err != nil && !failing {
		g.log.Warn("metrics of incidents cannot be read", "error", g.err)
	}
}
