package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// replayWait is how long Replay waits for a message before it looks whether one is left.
const replayWait = 5 * time.Second

// Replay passes the events of a stream to a handler, from the first one to the last one at the time
// of the call, in their order, such as to rebuild a view. It changes no consumer. filter selects
// NATS subjects; without one, it is all. It returns the sequence of the last message, 0 without
// one, and ends at the first error of the handler. Messages that are no events are left out.
//
// Consumers that go on meanwhile may handle an event before Replay does: the view compares
// Delivery.Sequence, or they are stopped.
func Replay(ctx context.Context, js jetstream.JetStream, name string, handle Handler, filter ...string) (last uint64, err error) {
	consumer, err := js.OrderedConsumer(ctx, name, jetstream.OrderedConsumerConfig{FilterSubjects: filter})
	if err != nil {
		return 0, fmt.Errorf("replay %s: %w", name, err)
	}
	existing, err := js.Stream(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("replay %s: %w", name, err)
	}
	end := existing.CachedInfo().State.LastSeq
	messages, err := consumer.Messages()
	if err != nil {
		return 0, fmt.Errorf("replay %s: %w", name, err)
	}
	defer messages.Stop()
	for left := consumer.CachedInfo().NumPending; left > 0; {
		message, err := nextWithin(ctx, messages)
		switch {
		case ctx.Err() != nil:
			return last, context.Cause(ctx)
		case errors.Is(err, context.DeadlineExceeded): // the last ones may have been deleted meanwhile
			info, err := consumer.Info(ctx)
			if err != nil {
				return last, fmt.Errorf("replay %s: %w", name, err)
			}
			left = info.NumPending
			continue
		case err != nil:
			return last, fmt.Errorf("replay %s: %w", name, err)
		}
		meta, err := message.Metadata()
		if err != nil {
			return last, fmt.Errorf("replay %s: %w", name, err)
		}
		if meta.Sequence.Stream > end {
			return last, nil
		}
		left, last = meta.NumPending, meta.Sequence.Stream
		if left > 0 && last == end {
			left = 0
		}
		d, malformed := newDelivery(message)
		if malformed != nil {
			continue
		}
		d.Attempt = 0
		if err := handle(ctx, d); err != nil {
			return last, err
		}
	}
	return last, nil
}

// nextWithin returns the next message, or context.DeadlineExceeded after replayWait.
func nextWithin(ctx context.Context, messages jetstream.MessagesContext) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, replayWait)
	defer cancel()
	return messages.Next(jetstream.NextContext(ctx))
}
