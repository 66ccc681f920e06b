package queue

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

const (
	// bucketName is the bucket of the limiter state.
	bucketName = "BONGSU_PACES"
	// bucketStream is the stream that backs the bucket.
	bucketStream = "KV_" + bucketName
	// bucketTTL is the TTL of a value after its last change.
	bucketTTL = 24 * time.Hour
	// bucketTimeout is the timeout of a call to the bucket.
	bucketTimeout = 2 * time.Second
	// bucketCheckInterval is the interval at which a watcher checks for a new generation of
	// the bucket.
	bucketCheckInterval = time.Second
	// probeKey is a key that no limiter uses: deleting it is a write without effect.
	probeKey = "probe"
)

var _ ratelimit.Bucket = (*LimiterBucket)(nil)

// A LimiterBucket stores the limiter state that all senders share. It is as disposable as
// the queue. Revisions restart with each generation of the bucket, which every process
// detects within a second.
type LimiterBucket struct {
	queue   *Queue
	opened  atomic.Pointer[jetstream.KeyValue] // nil if it must be opened
	opening *semaphore.Weighted                // held by the one goroutine that opens it
	probing *semaphore.Weighted                // held by deleteIfStuck: one probe at a time

	watchedGeneration time.Time // generation of the bucket that the last watcher reported
}

// LimiterBucket returns the limiter bucket of the queue's broker.
func (q *Queue) LimiterBucket() *LimiterBucket {
	return &LimiterBucket{queue: q, opening: semaphore.NewWeighted(1), probing: semaphore.NewWeighted(1)}
}

// open returns the bucket. It creates a missing one, and replaces one whose files the
// broker has lost.
func (b *LimiterBucket) open(ctx context.Context) (jetstream.KeyValue, error) {
	if kv := b.opened.Load(); kv != nil {
		return *kv, nil
	}
	if err := b.opening.Acquire(ctx, 1); err != nil {
		return nil, fault.Unavailablef("wait for limiter bucket: %w", err)
	}
	defer b.opening.Release(1)
	if kv := b.opened.Load(); kv != nil {
		return *kv, nil
	}
	kv, err := b.create(ctx)
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok && refused.ErrorCode == streamNotUpdated {
		if err := b.queue.js.DeleteKeyValue(ctx, bucketName); err != nil {
			return nil, fault.Unavailablef("delete broken limiter bucket: %w", err)
		}
		kv, err = b.create(ctx)
	}
	if err != nil {
		return nil, fault.Unavailablef("create limiter bucket: %w", err)
	}
	b.opened.Store(&kv)
	return kv, nil
}

// create opens the bucket. An owner creates a missing one first.
func (b *LimiterBucket) create(ctx context.Context) (jetstream.KeyValue, error) {
	if b.queue.options.Owner {
		if err := b.ensure(ctx); err != nil {
			return nil, err
		}
	}
	return b.queue.js.KeyValue(ctx, bucketName)
}

// ensure creates a missing bucket, or raises its replicas.
func (b *LimiterBucket) ensure(ctx context.Context) error {
	b.queue.mu.Lock()
	defer b.queue.mu.Unlock()
	return retryCreate(ctx, func() error {
		return b.queue.ensureReplicas(ctx, bucketStream, func(replicas int) error {
			_, err := b.queue.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
				Bucket:      bucketName,
				Description: "How fast Bongsu's senders may call. Disposable.",
				TTL:         bucketTTL,
				Storage:     jetstream.FileStorage,
				Replicas:    replicas,
			})
			return err
		})
	})
}

// invalidate makes the next call open the bucket anew.
func (b *LimiterBucket) invalidate() { b.opened.Store(nil) }

