package app

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/internal/eventstream"
	"github.com/bongsu-project/bongsu/services/event"
)

const (
	// eventGaugesMaxAge is how long the gauges of events are cached, however often metrics are
	// scraped.
	eventGaugesMaxAge = 10 * time.Second
	// eventGaugesTimeout bounds a read, so that an unresponsive broker or database does not
	// block the other metrics.
	eventGaugesTimeout = 3 * time.Second
)

var _ event.Metrics = (*eventMetrics)(nil)

// eventMetrics are the metrics of the event service. The gauges describe the stream and the
// database, not this process: every event service that shares them exports the same values.
type eventMetrics struct {
	published, handled metric.Int64Counter

	stream  *eventstream.Stream
	letters event.DeadLetters
	now     func() time.Time
	log     *slog.Logger

	mu     sync.Mutex // held while the gauges are read
	read   time.Time
	lag    [eventstream.Partitions]int64
	buried int64
	err    error // of the last read
}

func newEventMetrics(m *metrics, stream *eventstream.Stream, letters event.DeadLetters, now func() time.Time, log *slog.Logger) (*eventMetrics, error) {
	e := &eventMetrics{stream: stream, letters: letters, now: now, log: log}
	if err := e.register(m.provider.Meter(meterName)); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return e, nil
}

func (e *eventMetrics) register(meter metric.Meter) (err error) {
	if e.published, err = meter.Int64Counter("bongsu.event.published",
		metric.WithDescription("Events received by Publish, by outcome: stored, duplicate or refused.")); err != nil {
		return err
	}
	if e.handled, err = meter.Int64Counter("bongsu.event.handled",
		metric.WithDescription("Events handled by this process, by outcome: notified, repeated, no_rule, no_recipient or dead_letter.")); err != nil {
		return err
	}
	lag, err := meter.Int64ObservableGauge("bongsu.event.lag",
		metric.WithDescription("Events in the stream that are not handled, or not skipped by a partition that is not theirs, by partition."))
	if err != nil {
		return err
	}
	letters, err := meter.Int64ObservableGauge("bongsu.event.dead.letters", metric.WithDescription("Events that could not be handled."))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.refresh(ctx); e.err != nil {
			return nil // logged
		}
		for p, n := range e.lag {
			o.ObserveInt64(lag, n, metric.WithAttributes(attribute.String("partition", strconv.Itoa(p))))
		}
		o.ObserveInt64(letters, e.buried)
		return nil
	}, lag, letters)
	return err
}

// refresh reads the gauges if they are too old. mu must be held.
func (e *eventMetrics) refresh(ctx context.Context) {
	now := e.now()
	if age := now.Sub(e.read); !e.read.IsZero() && age >= 0 && age < eventGaugesMaxAge {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, eventGaugesTimeout)
	defer cancel()
	failing := e.err != nil
	var count int
	if e.lag, e.err = e.stream.Lag(ctx); e.err == nil {
		count, e.err = e.letters.CountDeadLetters(ctx)
	}
	e.read, e.buried = now, int64(count)
	if e.err != nil && !failing {
		e.log.Warn("metrics of events cannot be read", "error", e.err)
	}
}

// Published counts events that were published.
func (e *eventMetrics) Published(outcome string, n int) {
	if n > 0 {
		e.published.Add(context.Background(), int64(n), metric.WithAttributes(attribute.String("outcome", outcome)))
	}
}

// Handled counts an event that was handled.
func (e *eventMetrics) Handled(outcome event.Handling) {
	e.handled.Add(context.Background(), 1, metric.WithAttributes(attribute.String("outcome", string(outcome))))
}
