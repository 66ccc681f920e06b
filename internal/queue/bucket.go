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

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/pace"
)

const (
	// bucketName is the bucket of the limiter state.
	bucketName = "BONGSU_PACES"
	// bucketStream is the stream that backs the bucket.
	bucketStream = "KV_" + bucketName
	// bucketLife is the TTL of a value after its last change.
	bucketLife = 24 * time.Hour
	// bucketTimeout is the timeout of a call to the bucket.
	bucketTimeout = 2 * time.Second
	// bucketLook is the interval at which a watcher checks for a new generation of the
	// bucket.
	bucketLook = time.Second
	// bucketProbe is a key that no limiter uses: deleting it is a write without effect.
	bucketProbe = "probe"
)

var _ pace.Bucket = (*Bucket)(nil)

// A Bucket stores the limiter state that all senders share. It is as disposable as the
// queue. Revisions restart with each generation of the bucket, which every process
// detects within a second.
type Bucket struct {
	queue   *Queue
	opened  atomic.Pointer[jetstream.KeyValue] // nil if it must be opened
	opening *semaphore.Weighted                // held by the one goroutine that opens it
	mending *semaphore.Weighted                // held by mend: one probe at a time

	told time.Time // generation of the bucket that the last watcher reported
}

// Bucket returns the limiter bucket of the queue's broker.
func (q *Queue) Bucket() *Bucket {
	return &Bucket{queue: q, opening: semaphore.NewWeighted(1), mending: semaphore.NewWeighted(1)}
}

// open returns the bucket. It creates a missing one, and replaces one whose files the
// broker has lost.
func (b *Bucket) open(ctx context.Context) (jetstream.KeyValue, error) {
	if kv := b.opened.Load(); kv != nil {
		return *kv, nil
	}
	if err := b.opening.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("wait for limiter bucket: %w: %w", err, fault.ErrUnavailable)
	}
	defer b.opening.Release(1)
	if kv := b.opened.Load(); kv != nil {
		return *kv, nil
	}
	kv, err := b.make(ctx)
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok && refused.ErrorCode == streamNotUpdated {
		if err := b.queue.js.DeleteKeyValue(ctx, bucketName); err != nil {
			return nil, fmt.Errorf("delete broken limiter bucket: %w: %w", err, fault.ErrUnavailable)
		}
		kv, err = b.make(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("create limiter bucket: %w: %w", err, fault.ErrUnavailable)
	}
	b.opened.Store(&kv)
	return kv, nil
}

// make opens the bucket. An owner creates a missing one first.
func (b *Bucket) make(ctx context.Context) (jetstream.KeyValue, error) {
	if b.queue.options.Owner {
		if err := b.keep(ctx); err != nil {
			return nil, err
		}
	}
	return b.queue.js.KeyValue(ctx, bucketName)
}

func (b *Bucket) keep(ctx context.Context) error {
	b.queue.mu.Lock()
	defer b.queue.mu.Unlock()
	return store(ctx, func() error {
		return b.queue.keep(ctx, bucketStream, func(replicas int) error {
			_, err := b.queue.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
				Bucket:      bucketName,
				Description: "How fast Bongsu's senders may call. Disposable.",
				TTL:         bucketLife,
				Storage:     jetstream.FileStorage,
				Replicas:    replicas,
			})
			return err
		})
	})
}

// reopen makes the next call open the bucket anew.
func (b *Bucket) reopen() { b.opened.Store(nil) }

// mend deletes the bucket if the broker no longer writes it: a broker whose files were
// deleted keeps serving the bucket, and never acknowledges a write. The owner recreates
// it within a second. mend runs after a failed call, in senders too: only a writer
// notices, and the owner may write nothing. If a slow broker acknowledges another write
// in time, mend leaves the bucket alone.
func (b *Bucket) mend(ctx context.Context) {
	if !b.mending.TryAcquire(1) {
		return
	}
	defer b.mending.Release(1)
	life, err := b.life(ctx)
	if err != nil || !b.stuck(ctx) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	if now, err := b.life(ctx); err != nil || !now.Equal(life) {
		return // another process has replaced it
	}
	b.queue.options.Log.Warn("limiter state cannot be written, recreating its bucket; check whether the files of the queue were deleted")
	if err := b.queue.js.DeleteKeyValue(ctx, bucketName); err != nil {
		b.queue.options.Log.Warn("delete of limiter bucket failed", "error", err)
	}
}

// stuck reports whether a write times out while the broker is connected.
func (b *Bucket) stuck(ctx context.Context) bool {
	probing, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	kv, err := b.queue.js.KeyValue(probing, bucketName)
	if err != nil {
		return false
	}
	err = kv.Delete(probing, bucketProbe)
	return errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && b.queue.conn.IsConnected()
}

// Load implements pace.Bucket.
func (b *Bucket) Load(ctx context.Context, key string) ([]byte, uint64, error) {
	asking, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	kv, err := b.open(asking)
	if err != nil {
		return nil, 0, err
	}
	entry, err := kv.Get(asking, key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return nil, 0, nil
	case err != nil:
		b.reopen()
		b.mend(ctx)
		return nil, 0, fmt.Errorf("read limiter bucket: %w: %w", err, fault.ErrUnavailable)
	}
	return entry.Value(), entry.Revision(), nil
}

// Swap implements pace.Bucket: it returns pace.ErrConflict if the revision has changed or
// the bucket has vanished.
func (b *Bucket) Swap(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	asking, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	kv, err := b.open(asking)
	if err != nil {
		return 0, err
	}
	next, err := kv.Update(asking, key, value, revision)
	switch {
	case errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		return 0, fmt.Errorf("%s: %w", key, pace.ErrConflict)
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		b.reopen() // the next call recreates it
		return 0, fmt.Errorf("%s: limiter bucket vanished: %w", key, pace.ErrConflict)
	case err != nil:
		b.reopen()
		b.mend(ctx)
		return 0, fmt.Errorf("write limiter bucket: %w: %w", err, fault.ErrUnavailable)
	}
	return next, nil
}

// Watch implements pace.Bucket. It returns when the bucket has a new generation, or when
// the subscription ends: the next Watch reports all keys again. One watcher at a time.
func (b *Bucket) Watch(ctx context.Context, began func(), changed func(string, []byte, uint64), complete func()) error {
	opening, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	kv, err := b.open(opening)
	if err != nil {
		return err
	}
	life, err := b.life(ctx)
	if err != nil {
		b.reopen()
		return err
	}
	watcher, err := kv.WatchAll(ctx)
	if err != nil {
		b.reopen()
		b.mend(ctx)
		return fmt.Errorf("watch limiter bucket: %w: %w", err, fault.ErrUnavailable)
	}
	defer watcher.Stop() //nolint:errcheck // it may have ended
	if !b.told.Equal(life) {
		began()
		b.told = life
	}
	ticker := time.NewTicker(bucketLook)
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
			now, err := b.life(ctx)
			if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && !now.Equal(life) {
				b.reopen()
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// life returns the creation time of the bucket, which identifies its generation.
func (b *Bucket) life(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	stream, err := b.queue.js.Stream(ctx, bucketStream)
	if err != nil {
		return time.Time{}, fmt.Errorf("get limiter bucket: %w", err)
	}
	return stream.CachedInfo().Created, nil
}
