package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/internal/job"
)

// consumerNotUnique is the broker's code for a second consumer of the same jobs:
// JSConsumerWQConsumerNotUniqueErr.
const consumerNotUnique jetstream.ErrorCode = 10100

// consumer gives the durable consumer of a rank, shared by all senders. It bears the
// life of the stream in its name: after a power cut the broker's folder may still say
// how far a consumer had come whose stream it does not know any more, and one of the
// same name would take that up and pass over as many jobs of the new stream.
func (l *Lanes) consumer(ctx context.Context, rank job.Rank) (jetstream.Consumer, error) {
	stream, err := l.stream(ctx)
	if err != nil {
		return nil, err
	}
	of := l.messenger + "-" + rank.String()
	name := of + "-" + strconv.FormatInt(stream.CachedInfo().Created.UnixNano(), 36)
	open := func() (jetstream.Consumer, error) {
		return stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable:       name,
			FilterSubject: subject(l.messenger, rank),
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       l.queue.hold,
			MaxAckPending: 10_000,
		})
	}
	consumer, err := open()
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok && refused.ErrorCode == consumerNotUnique {
		if err := dropOthers(ctx, stream, of, name); err != nil {
			return nil, err
		}
		consumer, err = open()
	}
	if err != nil {
		return nil, fmt.Errorf("make a consumer: %w", err)
	}
	return consumer, nil
}

// stream gives the stream, and makes it where there is none.
func (l *Lanes) stream(ctx context.Context) (jetstream.Stream, error) {
	stream, err := l.queue.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err := l.queue.makeStream(ctx); err != nil {
			return nil, err
		}
		stream, err = l.queue.js.Stream(ctx, streamName)
	}
	if err != nil {
		return nil, fmt.Errorf("look at the queue's stream: %w", err)
	}
	return stream, nil
}

// dropOthers deletes the consumers of a rank that do not bear name: those of senders
// that opened the stream in the moment in which it was made again.
func dropOthers(ctx context.Context, stream jetstream.Stream, of, name string) error {
	names := stream.ConsumerNames(ctx)
	for other := range names.Name() {
		if other != name && (other == of || strings.HasPrefix(other, of+"-")) {
			if err := stream.DeleteConsumer(ctx, other); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				return fmt.Errorf("delete a consumer of another life of the stream: %w", err)
			}
		}
	}
	if err := names.Err(); err != nil {
		return fmt.Errorf("list the consumers: %w", err)
	}
	return nil
}
