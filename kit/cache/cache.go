// Package cache keeps the results of reads in memory until they expire or a change makes
// them stale, and keeps the caches of several processes coherent (Peers).
//
// A read names its key and its tags, and a change the tags that it makes stale. A result
// that was loaded before a change is never returned after Invalidate, also if its load ends
// later: each tag has a generation, and a result is valid only under the generations that it
// was loaded under.
package cache

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	// entryBytes is the overhead of an entry beside its key and value.
	entryBytes = 256
	// maxShare is the part of the cache that one entry may fill: larger ones are not stored.
	maxShare = 8
)

// Options are the options of a cache.
type Options[V any] struct {
	MaxBytes int64            // at least 1; the keys, the values and an overhead for each
	Size     func(V) int      // returns the bytes that a value holds; required
	Now      func() time.Time // the clock; default time.Now
	// Fresh reports whether all changes of other processes that ended before this moment
	// are known here. While it returns false, the cache returns and stores nothing. nil means
	// that there are no other processes. It is called for every read.
	Fresh func() bool
}

// A Cache stores values by key for a time, until a change of one of their tags. It is safe
// for concurrent use.
type Cache[V any] struct {
	options Options[V]
	start   time.Time
	entries *otter.Cache[string, *entry[V]]
	cleared atomic.Uint64 // number of calls of Clear

	tagMu sync.Mutex
	tags  map[string]*Tag // by name

	flightMu sync.Mutex
	flights  map[flightKey]*flight[V]
}

// A Tag is a name under which entries become stale.
type Tag struct {
	generation atomic.Uint64
	heldUntil  atomic.Int64 // since the cache's start; until then no entry is stored or returned
}

// An entry is a stored value.
type entry[V any] struct {
	value   V
	stamp   uint64        // of its tags, before the load began
	loaded  time.Duration // when the load began, since the cache's start
	expires time.Duration
}

