// Package lease divides keys among processes, so that at each time at most one process owns a
// key. The keys are in 64 shards, whose owners are in a key-value bucket of NATS.
//
// A process is a member with a record that it renews every 2 s, by the revision of the record. It
// owns shards for 6 s after it began its last successful renewal. Another process that has seen
// no renewal for 8 s deletes the record, by its revision, and only then takes the shards. The
// 2 s between are for the work that the former owner has begun. No times of different machines are
// compared; their clocks only have to run at about the same speed.
package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// renewInterval is the time between two renewals, and retryInterval that after a failed one.
	renewInterval, retryInterval = 2 * time.Second, 250 * time.Millisecond
	// ownTime is how long a member owns its shards after the begin of a successful renewal.
	ownTime = 6 * time.Second
	// goneTime is how long a member must have seen no renewal of another one before it takes its
	// shards.
	goneTime = 8 * time.Second
	// drainTime is the time between the end of the ownership of a shard and its handover to
	// another member that is alive.
	drainTime = 1500 * time.Millisecond
	// stepInterval is the time between two checks for due work.
	stepInterval = 250 * time.Millisecond
	// callTimeout is the timeout of a call to the bucket.
	callTimeout = time.Second
)

// Options are the options of Shards.
type Options struct {
	// Replicas is the number of replicas of the bucket if this process creates it; 0 means 1.
	Replicas int
	Log      *slog.Logger // must be set
}

// Shards are the keys that this process owns. They are safe for concurrent use.
type Shards struct {
	js      jetstream.JetStream
	bucket  string
	member  string
	options Options

	mu      sync.RWMutex
	owned   [shardCount]bool
	members int
	until   time.Time   // owned holds until then
	timer   *time.Timer // calls lapse at until
	lapsed  bool        // lapse was called since the last renewal
	changed chan struct{}
}

// NewShards returns the shards of a bucket of the broker behind conn, which may be unreachable.
// member is the name of the process for people. This process owns nothing until Run runs. The
// caller closes conn after Run has returned.
func NewShards(conn *nats.Conn, bucket, member string, options Options) (*Shards, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open leases: %w", err)
	}
	return &Shards{js: js, bucket: bucket, member: member, options: options, lapsed: true, changed: make(chan struct{})}, nil
}

// Owns reports whether this process owns a key now. What it does with the key must end within
// 1.5 s after it owns it no more.
func (s *Shards) Owns(key string) bool {
	shard := shardOf(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.owned[shard] && time.Now().Before(s.until)
}

// Changed returns a channel that is closed at the next change of the owned keys.
func (s *Shards) Changed() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed
}

// Share returns the number of shards that this process owns, of how many, and the number of
// members that it knows, itself among them.
func (s *Shards) Share() (owned, of, members int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if time.Now().Before(s.until) {
		for _, own := range s.owned {
			if own {
				owned++
			}
		}
	}
	return owned, shardCount, s.members
}

// Run takes part until ctx ends. It then frees the shards at once: their users must have
// ended before. It must run once.
func (s *Shards) Run(ctx context.Context) error {
	failing := false
	for ctx.Err() == nil {
		err := s.join(ctx, func() {
			if failing {
				s.options.Log.Info("leases work again")
			}
			failing = false
		})
		s.publish([shardCount]bool{}, 0)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errExpelled):
			s.options.Log.Warn("another process has taken over the leases of this one, joining again")
			continue
		case !failing:
			s.options.Log.Warn("leases cannot be taken, retrying; check the NATS server and its JetStream", "error", err)
			failing = true
		}
		select {
		case <-time.After(retryInterval):
		case <-ctx.Done():
		}
	}
	return nil
}

// join becomes a member, calls joined, and takes part until ctx ends or the membership does.
func (s *Shards) join(ctx context.Context, joined func()) error {
	kv, err := s.open(ctx)
	if err != nil {
		return err
	}
	m, err := newMembership(ctx, s, kv)
	if err != nil {
		return err
	}
	joined()
	return m.run(ctx)
}

// open returns the bucket. It creates a missing one.
func (s *Shards) open(ctx context.Context) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	kv, err := s.js.KeyValue(ctx, s.bucket)
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return kv, err
	}
	kv, err = s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:      s.bucket,
		Description: "Which process owns which shard. Disposable.",
		Storage:     jetstream.FileStorage,
		Replicas:    max(s.options.Replicas, 1),
	})
	if errors.Is(err, jetstream.ErrBucketExists) { // another process has created it meanwhile
		return s.js.KeyValue(ctx, s.bucket)
	}
	return kv, err
}

// publish sets which shards this process owns while its lease holds.
func (s *Shards) publish(owned [shardCount]bool, members int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members = members
	if s.owned != owned {
		s.owned = owned
		s.notify()
	}
}

// renewed extends the time for which this process owns its shards.
func (s *Shards) renewed(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = until
	if s.timer == nil {
		s.timer = time.AfterFunc(time.Until(until), s.lapse)
	} else {
		s.timer.Reset(time.Until(until))
	}
	if s.lapsed {
		s.lapsed = false
		s.notify()
	}
}

// valid reports whether this process owns its shards now.
func (s *Shards) valid() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return time.Now().Before(s.until)
}

// lapse publishes the end of the time for which this process owns its shards.
func (s *Shards) lapse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := time.Until(s.until); left > 0 { // it was extended meanwhile
		s.timer.Reset(left)
		return
	}
	s.lapsed = true
	s.notify()
}

// release ends the ownership of all shards.
func (s *Shards) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = time.Time{}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.lapsed = true
	s.owned = [shardCount]bool{}
	s.notify()
}

// notify closes the channel of Changed. mu must be held.
func (s *Shards) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}
