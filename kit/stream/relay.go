package stream

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// RelayOptions are the settings of a relay. A zero value means the default.
type RelayOptions struct {
	// ConsumerOptions are those of its consumer. By default its DeadLetter drops events that the
	// publisher refuses as invalid, which are logged.
	ConsumerOptions
	// MaxAge is the age above which events are skipped, by default 24 h: after a longer outage
	// nobody wants to be notified of them. It must not exceed the duplicate window of the stream to
	// which the publisher publishes, or an event may be in it twice after an outage.
	MaxAge time.Duration
	// Now is the clock, by default time.Now.
	Now func() time.Time
}

// NewRelay returns a consumer that publishes the events of a stream by another publisher, such as
// those of a program's own stream to that of another system. So the program depends only on its own
// stream: its outbox and its other consumers go on while the other system is down, or was never
// there, and the relay publishes later what is not older than MaxAge.
//
// Each event is published once, and those of one subject in their order: an event whose ack was lost
// is published again, and dropped by the publisher. Several processes may run it.
func NewRelay(js jetstream.JetStream, to Publisher, options RelayOptions) (*Consumer, error) {
	setDefault(&options.MaxAge, 24*time.Hour)
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.DeadLetter == nil {
		options.DeadLetter = func(context.Context, Delivery, error) error { return nil } // the consumer logs it
	}
	r := &relay{to: to, maxAge: options.MaxAge, now: options.Now}
	c, err := NewConsumer(js, r.handle, options.ConsumerOptions)
	if err != nil {
		return nil, err
	}
	r.Consumer = c
	return c, nil
}

// A relay publishes events.
type relay struct {
	*Consumer
	to      Publisher
	maxAge  time.Duration
	now     func() time.Time
	skipped atomic.Int64 // events since the last one that was published
}

// handle publishes an event, unless it is too old.
func (r *relay) handle(ctx context.Context, d Delivery) error {
	if !d.Time.IsZero() && r.now().Sub(d.Time) > r.maxAge {
		if r.skipped.Add(1) == 1 {
			r.options.Log.WarnContext(ctx, "events too old to be relayed are skipped", "stream", r.options.Stream, "sequence", d.Sequence, "time", d.Time, "max_age", r.maxAge)
		}
		return nil
	}
	if err := r.publish(ctx, d.Event); err != nil {
		return err
	}
	if skipped := r.skipped.Swap(0); skipped > 0 {
		r.options.Log.InfoContext(ctx, "events are relayed again", "stream", r.options.Stream, "sequence", d.Sequence, "skipped", skipped)
	}
	return nil
}

// publish publishes one event.
func (r *relay) publish(ctx context.Context, e Event) error {
	results, err := r.to.Publish(ctx, []Event{e})
	switch {
	case err != nil:
		return fmt.Errorf("relay: %w", err)
	case len(results) != 1:
		return fmt.Errorf("relay: the publisher returned %d results for 1 event", len(results))
	}
	return results[0]
}
