package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// A Handler handles an event. nil means that it is handled. An error means that it is delivered
// again, after a delay; one that matches fault.ErrInvalid means that it can never be handled (see
// ConsumerOptions.DeadLetter).
//
// An event is delivered again, too, if its process is killed before the stream has the ack, so a
// handler notes the event in its transaction: see Processed. ctx ends when another process may get
// the event, because this one cannot reach the stream; an error is right then.
type Handler func(ctx context.Context, d Delivery) error

// ConsumerOptions are the settings of a Consumer. A zero value means the default.
type ConsumerOptions struct {
	// Stream is the name of the stream; required.
	Stream string
	// Name is the name of the consumer, the same in all processes that share its events; required.
	// The stream keeps its position as long as the consumer exists.
	Name string
	// Filter selects NATS subjects of the stream, such as events.order.>; by default all.
	Filter []string
	// OnlyNew begins with the first event after the creation of the consumer, by default with the
	// first one of the stream.
	OnlyNew bool
	// Partitions is the number of events that are handled at the same time, by default 4. Events of
	// one subject are in one partition. It must not be changed: another number makes another
	// consumer, which begins anew. 1 handles all events of the stream in their order.
	Partitions int
	// AckWait is the time after which the events of a process that was killed are delivered to
	// another one, by default 10 s. A handler may take longer.
	AckWait time.Duration
	// MinBackoff and MaxBackoff bound the delay before an event is delivered again after a failure,
	// by default 100 ms and 30 s. It is doubled with each failure.
	MinBackoff, MaxBackoff time.Duration
	// MaxAttempts is the number of failed deliveries after which an event is a dead letter, by
	// default 0: it is delivered until it is handled, and holds up its partition.
	MaxAttempts int
	// DeadLetter gets each dead letter: an event that has failed MaxAttempts times, or at once if
	// the error matches fault.ErrInvalid, and a message that is no event. cause is the last error.
	// After nil the event is not delivered again, and the next one of its subject is. An error is
	// like one of the handler. By default dead letters are only logged, and fault.ErrInvalid is
	// like any other error.
	DeadLetter func(ctx context.Context, d Delivery, cause error) error
	// Log gets failures and dead letters, by default slog.Default().
	Log *slog.Logger
}

// A Consumer passes the events of a stream to a handler, in order, and keeps its position in the
// stream. Several processes with the same consumer share the events:
//
//   - Each event is delivered until the handler has handled it, or it is a dead letter. A process
//     that is killed loses none. An event takes effect once if the handler uses Processed.
//   - The events of one subject are handled in the order of the stream, one after the other, by
//     whatever process: the next one is delivered after the ack of the one before. A failed event
//     is retried before the later ones of its subject. Events without a subject have no order.
//
// How: the events are partitioned by a hash of their subject. Each partition is a durable consumer
// of JetStream with at most one event that is not acked (MaxAckPending 1), for all processes
// together. It reads the whole stream, and skips the events of other partitions. So order does not
// depend on leases or clocks. An event that fails holds up its partition, not only its subject.
//
// A process that was suspended, or has lost its connection, for longer than AckWait may still
// handle an event while another process handles it again. Processed refuses the second of both.
type Consumer struct {
	js      jetstream.JetStream
	handle  Handler
	options ConsumerOptions
}

// consumerPattern matches names of consumers.
var consumerPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// maxPartitions is the maximum number of partitions.
const maxPartitions = 64

// NewConsumer returns a consumer. Run starts it.
func NewConsumer(js jetstream.JetStream, handle Handler, options ConsumerOptions) (*Consumer, error) {
	setDefault(&options.Partitions, 4)
	setDefault(&options.AckWait, 10*time.Second)
	setDefault(&options.MinBackoff, 100*time.Millisecond)
	setDefault(&options.MaxBackoff, 30*time.Second)
	if options.Log == nil {
		options.Log = slog.Default()
	}
	switch {
	case options.Stream == "":
		return nil, errors.New("a consumer needs the name of a stream")
	case !consumerPattern.MatchString(options.Name):
		return nil, fmt.Errorf("invalid name %q of a consumer: use up to 64 characters of A-Z, a-z, 0-9, - and _", options.Name)
	case options.Partitions < 1 || options.Partitions > maxPartitions:
		return nil, fmt.Errorf("%d partitions of a consumer: use 1 to %d", options.Partitions, maxPartitions)
	case options.AckWait < minAckWait:
		return nil, fmt.Errorf("ack wait %s of a consumer: use at least %s", options.AckWait, minAckWait)
	}
	options.Log = options.Log.With("consumer", options.Name)
	return &Consumer{js: js, handle: handle, options: options}, nil
}

// Run passes events to the handler until ctx ends, and returns nil then: after the handlers that
// run have returned. The context of these does not end with ctx, so that a handler can complete
// its event. While the stream is missing or unreachable, Run tries again; the first failure and the
// recovery are logged.
func (c *Consumer) Run(ctx context.Context) error {
	var all errgroup.Group
	for number := range c.options.Partitions {
		all.Go(func() error {
			newPartition(c, number).run(ctx)
			return nil
		})
	}
	return all.Wait()
}

// Backlog returns the number of messages of the stream that are not handled yet: those after the
// last ack of the slowest partition. 0 means that all events are handled.
func (c *Consumer) Backlog(ctx context.Context) (uint64, error) {
	var most uint64
	for number := range c.options.Partitions {
		consumer, err := c.js.Consumer(ctx, c.options.Stream, c.durable(number))
		if errors.Is(err, jetstream.ErrConsumerNotFound) { // no process has run it
			consumer, err = c.js.CreateOrUpdateConsumer(ctx, c.options.Stream, c.config(number))
		}
		if err != nil {
			return 0, fmt.Errorf("consumer %s: %w", c.options.Name, err)
		}
		info := consumer.CachedInfo()
		most = max(most, info.NumPending+uint64(max(info.NumAckPending, 0)))
	}
	return most, nil
}

// Delete deletes the consumer and its position in the stream. No process may run it.
func (c *Consumer) Delete(ctx context.Context) error {
	for number := range c.options.Partitions {
		err := c.js.DeleteConsumer(ctx, c.options.Stream, c.durable(number))
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("delete consumer %s: %w", c.options.Name, err)
		}
	}
	return nil
}

// durable returns the name of the durable consumer of a partition.
func (c *Consumer) durable(number int) string {
	if c.options.Partitions == 1 {
		return c.options.Name
	}
	return c.options.Name + "_" + strconv.Itoa(number) + "_of_" + strconv.Itoa(c.options.Partitions)
}

// config returns the configuration of the durable consumer of a partition.
func (c *Consumer) config(number int) jetstream.ConsumerConfig {
	config := jetstream.ConsumerConfig{
		Durable:        c.durable(number),
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		FilterSubjects: c.options.Filter,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        c.options.AckWait,
		MaxDeliver:     -1,
		MaxAckPending:  1, // the order depends on it
	}
	if c.options.OnlyNew {
		config.DeliverPolicy = jetstream.DeliverNewPolicy
	}
	return config
}
