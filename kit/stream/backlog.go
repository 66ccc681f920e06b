package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/kit/gauge"
)

// meterName is the OpenTelemetry instrumentation scope.
const meterName = "github.com/bongsu-project/bongsu/kit/stream"

// backlogTimeout bounds the read of one of several consumers, one after the other: a scrape waits for
// them.
const backlogTimeout = time.Second

// A Worker publishes or handles events until the context of Run ends, and has a backlog: *Outbox and
// *Consumer.
type Worker interface {
	Run(ctx context.Context) error

	registerBacklog(meter metric.Meter, service string) error
}

var (
	_ Worker = (*Outbox)(nil)
	_ Worker = (*Consumer)(nil)
)

// RegisterBacklogs registers the gauges of the outboxes and consumers of a service, with its name in
// the attribute service. They are read at most once in 10 s, and left out while they cannot be read,
// which is logged. They describe the database and the stream, not the process: every process of the
// service exports the same values.
//
//   - bongsu.outbox.pending, bongsu.outbox.refused and bongsu.outbox.oldest.age, by table
//   - bongsu.consumer.backlog, by consumer
func RegisterBacklogs(provider metric.MeterProvider, service string, workers ...Worker) error {
	for _, w := range workers {
		if err := w.registerBacklog(provider.Meter(meterName), service); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}

// registerBacklog implements Worker.
func (o *Outbox) registerBacklog(meter metric.Meter, service string) error {
	pending, err1 := meter.Int64ObservableGauge("bongsu.outbox.pending", metric.WithDescription("Committed events that are not published, by service and table."))
	refused, err2 := meter.Int64ObservableGauge("bongsu.outbox.refused", metric.WithDescription("Events that the publisher refused as invalid, by service and table."))
	oldest, err3 := meter.Float64ObservableGauge("bongsu.outbox.oldest.age", metric.WithUnit("s"),
		metric.WithDescription("Age of the oldest committed event that is not published, 0 without one, by service and table."))
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	var backlog Backlog
	reading := newReading(o.options.Log.With("table", o.options.Table), o.options.Now, func(ctx context.Context) (err error) {
		backlog, err = o.Backlog(ctx)
		return err
	})
	attributes := metric.WithAttributeSet(attribute.NewSet(attribute.String("service", service), attribute.String("table", o.options.Table)))
	_, err := meter.RegisterCallback(func(ctx context.Context, to metric.Observer) error {
		reading.Use(ctx, func() {
			to.ObserveInt64(pending, int64(backlog.Pending), attributes)
			to.ObserveInt64(refused, int64(backlog.Refused), attributes)
			age := time.Duration(0)
			if !backlog.Oldest.IsZero() {
				age = max(o.options.Now().Sub(backlog.Oldest), 0).Truncate(time.Millisecond) // as it is stored
			}
			to.ObserveFloat64(oldest, age.Seconds(), attributes)
		})
		return nil
	}, pending, refused, oldest)
	return err
}

// registerBacklog implements Worker.
func (c *Consumer) registerBacklog(meter metric.Meter, service string) error {
	messages, err := meter.Int64ObservableGauge("bongsu.consumer.backlog", metric.WithDescription("Messages of the stream that the consumer has not handled, by service and consumer."))
	if err != nil {
		return err
	}
	var backlog uint64
	reading := newReading(c.options.Log, time.Now, func(ctx context.Context) (err error) {
		if c.js.Conn().Status() != nats.CONNECTED {
			return nats.ErrDisconnected // a request would wait
		}
		ctx, cancel := context.WithTimeout(ctx, backlogTimeout)
		defer cancel()
		backlog, err = c.Backlog(ctx)
		return err
	})
	attributes := metric.WithAttributeSet(attribute.NewSet(attribute.String("service", service), attribute.String("consumer", c.options.Name)))
	_, err = meter.RegisterCallback(func(ctx context.Context, to metric.Observer) error {
		reading.Use(ctx, func() { to.ObserveInt64(messages, int64(min(backlog, 1<<62)), attributes) })
		return nil
	}, messages)
	return err
}

// newReading returns the reading of a backlog.
func newReading(log *slog.Logger, now func() time.Time, read func(context.Context) error) *gauge.Reading {
	return gauge.NewReading(read, func(err error) { log.Warn("backlog cannot be read for metrics", "error", err) }, now)
}
