package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// streamNotUpdated is the broker's error code for an existing stream that it cannot
	// write to disk: JSStreamUpdateErrF.
	streamNotUpdated jetstream.ErrorCode = 10069
	// streamNotStored is the broker's error code for a stream whose folder it cannot
	// create, for example while it still deletes the old one: JSStreamStoreFailedF.
	streamNotStored jetstream.ErrorCode = 10049
	// replicasNotSupported is the broker's error code for replicas outside of a cluster:
	// JSStreamReplicasNotSupportedErr.
	replicasNotSupported jetstream.ErrorCode = 10074
	// deleteTimeout bounds the wait for the broker to delete an old stream.
	deleteTimeout = 2 * time.Second
)

// errStreamMissing is the error of a process that may not create a missing stream.
var errStreamMissing = fault.Unavailablef("missing until the alert service creates it")

// ensureStream creates a missing stream, updates an existing one, and replaces one that the
// broker cannot write to disk.
func (q *Queue) ensureStream(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	err := q.createOrUpdateStream(ctx)
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok && refused.ErrorCode == streamNotUpdated {
		err = q.replace(ctx)
	}
	if err != nil {
		return fault.Unavailablef("create queue stream: %w", err)
	}
	q.made.Store(true)
	return nil
}

// recreateVanished recreates the stream if it does not exist. It leaves alone a stream that
// another process has created meanwhile: it may be in use.
func (q *Queue) recreateVanished(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, err := q.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = q.createOrUpdateStream(ctx)
	}
	if err != nil {
		return fault.Unavailablef("recreate queue stream: %w", err)
	}
	return nil
}

// recreate replaces a broken stream if its creation time is still created: any number of
// processes may call it, and a late call does not delete the jobs of the next generation.
func (q *Queue) recreate(ctx context.Context, created time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	stream, err := q.js.Stream(ctx, streamName)
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fault.Unavailablef("get broken queue stream: %w", err)
	}
	if err == nil && !stream.CachedInfo().Created.Equal(created) {
		return nil
	}
	return q.replace(ctx)
}

// replace deletes an existing stream and creates it. A process that is not the owner only
// deletes it: the owner creates it within a second. mu must be held.
func (q *Queue) replace(ctx context.Context) error {
	if err := q.js.DeleteStream(ctx, streamName); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fault.Unavailablef("delete broken queue stream: %w", err)
	}
	if err := q.createOrUpdateStream(ctx); err != nil {
		return fault.Unavailablef("create queue stream: %w", err)
	}
	return nil
}

// createOrUpdateStream creates the stream, or makes the broker write an existing one to disk
// again. mu must be held.
func (q *Queue) createOrUpdateStream(ctx context.Context) error {
	return retryCreate(ctx, func() error { return q.createStream(ctx) })
}

// retryCreate creates a stream, and retries for deleteTimeout while the broker still deletes
// the old one: it acknowledges a deletion before it has finished it.
func retryCreate(ctx context.Context, create func() error) error {
	err := create()
	for start, wait := time.Now(), time.Millisecond; time.Since(start) < deleteTimeout; wait *= 2 {
		refused, ok := errors.AsType[*jetstream.APIError](err)
		if !ok || refused.ErrorCode != streamNotStored {
			return err
		}
		sleep(ctx, wait)
		err = create()
	}
	return err
}

// createStream creates the stream with the replicas that ensureReplicas determines. mu must
// be held.
func (q *Queue) createStream(ctx context.Context) error {
	return q.ensureReplicas(ctx, streamName, func(replicas int) error {
		_, err := q.js.CreateStream(ctx, jetstream.StreamConfig{
			Name:        streamName,
			Description: "Jobs for the senders of Bongsu. Disposable: the ledger is the truth.",
			Subjects:    []string{subjects},
			Retention:   jetstream.WorkQueuePolicy,
			Storage:     jetstream.FileStorage,
			Replicas:    replicas,
			// The window only saves memory: jobs have no message id to deduplicate by.
			Duplicates: time.Second,
		})
		return err
	})
}

// ensureReplicas creates a stream by create, or raises the replicas of an existing one to
// those that the owner wants. It never lowers them, not even for a vanished stream, which is
// recreated with the replicas that it was last seen with. mu must be held.
func (q *Queue) ensureReplicas(ctx context.Context, name string, create func(replicas int) error) error {
	if !q.options.Owner {
		return fmt.Errorf("stream %s: %w", name, errStreamMissing)
	}
	existing, err := q.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		replicas := max(q.options.Replicas, q.seen[name], 1)
		err = create(replicas)
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) && !errors.Is(err, jetstream.ErrBucketExists) {
			if err == nil {
				q.seen[name] = replicas
			}
			return err
		}
		existing, err = q.js.Stream(ctx, name) // another alert service has created it
	}
	if err != nil {
		return err
	}
	config := existing.CachedInfo().Config
	q.noteReplicas(name, config.Replicas)
	config.Replicas = max(q.options.Replicas, config.Replicas)
	// An update without changes is sent as well: its error reveals that the broker has lost
	// the files.
	_, err = q.js.UpdateStream(ctx, config)
	return err
}

// noteReplicas records the replicas of a stream, and logs a difference to the owner's. mu
// must be held.
func (q *Queue) noteReplicas(name string, replicas int) {
	want := q.options.Replicas
	switch log := q.options.Log; {
	case q.seen[name] == replicas || want == 0 || want == replicas: // already logged, or no difference
	case want < replicas:
		log.Warn("queue stream keeps its replicas, more than --replicas; reduce them with `nats stream edit`", "stream", name, "replicas", replicas, "wanted", want)
	default:
		log.Warn("raising the replicas of the queue stream", "stream", name, "replicas", replicas, "wanted", want)
	}
	q.seen[name] = max(q.seen[name], replicas)
}

// stream returns the stream. An owner creates a missing one, and updates it once if the
// broker was unreachable when the queue was opened.
func (q *Queue) stream(ctx context.Context) (jetstream.Stream, error) {
	if q.options.Owner && !q.made.Load() {
		if err := q.ensureStream(ctx); err != nil {
			return nil, err
		}
	}
	stream, err := q.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err := q.recreateVanished(ctx); err != nil {
			return nil, err
		}
		stream, err = q.js.Stream(ctx, streamName)
	}
	if err != nil {
		return nil, fault.Unavailablef("get queue stream: %w", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.seen[streamName] = max(q.seen[streamName], stream.CachedInfo().Config.Replicas) // an operator may have raised it
	return stream, nil
}
