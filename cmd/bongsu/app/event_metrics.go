package app

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/internal/eventstream"
	"github.com/bongsu-project/bongsu/kit/gauge"
	"github.com/bongsu-project/bongsu/services/event"
)

var _ event.Metrics = (*eventMetrics)(nil)

// eventMetrics are the metrics of the event service.
type eventMetrics struct {
	published, handled metric.Int64Counter

	stream  *eventstream.Stream
	letters event.DeadLetters

	gauges *gauge.Reading // of lag and buried
	lag    [eventstream.Partitions]int64
	buried int64
}

func newEventMetrics(m *metrics, stream *eventstream.Stream, letters event.DeadLetters, now func() time.Time, log *slog.Logger) (*eventMetrics, error) {
	e := &eventMetrics{stream: stream, letters: letters}
	e.gauges = gauge.NewReading(e.read, func(err error) { log.Warn("metrics of events cannot be read", "error", err) }, now)
	if err := e.register(m.meter()); err != nil {
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
		e.gauges.Use(ctx, func() {
			for p, n := range e.lag {
				o.ObserveInt64(lag, n, metric.WithAttributes(attribute.String("partition", strconv.Itoa(p))))
			}
			o.ObserveInt64(letters, e.buried)
		})
		return nil
	}, lag, letters)
	return err
}

// read reads the gauges.
func (e *eventMetrics) read(ctx context.Context) (err error) {
	if e.lag, err = e.stream.Lag(ctx); err != nil {
		return err
	}
	count, err := e.letters.CountDeadLetters(ctx)
	e.buried = int64(count)
	return err
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