// New returns an empty cache.
func New[V any](options Options[V]) (*Cache[V], error) {
	if options.MaxBytes < 1 {
		return nil, fmt.Errorf("cache of %d bytes: must be at least 1", options.MaxBytes)
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Fresh == nil {
		options.Fresh = func() bool { return true }
	}
	c := &Cache[V]{options: options, start: options.Now(), tags: map[string]*Tag{}, flights: map[flightKey]*flight[V]{}}
	entries, err := otter.New(&otter.Options[string, *entry[V]]{
		MaximumWeight: uint64(options.MaxBytes),
		Weigher:       func(key string, e *entry[V]) uint32 { return uint32(min(c.size(key, e.value), math.MaxUint32)) },
	})
	if err != nil {
		return nil, fmt.Errorf("create cache: %w", err)
	}
	c.entries = entries
	return c, nil
}

// Tag returns the tag with a name. Tags are never removed: names must be few.
func (c *Cache[V]) Tag(name string) *Tag {
	c.tagMu.Lock()
	defer c.tagMu.Unlock()
	t, ok := c.tags[name]
	if !ok {
		t = &Tag{}
		c.tags[name] = t
	}
	return t
}

// A Query is a read through the cache.
type Query[V any] struct {
	Key  string // names the result; two reads with one key return the same
	Tags []*Tag // of this cache
	TTL  time.Duration
	// Load reads the value. It is called in the goroutine of the read, and its context is
	// that of the read. The value must not be changed after Load returned it.
	Load func(context.Context) (V, error)
}

// An Outcome is how a read got its value.
type Outcome int

// The outcomes.
const (
	Miss   Outcome = iota // loaded, and stored if nothing changed meanwhile
	Hit                   // from the cache
	Shared                // loaded by a concurrent read of the same key
	Bypass                // loaded and not stored: the cache is not fresh, or a tag is held
)

// String returns the name in metrics.
func (o Outcome) String() string { return [...]string{"miss", "hit", "shared", "bypass"}[o] }

// A Result is the result of a read.
type Result[V any] struct {
	Value   V
	Outcome Outcome
	Age     time.Duration // since the load of a Hit began; otherwise 0
}

// Get returns the value of q from the cache or by its Load. It is never older than a change
// whose Invalidate returned before Get was called. An error of Load is returned as it is,
// and is never stored or shared.
func (c *Cache[V]) Get(ctx context.Context, q Query[V]) (Result[V], error) {
	// In this order: a change of another process that is known to a fresh cache is in the
	// stamp, and a hold is set before the stamp changes.
	fresh := c.options.Fresh()
	stamp := c.stamp(q.Tags)
	now := c.now()
	if !fresh || held(q.Tags, now) {
		value, err := q.Load(ctx)
		return Result[V]{Value: value, Outcome: Bypass}, err
	}
	if e, ok := c.entries.GetIfPresent(q.Key); ok && e.stamp == stamp && now < e.expires {
		return Result[V]{Value: e.value, Outcome: Hit, Age: now - e.loaded}, nil
	}
	f, isFirst := c.join(flightKey{q.Key, stamp})
	if isFirst {
		return c.lead(ctx, q, f, &entry[V]{stamp: stamp, loaded: now, expires: now + q.TTL})
	}
	select {
	case <-f.done:
		if f.ok {
			return Result[V]{Value: f.value, Outcome: Shared}, nil
		}
		value, err := q.Load(ctx) // the other's error may be of its own context
		return Result[V]{Value: value, Outcome: Miss}, err
	case <-ctx.Done():
		return Result[V]{}, ctx.Err()
	}
}

// lead loads the value of q, stores it as e, and gives it to the reads that share f.
func (c *Cache[V]) lead(ctx context.Context, q Query[V], f *flight[V], e *entry[V]) (Result[V], error) {
	defer c.land(flightKey{q.Key, e.stamp}, f) // after a panic of Load, too
	value, err := q.Load(ctx)
	if err != nil {
		return Result[V]{}, err
	}
	f.value, f.ok = value, true
	e.value = value
	if c.size(q.Key, value) <= c.options.MaxBytes/maxShare && c.stamp(q.Tags) == e.stamp {
		c.entries.Set(q.Key, e)
	}
	return Result[V]{Value: value, Outcome: Miss}, nil
}

// Invalidate makes the entries with any of the tags stale, those too whose load has begun.
// If hold is above 0, no entry with them is stored or returned for so long: for a change
// that may be executed later.
func (c *Cache[V]) Invalidate(hold time.Duration, names ...string) {
	for _, name := range names {
		t := c.Tag(name)
		if hold > 0 {
			t.holdUntil(c.now() + hold)
		}
		t.generation.Add(1)
	}
}

// Clear makes all entries stale, those too whose load has begun.
func (c *Cache[V]) Clear() {
	c.cleared.Add(1)
	c.entries.InvalidateAll()
}

// Len returns the number of entries, stale ones among them.
func (c *Cache[V]) Len() int { return c.entries.EstimatedSize() }

// Bytes returns the bytes that the entries hold.
func (c *Cache[V]) Bytes() int64 { return int64(c.entries.WeightedSize()) }

// stamp returns a number that grows with each change of one of the tags.
func (c *Cache[V]) stamp(tags []*Tag) uint64 {
	sum := c.cleared.Load()
	for _, t := range tags {
		sum += t.generation.Load()
	}
	return sum
}

// held reports whether a tag is held.
func held(tags []*Tag, now time.Duration) bool {
	for _, t := range tags {
		if int64(now) < t.heldUntil.Load() {
			return true
		}
	}
	return false
}

// holdUntil holds the tag until a time, or longer if it is held for longer.
func (t *Tag) holdUntil(end time.Duration) {
	for {
		old := t.heldUntil.Load()
		if int64(end) <= old || t.heldUntil.CompareAndSwap(old, int64(end)) {
			return
		}
	}
}

// now returns the time since the cache's start.
func (c *Cache[V]) now() time.Duration { return c.options.Now().Sub(c.start) }

// size returns the bytes of an entry.
func (c *Cache[V]) size(key string, value V) int64 {
	return entryBytes + int64(len(key)) + int64(c.options.Size(value))
}
