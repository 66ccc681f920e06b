package discovery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// defaultBucket is the name of a bucket without a name.
	defaultBucket = "INSTANCES"
	// bucketTimeout is the timeout of a call to the bucket.
	bucketTimeout = 2 * time.Second
	// renewInterval is the interval at which a record is written again.
	renewInterval = 3 * time.Second
	// lifetime is how long a record holds that is not renewed. It is below 10 s, within which
	// an instance whose process died is gone, by the time that a watcher takes to notice.
	lifetime = 9 * time.Second
	// checkInterval is the interval at which Run checks the bucket, and retries what failed.
	checkInterval = time.Second
	// holdTime is how long a record holds at least after the bucket took no writes: within it
	// an instance that is alive has written again.
	holdTime = bucketTimeout + 2*checkInterval
	// maxHold limits the time for which records are held because the own one cannot be written.
	maxHold = 30 * time.Second
)

var (
	_ Registry  = (*Bucket)(nil)
	_ Registrar = (*Bucket)(nil)
)

// A Bucket is a registry that processes share by a key-value bucket of NATS. An instance
// writes its own record every 3 s, and a process writes each of its reports to a record of its
// own every 3 s. A record that is not written again is gone within 10 s, by the clock of the
// watcher and not counting time in which the broker was unreachable, or at most 30 s in which it
// took no write of this process: a cluster of brokers that elects a leader takes none of others
// either.
//
// The bucket is disposable, and in the memory of the broker: after a restart of the broker it
// is created anew, and watchers keep the instances that they know until they could have been
// registered again.
type Bucket struct {
	*board
	conn      *nats.Conn
	js        jetstream.JetStream
	options   Options
	opened    atomic.Pointer[jetstream.KeyValue] // nil if it must be opened
	reporter  string                             // of this process
	reports   *reports
	unwritten atomic.Int32  // instances of this process whose last write failed
	table     *recordTable  // of Run
	seen      atomic.Uint64 // the sequence of the last change that Run took
}

// Options are the options of a Bucket.
type Options struct {
	// Bucket is the name of the bucket, the same for all processes; empty means INSTANCES.
	Bucket string
	// Replicas is the least number of replicas of the bucket; 0 means 1. Another process may
	// have created it with more.
	Replicas int
	Now      func() time.Time                     // the clock; nil means time.Now
	After    func(time.Duration) <-chan time.Time // of the same clock; nil means time.After
	Log      *slog.Logger                         // must be set
}

// OpenBucket returns the registry of the broker behind conn, which may be unreachable. The
// caller closes conn after Run and all calls of Register have returned.
func OpenBucket(conn *nats.Conn, options Options) (*Bucket, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open the registry: %w", err)
	}
	if options.Bucket == "" {
		options.Bucket = defaultBucket
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.After == nil {
		options.After = time.After
	}
	b := &Bucket{board: newBoard(), conn: conn, js: js, options: options, reporter: rand.Text()}
	b.reports = newReports(b)
	b.table = newRecordTable(b.board, b.reporter, options.Log)
	return b, nil
}

// ReportFailing implements Registry. It returns nil, and does not wait.
func (b *Bucket) ReportFailing(ctx context.Context, id, reason string) error {
	defer b.reports.wakeUp()
	return b.board.ReportFailing(ctx, id, reason)
}

// ReportServing implements Registry. It returns nil, and does not wait.
func (b *Bucket) ReportServing(ctx context.Context, id string) error {
	defer b.reports.wakeUp()
	return b.board.ReportServing(ctx, id)
}

// open returns the bucket. It creates a missing one, and raises the replicas of one that has
// fewer than this process wants.
func (b *Bucket) open(ctx context.Context) (jetstream.KeyValue, error) {
	if !b.conn.IsConnected() { // do not wait for the timeout
		return nil, nats.ErrDisconnected
	}
	if kv := b.opened.Load(); kv != nil {
		return *kv, nil
	}
	kv, err := b.js.KeyValue(ctx, b.options.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = b.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket:       b.options.Bucket,
			Description:  "The instances of services. Disposable.",
			MaxValueSize: maxRecordSize,
			TTL:          lifetime,
			Storage:      jetstream.MemoryStorage,
			Replicas:     max(b.options.Replicas, 1),
		})
	}
	if errors.Is(err, jetstream.ErrBucketExists) { // another process has created it meanwhile
		kv, err = b.js.KeyValue(ctx, b.options.Bucket)
	}
	if err != nil {
		return nil, err
	}
	if b.options.Replicas > 1 {
		b.raiseReplicas(ctx)
	}
	b.opened.Store(&kv)
	return kv, nil
}

// stream returns the stream that backs the bucket.
func (b *Bucket) stream(ctx context.Context) (jetstream.Stream, error) {
	return b.js.Stream(ctx, "KV_"+b.options.Bucket)
}

// raiseReplicas raises the replicas of the bucket to those that this process wants. A broker
// that cannot have that many keeps those that it has.
func (b *Bucket) raiseReplicas(ctx context.Context) {
	stream, err := b.stream(ctx)
	if err != nil || stream.CachedInfo().Config.Replicas >= b.options.Replicas {
		return
	}
	config := stream.CachedInfo().Config
	config.Replicas = b.options.Replicas
	if _, err := b.js.UpdateStream(ctx, config); err != nil {
		b.options.Log.Warn("registry keeps fewer replicas than wanted; check that the NATS cluster has as many servers", "replicas", b.options.Replicas, "error", err)
	}
}

// write writes a record.
func (b *Bucket) write(ctx context.Context, key string, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	kv, err := b.open(ctx)
	if err != nil {
		return err
	}
	if _, err := kv.Put(ctx, key, value); err != nil {
		b.opened.Store(nil) // it may be lost: the next call creates it anew
		return err
	}
	return nil
}

// erase deletes a record. Without a connection it leaves that to the record's lifetime.
func (b *Bucket) erase(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	kv, err := b.open(ctx)
	if err != nil {
		return err
	}
	return kv.Purge(ctx, key)
}

// Register implements Registrar.
func (b *Bucket) Register(ctx context.Context, instance Instance, states <-chan StateChange) error {
	instance, err := instance.normalized()
	if err != nil {
		return err
	}
	r := registration{bucket: b, instance: instance}
	return r.run(ctx, states)
}

// Run implements Registry.
func (b *Bucket) Run(ctx context.Context) error {
	outage := false
	for ctx.Err() == nil {
		err := b.follow(ctx, func() {
			if outage {
				b.options.Log.Info("registry of instances is reachable again")
			}
			outage = false
		})
		if err != nil && !outage && ctx.Err() == nil {
			b.options.Log.Warn("registry of instances is unreachable, keeping its last instances; check the NATS server and its JetStream", "error", err)
			outage = true
		}
		select {
		case <-b.options.After(checkInterval):
		case <-ctx.Done():
		}
	}
	b.reports.end(ctx)
	return nil
}
