package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/internal/fault"
)

const (
	// streamNotUpdated is the broker's code for a stream that it has and could not
	// write down: JSStreamUpdateErrF.
	streamNotUpdated jetstream.ErrorCode = 10069
	// streamNotStored is the broker's code for a stream whose folder it cannot make,
	// for one: because it still deletes what was there. JSStreamStoreFailedF.
	streamNotStored jetstream.ErrorCode = 10049
	// replicasNotSupported is the broker's code for replicas outside a cluster:
	// JSStreamReplicasNotSupportedErr.
	replicasNotSupported jetstream.ErrorCode = 10074
	// deleteTimeout bounds the wait for the broker to delete what was there.
	deleteTimeout = 2 * time.Second
)

// errNotOwner says why a process does not make a stream that is missing.
var errNotOwner = fmt.Errorf("it is missing, and the alert service makes it: %w", fault.ErrUnavailable)

// makeStream makes the stream where there is none, or where the broker cannot even
// write down what it is. One that is there is as it should be then.
func (q *Queue) makeStream(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	err := q.writeStream(ctx)
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok && refused.ErrorCode == streamNotUpdated {
		err = q.replace(ctx)
	}
	if err != nil {
		return fmt.Errorf("make the queue's stream: %w: %w", err, fault.ErrUnavailable)
	}
	q.made.Store(true)
	return nil
}

// makeVanished makes the stream where there is none any more. One that another has made
// meanwhile is left alone: it may be in use already.
func (q *Queue) makeVanished(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, err := q.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = q.writeStream(ctx)
	}
	if err != nil {
		return fmt.Errorf("make the queue's stream again: %w: %w", err, fault.ErrUnavailable)
	}
	return nil
}

// renew makes the stream anew that is broken, where it is still in the same life: so
// many may ask, and what was put into the next is not deleted by those who come late.
func (q *Queue) renew(ctx context.Context, life time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	stream, err := q.js.Stream(ctx, streamName)
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("look at the queue's stream, which is broken: %w: %w", err, fault.ErrUnavailable)
	}
	if err == nil && !stream.CachedInfo().Created.Equal(life) {
		return nil
	}
	return q.replace(ctx)
}

// replace deletes the stream where there is one, and makes it. Who is not the owner only
// deletes it: the owner makes it within a second. mu must be held.
func (q *Queue) replace(ctx context.Context) error {
	if err := q.js.DeleteStream(ctx, streamName); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("delete the queue's stream, which is broken: %w: %w", err, fault.ErrUnavailable)
	}
	if err := q.writeStream(ctx); err != nil {
		return fmt.Errorf("make the queue's stream: %w: %w", err, fault.ErrUnavailable)
	}
	return nil
}

// writeStream makes the stream, or writes down again what it is.
func (q *Queue) writeStream(ctx context.Context) error {
	return store(ctx, func() error { return q.createStream(ctx) })
}

// store makes a stream, and tries again for a while where the broker still deletes what
// was there before: it does so after it has said that it has.
func store(ctx context.Context, create func() error) error {
	err := create()
	for start, wait := time.Now(), time.Millisecond; time.Since(start) < deleteTimeout; wait *= 2 {
		refused, ok := errors.AsType[*jetstream.APIError](err)
		if !ok || refused.ErrorCode != streamNotStored {
			return err
		}
		pause(ctx, wait)
		err = create()
	}
	return err
}

func (q *Queue) createStream(ctx context.Context) error {
	return q.keep(ctx, streamName, func(replicas int) error {
		_, err := q.js.CreateStream(ctx, jetstream.StreamConfig{
			Name:        streamName,
			Description: "Jobs for the senders of Bongsu. Disposable: the ledger is the truth.",
			Subjects:    []string{subjects},
			Retention:   jetstream.WorkQueuePolicy,
			Storage:     jetstream.FileStorage,
			Replicas:    replicas,
			// The window only saves memory: no job bears an id to be compared.
			Duplicates: time.Second,
		})
		return err
	})
}

// keep makes a stream by create, or brings the one that is there up to the replicas that
// the owner wants. It never makes them fewer, also where the stream vanished: it is made
// with as many as were seen of it. mu must be held.
func (q *Queue) keep(ctx context.Context, name string, create func(replicas int) error) error {
	if !q.options.Owner {
		return fmt.Errorf("stream %s: %w", name, errNotOwner)
	}
	there, err := q.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		replicas := max(q.options.Replicas, q.seen[name], 1)
		err = create(replicas)
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) && !errors.Is(err, jetstream.ErrBucketExists) {
			if err == nil {
				q.seen[name] = replicas
			}
			return err
		}
		there, err = q.js.Stream(ctx, name) // another alert service was faster
	}
	if err != nil {
		return err
	}
	config := there.CachedInfo().Config
	q.compare(name, config.Replicas)
	config.Replicas = max(q.options.Replicas, config.Replicas)
	// Where nothing changes it still is written down again: so a broker says that it
	// has lost the files.
	_, err = q.js.UpdateStream(ctx, config)
	return err
}

// compare takes note of how many replicas a stream has, and logs where the owner wants
// another number. mu must be held.
func (q *Queue) compare(name string, replicas int) {
	want := q.options.Replicas
	switch log := q.options.Log; {
	case q.seen[name] == replicas || want == 0 || want == replicas: // it was logged, or is as it should be
	case want < replicas:
		log.Warn("queue stream keeps its replicas, which are more than --replicas; `nats stream edit` makes them fewer", "stream", name, "replicas", replicas, "wanted", want)
	default:
		log.Warn("queue stream gets more replicas", "stream", name, "replicas", replicas, "wanted", want)
	}
	q.seen[name] = max(q.seen[name], replicas)
}

// stream returns the stream. An owner makes it where there is none, and as it should be
// where the broker was away when the queue was opened.
func (q *Queue) stream(ctx context.Context) (jetstream.Stream, error) {
	if q.options.Owner && !q.made.Load() {
		if err := q.makeStream(ctx); err != nil {
			return nil, err
		}
	}
	stream, err := q.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err := q.makeVanished(ctx); err != nil {
			return nil, err
		}
		stream, err = q.js.Stream(ctx, streamName)
	}
	if err != nil {
		return nil, fmt.Errorf("look at the queue's stream: %w: %w", err, fault.ErrUnavailable)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.seen[streamName] = max(q.seen[streamName], stream.CachedInfo().Config.Replicas) // an operator may have made it more
	return stream, nil
}