// deleteIfStuck deletes the bucket if the broker no longer writes it: a broker whose files
// were deleted keeps serving the bucket, and never acknowledges a write. The owner recreates
// it within a second. deleteIfStuck runs after a failed call, in senders too: only a writer
// notices, and the owner may write nothing. If a slow broker acknowledges another write in
// time, the bucket stays.
func (b *LimiterBucket) deleteIfStuck(ctx context.Context) {
	if !b.probing.TryAcquire(1) {
		return
	}
	defer b.probing.Release(1)
	created, err := b.createTime(ctx)
	if err != nil || !b.isStuck(ctx) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	if now, err := b.createTime(ctx); err != nil || !now.Equal(created) {
		return // another process has replaced it
	}
	b.queue.options.Log.Warn("limiter state cannot be written, recreating its bucket; check whether the files of the queue were deleted")
	if err := b.queue.js.DeleteKeyValue(ctx, bucketName); err != nil {
		b.queue.options.Log.Warn("delete of limiter bucket failed", "error", err)
	}
}

// isStuck reports whether a write times out while the broker is connected.
func (b *LimiterBucket) isStuck(ctx context.Context) bool {
	probeCtx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	kv, err := b.queue.js.KeyValue(probeCtx, bucketName)
	if err != nil {
		return false
	}
	err = kv.Delete(probeCtx, probeKey)
	return errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && b.queue.conn.IsConnected()
}

// Load implements ratelimit.Bucket.
func (b *LimiterBucket) Load(ctx context.Context, key string) ([]byte, uint64, error) {
	callCtx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	kv, err := b.open(callCtx)
	if err != nil {
		return nil, 0, err
	}
	entry, err := kv.Get(callCtx, key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return nil, 0, nil
	case err != nil:
		b.invalidate()
		b.deleteIfStuck(ctx)
		return nil, 0, fault.Unavailablef("read limiter bucket: %w", err)
	}
	return entry.Value(), entry.Revision(), nil
}

// Swap implements ratelimit.Bucket: it returns ratelimit.ErrConflict if the revision has
// changed or the bucket has vanished.
func (b *LimiterBucket) Swap(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	callCtx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	kv, err := b.open(callCtx)
	if err != nil {
		return 0, err
	}
	next, err := kv.Update(callCtx, key, value, revision)
	switch {
	case errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		return 0, fmt.Errorf("%s: %w", key, ratelimit.ErrConflict)
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		b.invalidate() // the next call recreates it
		return 0, fmt.Errorf("%s: limiter bucket vanished: %w", key, ratelimit.ErrConflict)
	case err != nil:
		b.invalidate()
		b.deleteIfStuck(ctx)
		return 0, fault.Unavailablef("write limiter bucket: %w", err)
	}
	return next, nil
}

// Watch implements ratelimit.Bucket. It returns when the bucket has a new generation, or when
// the subscription ends: the next Watch reports all keys again. One watcher at a time.
func (b *LimiterBucket) Watch(ctx context.Context, began func(), changed func(string, []byte, uint64), complete func()) error {
	openCtx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	kv, err := b.open(openCtx)
	if err != nil {
		return err
	}
	created, err := b.createTime(ctx)
	if err != nil {
		b.invalidate()
		return err
	}
	watcher, err := kv.WatchAll(ctx)
	if err != nil {
		b.invalidate()
		b.deleteIfStuck(ctx)
		return fault.Unavailablef("watch limiter bucket: %w", err)
	}
	defer watcher.Stop() //nolint:errcheck // it may have ended
	if !b.watchedGeneration.Equal(created) {
		began()
		b.watchedGeneration = created
	}
	ticker := time.NewTicker(bucketCheckInterval)
	defer ticker.Stop()
	for {
		select {
		case entry, open := <-watcher.Updates():
			switch {
			case !open:
				return nil
			case entry == nil: // the initial values are complete
				complete()
			case entry.Operation() == jetstream.KeyValuePut:
				changed(entry.Key(), entry.Value(), entry.Revision())
			default:
				changed(entry.Key(), nil, entry.Revision())
			}
		case <-ticker.C:
			now, err := b.createTime(ctx)
			if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && !now.Equal(created) {
				b.invalidate()
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// createTime returns the creation time of the bucket, which identifies its generation.
func (b *LimiterBucket) createTime(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	stream, err := b.queue.js.Stream(ctx, bucketStream)
	if err != nil {
		return time.Time{}, fmt.Errorf("get limiter bucket: %w", err)
	}
	return stream.CachedInfo().Created, nil
}
