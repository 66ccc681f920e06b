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
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/services/alert"
)

const (
	// backlogMaxAge is how long the backlogs read from the ledger are cached, however
	// often metrics are scraped.
	backlogMaxAge = 10 * time.Second
	// backlogTimeout bounds a read, so that an unresponsive ledger does not block the
	// other metrics.
	backlogTimeout = 5 * time.Second
)

// backlogGauges export the backlog of each messenger. They describe the ledger and the limiter
// bucket, not this process: every alert service that shares these exports the same
// values.
type backlogGauges struct {
	counter     alert.BacklogCounter
	limiterKeys func() []ratelimit.KeyReport // all that have limiter state
	specs       []messenger.Spec             // messengers exported even without backlog
	now         func() time.Time
	log         *slog.Logger

	mu       sync.Mutex // held while the ledger is read
	read     time.Time
	backlogs []alert.Backlog
	err      error // of the last read
}

// A messengerBacklog is the backlog of a messenger.
type messengerBacklog struct {
	queued, due, paused, open int64
	oldest                    time.Time
}

// registerBacklog registers the gauges that export g.
func (m *metrics) registerBacklog(g *backlogGauges) error {
	meter := m.meter()
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
		burdens, known := g.byMessenger(ctx)
		for name, b := range burdens {
			o.ObserveInt64(paused, b.paused, messengerAttributes(name))
			o.ObserveInt64(open, b.open, messengerAttributes(name))
			if !known {
				continue
			}
			age := time.Duration(0)
			if !b.oldest.IsZero() {
				age = max(g.now().Sub(b.oldest), 0)
			}
			o.ObserveInt64(queued, b.queued, messengerAttributes(name))
			o.ObserveInt64(due, b.due, messengerAttributes(name))
			o.ObserveFloat64(oldest, age.Seconds(), messengerAttributes(name))
		}
		return nil
	}, queued, due, paused, open, oldest)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// registerConnected registers the gauge of the connection to the broker.
func (m *metrics) registerConnected(connected func() bool) error {
	_, err := m.meter().Int64ObservableGauge("bongsu.queue.connected",
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

// byMessenger returns the backlog by messenger. If known is false the ledger could not be
// read, and only the limiter state is valid.
func (g *backlogGauges) byMessenger(ctx context.Context) (byName map[string]*messengerBacklog, known bool) {
	byName = map[string]*messengerBacklog{}
	of := func(name string) *messengerBacklog {
		if byName[name] == nil {
			byName[name] = &messengerBacklog{}
		}
		return byName[name]
	}
	for _, s := range g.specs {
		of(s.Name)
	}
	for _, r := range g.limiterKeys() {
		name, _ := messenger.OfKeyID(r.Key)
		b := of(name)
		if !r.PausedUntil.IsZero() {
			b.paused++
		}
		if !r.BrokenUntil.IsZero() {
			b.open++
		}
	}
	backlogs, err := g.readBacklogs(ctx)
	for _, each := range backlogs {
		b := of(each.Messenger)
		b.queued += int64(each.Queued)
		b.due += int64(each.Due)
		if !each.Oldest.IsZero() && (b.oldest.IsZero() || each.Oldest.Before(b.oldest)) {
			b.oldest = each.Oldest
		}
	}
	return byName, err == nil
}

// readBacklogs reads the backlogs from the ledger, at most once in backlogMaxAge.
func (g *backlogGauges) readBacklogs(ctx context.Context) ([]alert.Backlog, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if !g.read.IsZero() && now.Sub(g.read) < backlogMaxAge {
		return g.backlogs, g.err
	}
	ctx, cancel := context.WithTimeout(ctx, backlogTimeout)
	defer cancel()
	g.read = now
	g.backlogs, g.err = g.counter.Backlogs(ctx, now, false)
	if g.err != nil {
		g.log.Warn("reading the backlog failed", "error", g.err)
	}
	return g.backlogs, g.err
}
