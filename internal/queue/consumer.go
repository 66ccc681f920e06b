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
	// consumerNotUnique is the broker's error code for a second consumer of the same
	// subject: JSConsumerWQConsumerNotUniqueErr.
	consumerNotUnique jetstream.ErrorCode = 10100
	// consumerNotCreated is the broker's error code for a consumer that it cannot create,
	// with the reason in the description: JSConsumerCreateErrF.
	consumerNotCreated jetstream.ErrorCode = 10012
	// errTextNoFile ends that description if the files of the stream were deleted: it is the
	// text of ENOENT.
	errTextNoFile = "no such file or directory"
)

// consumer returns the durable consumer of a rank, which all senders share. If the broker
// serves a stream whose files were deleted, consumer deletes the stream: it is recreated,
// and the alert service detects the new generation and re-enqueues the lost jobs.
func (l *Lanes) consumer(ctx context.Context, rank job.Rank) (jetstream.Consumer, error) {
	stream, err := l.queue.stream(ctx)
	if err != nil {
		return nil, err
	}
	consumer, err := l.consumerOf(ctx, stream, rank)
	refused, ok := errors.AsType[*jetstream.APIError](err)
	if !ok || refused.ErrorCode != consumerNotCreated || !strings.HasSuffix(refused.Description, errTextNoFile) {
		return consumer, err
	}
	l.log.Warn("files of the queue were deleted, recreating its stream", "messenger", l.messenger, "rank", rank.String(), "error", err)
	if err := l.queue.recreate(ctx, stream.CachedInfo().Created); err != nil {
		return nil, err
	}
	if stream, err = l.queue.stream(ctx); err != nil {
		return nil, err
	}
	return l.consumerOf(ctx, stream, rank)
}

// consumerOf returns the consumer of a rank in one generation of the stream, with the
// generation in its name. After a power cut the broker's folder may hold the position of a
// consumer whose stream is lost; a new consumer of the same name would resume there and
// skip as many jobs of the new stream.
func (l *Lanes) consumerOf(ctx context.Context, stream jetstream.Stream, rank job.Rank) (jetstream.Consumer, error) {
	prefix := l.messenger + "-" + rank.String()
	name := prefix + "-" + strconv.FormatInt(stream.CachedInfo().Created.UnixNano(), 36)
	open := func() (jetstream.Consumer, error) {
		return stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable:       name,
			FilterSubject: subject(l.messenger, rank),
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       l.queue.options.AckWait,
			MaxAckPending: 10_000,
		})
	}
	consumer, err := open()
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok && refused.ErrorCode == consumerNotUnique {
		if err := deleteStaleConsumers(ctx, stream, prefix, name); err != nil {
			return nil, err
		}
		consumer, err = open()
	}
	if err != nil {
		return nil, fmt.Errorf("create consumer: %w", err)
	}
	return consumer, nil
}

// deleteStaleConsumers deletes the consumers of a rank with another name: those of senders
// that opened the stream at the moment of its recreation.
func deleteStaleConsumers(ctx context.Context, stream jetstream.Stream, prefix, name string) error {
	names := stream.ConsumerNames(ctx)
	for other := range names.Name() {
		if other != name && (other == prefix || strings.HasPrefix(other, prefix+"-")) {
			if err := stream.DeleteConsumer(ctx, other); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				return fmt.Errorf("delete consumer of an older stream: %w", err)
			}
		}
	}
	if err := names.Err(); err != nil {
		return fmt.Errorf("list consumers: %w", err)
	}
	return nil
}
