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

const (
	// consumerNotUnique is the broker's code for a second consumer of the same jobs:
	// JSConsumerWQConsumerNotUniqueErr.
	consumerNotUnique jetstream.ErrorCode = 10100
	// consumerNotCreated is the broker's code for a consumer that it cannot have for a
	// reason which it gives in words: JSConsumerCreateErrF.
	consumerNotCreated jetstream.ErrorCode = 10012
	// noFile is in its words where the files of the stream are gone: those of ENOENT.
	noFile = "no such file or directory"
)

// consumer gives the durable consumer of a rank, shared by all senders. Where the
// broker serves a stream whose files are gone, the stream is made anew: the alert
// service sees that, and puts again what is lost.
func (l *Lanes) consumer(ctx context.Context, rank job.Rank) (jetstream.Consumer, error) {
	stream, err := l.queue.stream(ctx)
	if err != nil {
		return nil, err
	}
	consumer, err := l.consumerOf(ctx, stream, rank)
	refused, ok := errors.AsType[*jetstream.APIError](err)
	if !ok || refused.ErrorCode != consumerNotCreated || !strings.HasSuffix(refused.Description, noFile) {
		return consumer, err
	}
	l.log.Warn("the files of the queue are gone, beginning it anew", "messenger", l.messenger, "rank", rank.String(), "error", err)
	if err := l.queue.renew(ctx, stream.CachedInfo().Created); err != nil {
		return nil, err
	}
	if stream, err = l.queue.stream(ctx); err != nil {
		return nil, err
	}
	return l.consumerOf(ctx, stream, rank)
}

// consumerOf gives the consumer of a rank in one life of the stream, which it bears in
// its name: after a power cut the broker's folder may still say how far a consumer had
// come whose stream it does not know any more, and one of the same name would take that
// up and pass over as many jobs of the new stream.
func (l *Lanes) consumerOf(ctx context.Context, stream jetstream.Stream, rank job.Rank) (jetstream.Consumer, error) {
	of := l.messenger + "-" + rank.String()
	name := of + "-" + strconv.FormatInt(stream.CachedInfo().Created.UnixNano(), 36)
	open := func() (jetstream.Consumer, error) {
		return stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable:       name,
			FilterSubject: subject(l.messenger, rank),
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       l.queue.options.Hold,
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
