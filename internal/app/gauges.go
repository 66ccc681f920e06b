package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/pace"
	"github.com/bongsu-project/bongsu/services/alert"
)

const (
	// gaugesLife is how long the backlogs read from the ledger are cached, however
	// often metrics are scraped.
	gaugesLife = 10 * time.Second
	// gaugesTimeout bounds a read, so that an unresponsive ledger does not block the
	// other metrics.
	gaugesTimeout = 5 * time.Second
)

// gauges export the backlog of each messenger. They describe the ledger and the limiter
// bucket, not this process: every alert service that shares these exports the same
// values.
type gauges struct {
	counter alert.Counter
	paces   func() []pace.Standing // all that have limiter state
	specs   []messenger.Spec       // messengers exported even without backlog
	now     func() time.Time
	log     *slog.Logger

	mu       sync.Mutex // held while the ledger is read
	read     time.Time
	backlogs []alert.Backlog
	err      error // of the last read
}

// A burden is the backlog of a messenger.
type burden struct {
	queued, due, paused, open int64
	oldest                    time.Time
}

// show registers the gauges that export g.
func (m *metrics) show(g *gauges) error {
	meter := m.provider.Meter(meterName)
	var errs []error
	gauge := func(name, description string) metric.Int64ObservableGauge {
		i, err := meter.Int64ObservableGauge(name, metric.WithDescription(description))
		errs = append(errs, err)
		return i
	}
	queued := gauge("bongsu.alert.deliveries.queued", "Deliveries that are not completed, by messenger.")
	due := gauge("bongsu.alert.deliveries.due", "Deliveries that are due and wait only for a slot, by messenger.")
	paused := gauge("bongsu.alert.paused.keys", "Credentials and destinations that are paused by their provider, by messenger.")
	open := gauge("bongsu.alert.open.breakers", "Credentials with an open breaker in a sender, by messenger.")
	oldest, err := meter.Float64ObservableGauge("bongsu.alert.oldest.delivery.age", metric.WithUnit("s"),
		metric.WithDescription("Age of the oldest alert with a delivery that is not completed, 0 without one, by messenger."))
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	_, err = meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		burdens, known := g.burdens(ctx)
		for name, b := range burdens {
			o.ObserveInt64(paused, b.paused, of(name))
			o.ObserveInt64(open, b.open, of(name))
			if !known {
				continue
			}
			age := time.Duration(0)
			if !b.oldest.IsZero() {
				age = max(g.now().Sub(b.oldest), 0)
			}
			o.ObserveInt64(queued, b.queued, of(name))
			o.ObserveInt64(due, b.due, of(name))
			o.ObserveFloat64(oldest, age.Seconds(), of(name))
		}
		return nil
	}, queued, due, paused, open, oldest)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// showConnected registers the gauge of the connection to the broker.
func (m *metrics) showConnected(connected func() bool) error {
	_, err := m.provider.Meter(meterName).Int64ObservableGauge("bongsu.queue.connected",
		metric.WithDescription("Whether this process is connected to the broker of the queue (1) or not (0)."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			value := int64(0)
			if connected() {
				value = 1
			}
			o.Observe(value)
			return nil
		}))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// burdens returns the backlog by messenger. If known is false the ledger could not be
// read, and only the limiter state is valid.
func (g *gauges) burdens(ctx context.Context) (byName map[string]*burden, known bool) {
	byName = map[string]*burden{}
	of := func(name string) *burden {
		if byName[name] == nil {
			byName[name] = &burden{}
		}
		return byName[name]
	}
	for _, s := range g.specs {
		of(s.Name)
	}
	for _, s := range g.paces() {
		b := of(s.Messenger())
		if !s.PausedUntil.IsZero() {
			b.paused++
		}
		if !s.BrokenUntil.IsZero() {
			b.open++
		}
	}
	backlogs, err := g.look(ctx)
	for _, each := range backlogs {
		b := of(each.Messenger)
		b.queued += int64(each.Queued)
		b.due += int64(each.Due)
		if b.oldest.IsZero() || each.Oldest.Before(b.oldest) {
			b.oldest = each.Oldest
		}
	}
	return byName, err == nil
}

// look reads the backlogs from the ledger, at most once in gaugesLife.
func (g *gauges) look(ctx context.Context) ([]alert.Backlog, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if !g.read.IsZero() && now.Sub(g.read) < gaugesLife {
		return g.backlogs, g.err
	}
	ctx, cancel := context.WithTimeout(ctx, gaugesTimeout)
	defer cancel()
	g.read = now
	g.backlogs, g.err = g.counter.Backlogs(ctx, now, false)
	if g.err != nil {
		g.log.Warn("reading the backlog failed", "error", g.err)
	}
	return g.backlogs, g.err
}
