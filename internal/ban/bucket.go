package ban

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// bucketName is the bucket of the bans.
	bucketName = "BONGSU_BANS"
	// bucketStream is the stream that backs the bucket.
	bucketStream = "KV_" + bucketName
	// bucketTimeout is the timeout of a call to the bucket.
	bucketTimeout = 2 * time.Second
	// checkInterval is the interval at which Run checks for a new generation of the bucket,
	// and retries what failed.
	checkInterval = time.Second
)

var _ Bans = (*Bucket)(nil)

// A Bucket shares bans with other processes by a key-value bucket of NATS. Run follows the
// bucket, so that Find answers from memory. A ban that cannot be written holds in this
// process, and is written once it can be.
//
// The bucket is disposable, and in the memory of the broker: a broker that is not in a
// cluster loses the bans when it restarts. Whoever goes on is banned again. Expiry is by the
// clocks of the processes.
type Bucket struct {
	memory  *Memory
	conn    *nats.Conn
	js      jetstream.JetStream
	options Options
	synced  atomic.Bool   // memory holds the bans of the bucket
	wake    chan struct{} // a ban is pending

	writing sync.Mutex // held during a write to the bucket

	mu      sync.Mutex
	pending map[netip.Prefix]Ban    // not in the bucket yet
	lifted  map[netip.Prefix]uint64 // the revision of a ban that this process lifted, until Run sees its end
}

// Options are the options of a Bucket.
type Options struct {
	// Replicas is the number of replicas of the bucket if this process creates it; 0 means 1.
	Replicas int
	Now      func() time.Time // the clock; must be set
	Log      *slog.Logger     // must be set
}

// NewBucket returns the bucket of the broker behind conn, which may be unreachable. The caller
// closes conn after Run has returned.
func NewBucket(conn *nats.Conn, options Options) (*Bucket, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open the bans: %w", err)
	}
	return &Bucket{
		memory: NewMemory(options.Now), conn: conn, js: js, options: options,
		wake: make(chan struct{}, 1), pending: map[netip.Prefix]Ban{}, lifted: map[netip.Prefix]uint64{},
	}, nil
}

// Find implements Bans.
func (b *Bucket) Find(addr netip.Addr) (Ban, bool) { return b.memory.Find(addr) }

// Len returns the number of bans that have not expired.
func (b *Bucket) Len() int { return b.memory.Len() }

