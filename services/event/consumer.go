package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/eventstream"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// workersPerPartition is the number of batches of a partition that are handled
	// concurrently.
	workersPerPartition = 4
	// handledTogether is the maximum number of events of a batch, which share commits.
	handledTogether = 100
	// maxFailures is the number of failures of an event's alerts, or of the alert of its batch,
	// after which it becomes a dead letter. An unavailable service is no failure.
	maxFailures = 5
	// minBackoff and maxBackoff bound the wait between attempts.
	minBackoff = 200 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// A Consumer handles the events of the stream: those of one source and subject one after the
// other, in the order of the stream, others concurrently. An event is acked when everything
// that it leads to is recorded.
//
// The order holds across processes that die: events of a partition are delivered again from
// the first that is not acked, and handling an event again changes nothing.
type Consumer struct {
	Stream    *eventstream.Stream
	Processor *Processor
	Metrics   Metrics
	Log       *slog.Logger

	outage atomic.Bool // the last attempt failed
}

// Run handles events until ctx ends.
func (c *Consumer) Run(ctx context.Context) error { return c.Stream.Run(ctx, c.handlePartition) }

// handlePartition handles the events of a partition until ctx ends or it cannot be read.
func (c *Consumer) handlePartition(ctx context.Context, p *eventstream.Partition) error {
	queue := newOrderedQueue()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.read(ctx, p, queue) })
	g.Go(func() error { return c.extend(ctx, p.AckWait(), queue) })
	for range workersPerPartition {
		g.Go(func() error { return c.work(ctx, queue) })
	}
	return g.Wait()
}

// read adds the events of the partition to the queue, and acks those of others.
func (c *Consumer) read(ctx context.Context, p *eventstream.Partition, queue *orderedQueue) error {
	for {
		m, err := p.Next(ctx)
		if err != nil {
			return err
		}
		e := c.parse(p, m)
		if e == nil || m.Redelivered && !queue.has(m.Sequence) { // of another partition, or its ack was lost
			if err := m.Ack(); err != nil {
				return fmt.Errorf("ack event: %w", err)
			}
			continue
		}
		if m.Redelivered {
			continue
		}
		if err := queue.add(ctx, e); err != nil {
			return err
		}
	}
}

// parse returns the event of a message, or nil for one of another partition. The order key of
// the publisher saves parsing it; each message has one partition, with or without.
func (c *Consumer) parse(p *eventstream.Partition, m *eventstream.Message) *inFlight {
	order, known := m.Order()
	if known && !p.Owns(order) {
		return nil
	}
	e := &inFlight{message: m, bytes: len(m.Data()) + len(m.Subject()), since: time.Now()}
	event, problem := parseMessage(m.Header(), m.Data(), m.Time)
	if problem != nil {
		e.Data, e.Problem = m.Data(), problem.Error()
		e.lane = fmt.Sprintf("\x00%d", m.Sequence)
	} else {
		e.Event, e.lane = event, event.lane()
		if !known {
			order = event.order()
		}
	}
	if !p.Owns(order) {
		return nil
	}
	return e
}

// extend keeps the broker from redelivering events that are being handled.
func (c *Consumer) extend(ctx context.Context, ackWait time.Duration, queue *orderedQueue) error {
	ticker := time.NewTicker(ackWait / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-ticker.C:
			for _, e := range queue.before(now.Add(-ackWait / 3)) {
				if err := e.message.InProgress(); err != nil {
					return fmt.Errorf("extend event: %w", err)
				}
			}
		}
	}
}

// work handles events of the queue.
func (c *Consumer) work(ctx context.Context, queue *orderedQueue) error {
	for {
		events, err := queue.take(ctx, handledTogether)
		if err != nil {
			return err
		}
		if err := c.handle(ctx, events); err != nil {
			return err
		}
		for _, e := range events {
			if err := e.message.Ack(); err != nil {
				return fmt.Errorf("ack event: %w", err)
			}
		}
		queue.done(events)
	}
}

// handle handles events until they are handled or ctx ends. A batch that fails is handled one
// by one, so that one event does not keep the others.
func (c *Consumer) handle(ctx context.Context, events []*inFlight) error {
	readings := make([]Reading, len(events))
	for i, e := range events {
		readings[i] = e.Reading
	}
	failures := 0
	for backoff := minBackoff; ; backoff = min(2*backoff, maxBackoff) {
		handled, err := c.Processor.Process(ctx, readings, failures == maxFailures-1)
		if err == nil {
			c.recovered()
			for _, h := range handled {
				c.Metrics.Handled(h)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.failed(err)
		if !errors.Is(err, fault.ErrUnavailable) {
			if len(events) > 1 {
				return c.handleEach(ctx, events)
			}
			failures++
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(backoff):
		}
	}
}

func (c *Consumer) handleEach(ctx context.Context, events []*inFlight) error {
	for i := range events {
		if err := c.handle(ctx, events[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// failed logs the first failure.
func (c *Consumer) failed(err error) {
	if !c.outage.Swap(true) {
		c.Log.Warn("events cannot be handled, retrying", "error", err)
	}
}

// recovered logs the recovery.
func (c *Consumer) recovered() {
	if c.outage.Load() && c.outage.Swap(false) {
		c.Log.Info("events are handled again")
	}
}
