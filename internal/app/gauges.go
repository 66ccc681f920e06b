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
	// gaugesLife is how long what was read from the ledger is shown before it is read
	// again, however often it is asked for.
	gaugesLife = 10 * time.Second
	// gaugesTimeout bounds a read, so that a ledger that hangs takes no other metric
	// with it.
	gaugesTimeout = 5 * time.Second
)

// gauges show what waits, by messenger. They speak of the ledger and the bucket,
// not of this process: every alert service on them shows the same.
type gauges struct {
	counter alert.Counter
	paces   func() []pace.Standing // all that are not at rest
	specs   []messenger.Spec       // those shown even where nothing waits
	now     func() time.Time
	log     *slog.Logger

	mu       sync.Mutex // held while the ledger is read
	read     time.Time
	backlogs []alert.Backlog
	err      error // of the last read
}

// A burden is what waits for a messenger.
type burden struct {
	queued, due, paused, open int64
	oldest                    time.Time
}

// show makes the instruments that show g.
func (m *metrics) show(g *gauges) error {
	meter := m.provider.Meter(meterName)
	var errs []error
	gauge := func(name, description string) metric.Int64ObservableGauge {
		i, err := meter.Int64ObservableGauge(name, metric.WithDescription(description))
		errs = append(errs, err)
		return i
	}
	queued := gauge("bongsu.alert.deliveries.queued", "Deliveries that have not ended, by messenger.")
	due := gauge("bongsu.alert.deliveries.due", "Deliveries that wait for nothing but their turn, by messenger.")
	paused := gauge("bongsu.alert.paused.keys", "Credentials and destinations that their provider asked not to call for now, by messenger.")
	open := gauge("bongsu.alert.open.breakers", "Credentials that a sender leaves alone because calls under them fail, by messenger.")
	oldest, err := meter.Float64ObservableGauge("bongsu.alert.oldest.delivery.age", metric.WithUnit("s"),
		metric.WithDescription("How long ago the oldest alert was sent of which a delivery has not ended; 0 where all have, by messenger."))
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("measure: %w", err)
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
		return fmt.Errorf("measure: %w", err)
	}
	return nil
}

// showConnected makes the gauge that says whether the queue's broker can be reached.
func (m *metrics) showConnected(connected func() bool) error {
	_, err := m.provider.Meter(meterName).Int64ObservableGauge("bongsu.queue.connected",
		metric.WithDescription("1 while this process is connected to the queue's broker, 0 while it is not."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			value := int64(0)
			if connected() {
				value = 1
			}
			o.Observe(value)
			return nil
		}))
	if err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	return nil
}

// burdens gives what waits, by messenger. Where known is false the ledger did not
// say, and what comes from it is missing.
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

// look reads the ledger, unless it was read a moment ago.
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
		g.log.Warn("what waits cannot be measured", "error", g.err)
	}
	return g.backlogs, g.err
}