// Add implements Bans. Run writes the ban to the bucket.
func (b *Bucket) Add(addr netip.Addr, duration time.Duration) (Ban, bool) {
	added, ok := b.memory.Add(addr, duration)
	if !ok {
		return added, false
	}
	b.mu.Lock()
	if len(b.pending) < maxBans { // otherwise it holds in this process only
		b.pending[added.Address] = added
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return added, true
}

// List implements Bans.
func (b *Bucket) List(ctx context.Context) ([]Ban, error) {
	if !b.synced.Load() || !b.conn.IsConnected() {
		return nil, fault.Unavailablef("bans are unknown while the NATS server is unreachable; try again")
	}
	return b.memory.List(ctx)
}

// Lift implements Bans.
func (b *Bucket) Lift(ctx context.Context, addr netip.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	network := NetworkOf(addr)
	if !network.IsValid() {
		return errNotBanned(addr)
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	shared, err := b.purge(ctx, network)
	if err != nil {
		return fault.Unavailablef("lift ban: %w; check the NATS server and try again", err)
	}
	b.mu.Lock()
	delete(b.pending, network)
	b.mu.Unlock()
	if !b.memory.remove(network) && !shared {
		return errNotBanned(addr)
	}
	return nil
}

// purge removes a ban from the bucket, and reports whether the bucket held one. writing must
// be held.
func (b *Bucket) purge(ctx context.Context, network netip.Prefix) (held bool, err error) {
	kv, err := b.open(ctx)
	if err != nil {
		return false, err
	}
	found, err := kv.Get(ctx, keyOf(network))
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	b.mu.Lock()
	b.lifted[network] = found.Revision()
	b.mu.Unlock()
	if err := kv.Purge(ctx, keyOf(network)); err != nil {
		return false, err
	}
	banned, ok := b.bannedBy(found)
	return ok && banned.Address == network, nil
}

// Run follows the bucket until ctx ends. It must run once.
func (b *Bucket) Run(ctx context.Context) error {
	ticker := time.NewTicker(checkInterval)
	defer ticker.Stop()
	outage := false
	for ctx.Err() == nil {
		err := b.follow(ctx, ticker.C, func() {
			if outage {
				b.options.Log.Info("bans are shared again")
			}
			outage = false
		})
		if err != nil && !outage && ctx.Err() == nil {
			b.options.Log.Warn("bans are not shared with other edges now, retrying; check the NATS server and its JetStream", "error", err)
			outage = true
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// follow opens the bucket, takes its bans, calls complete, and then takes its changes, until
// the bucket has a new generation or an error ends the subscription.
func (b *Bucket) follow(ctx context.Context, tick <-chan time.Time, complete func()) error {
	openCtx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	kv, err := b.open(openCtx)
	if err != nil {
		return err
	}
	created, err := b.createTime(ctx)
	if err != nil {
		return err
	}
	watcher, err := kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch bans: %w", err)
	}
	defer watcher.Stop() //nolint:errcheck // it may have ended
	bans := map[netip.Prefix]Ban{}
	for {
		select {
		case entry, open := <-watcher.Updates():
			switch {
			case !open:
				return nil
			case entry == nil: // the bans of the bucket are complete
				b.complete(bans)
				bans = nil
				complete()
				b.write(ctx, kv)
			case bans != nil:
				b.collect(bans, entry)
			default:
				b.apply(entry)
			}
		case <-b.wake:
			b.write(ctx, kv)
		case <-tick:
			b.write(ctx, kv)
			now, err := b.createTime(ctx)
			if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && !now.Equal(created) {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// open returns the bucket. It creates a missing one.
func (b *Bucket) open(ctx context.Context) (jetstream.KeyValue, error) {
	kv, err := b.js.KeyValue(ctx, bucketName)
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return kv, err
	}
	kv, err = b.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:      bucketName,
		Description: "Addresses that Bongsu's edges refuse. Disposable.",
		TTL:         MaxDuration,
		Storage:     jetstream.MemoryStorage,
		Replicas:    max(b.options.Replicas, 1),
	})
	if errors.Is(err, jetstream.ErrBucketExists) { // another edge has created it meanwhile
		return b.js.KeyValue(ctx, bucketName)
	}
	return kv, err
}

// createTime returns the creation time of the bucket, which identifies its generation.
func (b *Bucket) createTime(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, bucketStream)
	if err != nil {
		return time.Time{}, fmt.Errorf("get bucket of bans: %w", err)
	}
	return stream.CachedInfo().Created, nil
}

// collect adds a change to the bans of a bucket that are not complete yet.
func (b *Bucket) collect(bans map[netip.Prefix]Ban, change jetstream.KeyValueEntry) {
	if banned, ok := b.bannedBy(change); ok && len(bans) < maxBans {
		bans[banned.Address] = banned
		return
	}
	delete(bans, networkOfKey(change.Key()))
}

// complete replaces the bans in memory by those of the bucket and the pending ones.
func (b *Bucket) complete(bans map[netip.Prefix]Ban) {
	b.mu.Lock()
	for network, pending := range b.pending {
		bans[network] = pending
	}
	b.lifted = map[netip.Prefix]uint64{}
	b.mu.Unlock()
	b.memory.replace(bans)
	b.synced.Store(true)
}

// apply applies a change to memory.
func (b *Bucket) apply(change jetstream.KeyValueEntry) {
	network := networkOfKey(change.Key())
	banned, ok := b.bannedBy(change)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch lifted := b.lifted[network]; {
	case !ok:
		delete(b.lifted, network)
		if _, pending := b.pending[network]; !pending {
			b.memory.remove(network)
		}
	case change.Revision() > lifted: // an earlier one is lifted here already
		b.memory.put(banned)
	}
}

// bannedBy returns the ban that a change adds, and reports whether it adds one that has not
// expired.
func (b *Bucket) bannedBy(change jetstream.KeyValueEntry) (Ban, bool) {
	if change.Operation() != jetstream.KeyValuePut {
		return Ban{}, false
	}
	banned, err := decodeEntry(change.Value())
	if err != nil {
		b.options.Log.Warn("malformed ban in the bucket, ignoring it", "key", change.Key(), "error", err)
		return Ban{}, false
	}
	return banned, banned.ExpireTime.After(b.options.Now())
}

// write writes the pending bans. Those that fail stay pending.
func (b *Bucket) write(ctx context.Context, kv jetstream.KeyValue) {
	for _, banned := range b.unwritten() {
		if err := b.writeBan(ctx, kv, banned); err != nil {
			b.options.Log.Debug("write of a ban failed, retrying", "error", err)
			return
		}
	}
}

// writeBan writes a ban, unless it was lifted or replaced meanwhile.
func (b *Bucket) writeBan(ctx context.Context, kv jetstream.KeyValue, banned Ban) error {
	ctx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	value, err := encodeEntry(banned)
	if err != nil {
		return err
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	if !b.isPending(banned) {
		return nil
	}
	if _, err := kv.Put(ctx, keyOf(banned.Address), value); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pending[banned.Address] == banned {
		delete(b.pending, banned.Address)
	}
	return nil
}

func (b *Bucket) isPending(banned Ban) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pending[banned.Address] == banned
}

// unwritten returns the pending bans, and drops the expired ones.
func (b *Bucket) unwritten() []Ban {
	now := b.options.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	var bans []Ban
	for network, banned := range b.pending {
		if !banned.ExpireTime.After(now) {
			delete(b.pending, network)
			continue
		}
		bans = append(bans, banned)
	}
	return bans
}
