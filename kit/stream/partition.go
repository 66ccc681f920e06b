package stream

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// minAckWait is the least AckWait.
	minAckWait = 100 * time.Millisecond
	// openTimeout is the timeout of opening a partition, and openRetry the delay after a failure.
	openTimeout, openRetry = 5 * time.Second, time.Second
	// pullMessages is the number of messages that a process requests at a time, which the stream
	// sends one after the other.
	pullMessages = 64
	// pullExpiry is the lifetime of a request: the stream may send an event to a process that is
	// suspended for as long.
	pullExpiry = 5 * time.Second
	// drainTimeout is how long a partition that is stopped waits for messages on their way.
	drainTimeout = 2 * time.Second
	// heartbeats is the number of heartbeats in AckWait.
	heartbeats = 3
)

// errLate is the cause of the end of a handler's context.
var errLate = errors.New("the stream is unreachable: another process may handle the event")

// A partition passes the events of one partition to the handler of its consumer.
type partition struct {
	*Consumer
	number int
	log    *slog.Logger
	outage bool // the stream is missing or unreachable
}

func newPartition(c *Consumer, number int) *partition {
	return &partition{Consumer: c, number: number, log: c.options.Log}
}

// owns reports whether an event belongs to the partition.
func (p *partition) owns(e *Event) bool {
	key := e.Subject
	if key == "" {
		key = "\n" + e.Source + "\n" + e.ID
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	return h.Sum64()%uint64(p.options.Partitions) == uint64(p.number)
}

// run reads the partition until ctx ends, and opens it again after a failure.
func (p *partition) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := p.read(ctx)
		if ctx.Err() != nil {
			return
		}
		if !p.outage {
			p.outage = true
			p.log.ErrorContext(ctx, "consumer cannot read the stream, trying again", "stream", p.options.Stream, "partition", p.number, "error", err)
		}
		select {
		case <-time.After(openRetry):
		case <-ctx.Done():
		}
	}
}

// read opens the partition and handles its messages until ctx ends, or the stream fails.
func (p *partition) read(ctx context.Context) error {
	opening, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	consumer, err := p.js.CreateOrUpdateConsumer(opening, p.options.Stream, p.config(p.number))
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(pullMessages), jetstream.PullExpiry(pullExpiry), jetstream.WithMessagesErrOnMissingHeartbeat(false))
	if err != nil {
		return err
	}
	defer messages.Stop()
	if p.outage {
		p.outage = false
		p.log.InfoContext(ctx, "consumer reads the stream again", "stream", p.options.Stream, "partition", p.number)
	}
	defer context.AfterFunc(ctx, func() { // messages on their way are returned by Next
		messages.Drain()
		time.AfterFunc(drainTimeout, messages.Stop)
	})()
	for {
		message, err := messages.Next()
		switch {
		case errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return err
		case err != nil:
			return fmt.Errorf("next message: %w", err)
		case ctx.Err() != nil: // for another process, at once
			p.settle(ctx, message.Nak())
			continue
		}
		p.process(ctx, message)
	}
}

// process handles a message, or skips that of another partition, and acks it.
func (p *partition) process(ctx context.Context, message jetstream.Msg) {
	d, malformed := newDelivery(message)
	if malformed == nil && !p.owns(&d.Event) {
		p.settle(ctx, message.Ack())
		return
	}
	if malformed != nil && p.number != 0 { // partition 0 has those without a readable subject
		p.settle(ctx, message.Ack())
		return
	}
	err := p.withHeartbeats(ctx, message, func(ctx context.Context) error {
		if malformed != nil {
			return p.deadLetter(ctx, d, malformed)
		}
		err := p.handle(ctx, d)
		if err == nil || !p.isDead(d, err) || errors.Is(context.Cause(ctx), errLate) {
			return err
		}
		return p.deadLetter(ctx, d, err)
	})
	switch {
	case err == nil:
		p.log.DebugContext(ctx, "event handled", "stream", p.options.Stream, "sequence", d.Sequence, "id", d.ID, "type", d.Type, "subject", d.Subject)
		p.settle(ctx, message.Ack())
	case errors.Is(err, errLate):
		p.log.WarnContext(ctx, "event handled too late, another process may handle it", "stream", p.options.Stream, "sequence", d.Sequence, "id", d.ID)
	default:
		delay := p.backoff(d.Attempt)
		p.log.WarnContext(ctx, "event not handled, trying again", "stream", p.options.Stream, "sequence", d.Sequence,
			"id", d.ID, "source", d.Source, "type", d.Type, "subject", d.Subject, "attempt", d.Attempt, "delay", delay, "error", err)
		p.settle(ctx, message.NakWithDelay(delay))
	}
}

// isDead reports whether an event that failed is a dead letter.
func (p *partition) isDead(d Delivery, err error) bool {
	if p.options.DeadLetter != nil && errors.Is(err, fault.ErrInvalid) {
		return true
	}
	return p.options.MaxAttempts > 0 && d.Attempt >= p.options.MaxAttempts
}

// deadLetter logs a dead letter and passes it to the callback.
func (p *partition) deadLetter(ctx context.Context, d Delivery, cause error) error {
	p.log.ErrorContext(ctx, "event is a dead letter", "stream", p.options.Stream, "sequence", d.Sequence,
		"id", d.ID, "source", d.Source, "type", d.Type, "subject", d.Subject, "attempt", d.Attempt, "error", cause)
	if p.options.DeadLetter == nil {
		return nil
	}
	if err := p.options.DeadLetter(ctx, d, cause); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	return nil
}

// withHeartbeats runs f while the stream gets heartbeats, so that no other process gets the message.
// The context of f ends when they cannot be sent for AckWait, and not with ctx. The error of f is
// errLate then, too.
func (p *partition) withHeartbeats(ctx context.Context, message jetstream.Msg, f func(context.Context) error) error {
	held, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	stopped := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(stopped)
		p.sendHeartbeats(message, done, end)
	}()
	err := f(held)
	close(done)
	<-stopped
	if err != nil && errors.Is(context.Cause(held), errLate) {
		return errors.Join(errLate, err)
	}
	return err
}

// sendHeartbeats sends heartbeats until done is closed. It ends the context of the handler when none
// could be sent for AckWait.
func (p *partition) sendHeartbeats(message jetstream.Msg, done <-chan struct{}, end context.CancelCauseFunc) {
	ticker := time.NewTicker(p.options.AckWait / heartbeats)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}
		now := time.Now()
		if now.Sub(last) > p.options.AckWait {
			end(errLate)
			return
		}
		if p.js.Conn().Status() == nats.CONNECTED && message.InProgress() == nil {
			last = now
		}
	}
}

// settle logs the error of an ack: the message is delivered again then.
func (p *partition) settle(ctx context.Context, err error) {
	if err != nil {
		p.log.WarnContext(ctx, "ack of an event not sent: it is delivered again", "stream", p.options.Stream, "error", err)
	}
}

// backoff returns the delay after a number of failed deliveries: at least half of it is fixed, the
// rest is random.
func (p *partition) backoff(attempts int) time.Duration {
	delay := p.options.MaxBackoff
	if doublings := attempts - 1; doublings < 32 {
		delay = min(delay, p.options.MinBackoff<<max(doublings, 0))
	}
	return delay/2 + rand.N(delay/2+1) //nolint:gosec // it spreads load, and is no secret
}
