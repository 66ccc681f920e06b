package eventstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	bucketName      = "BONGSU_EVENT_LEASES"
	memberPrefix    = "member."
	partitionPrefix = "partition."
)

// leases are the leases of partitions, in a bucket whose keys expire. They spread the
// partitions over the processes; the order of events does not depend on them.
type leases struct {
	bucket   jetstream.KeyValue
	instance string
}

// openLeases opens the bucket, and creates it if it is missing.
func (s *Stream) openLeases(ctx context.Context) (*leases, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	bucket, err := s.js.KeyValue(ctx, bucketName)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket:      bucketName,
			Description: "Which process handles which partition of the events of Bongsu.",
			TTL:         s.options.Lease,
			Storage:     jetstream.FileStorage,
			Replicas:    max(s.options.Replicas, 1),
		})
		if errors.Is(err, jetstream.ErrBucketExists) {
			bucket, err = s.js.KeyValue(ctx, bucketName)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the leases of event partitions: %w", err)
	}
	return &leases{bucket: bucket, instance: s.options.Instance}, nil
}

// join renews the membership of this process, and returns the number of processes.
func (l *leases) join(ctx context.Context) (int, error) {
	if _, err := l.bucket.PutString(ctx, memberPrefix+l.instance, ""); err != nil {
		return 0, err
	}
	lister, err := l.bucket.ListKeysFiltered(ctx, memberPrefix+">")
	if err != nil {
		return 0, err
	}
	members := 0
	for range lister.Keys() {
		members++
	}
	return max(members, 1), ctx.Err()
}

// leave ends the membership of this process.
func (l *leases) leave(ctx context.Context) error {
	return l.bucket.Delete(ctx, memberPrefix+l.instance)
}

// A lease is a partition that this process handles.
type lease struct {
	number   int
	revision uint64
	renewed  time.Time // before the request
}

func (l lease) key() string { return partitionPrefix + strconv.Itoa(l.number) }

// take takes a partition, and reports whether it is free. One that this process has had
// before it was restarted is.
func (l *leases) take(ctx context.Context, number int) (lease, bool, error) {
	taken := lease{number: number, renewed: time.Now()}
	var err error
	taken.revision, err = l.bucket.Create(ctx, taken.key(), []byte(l.instance))
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return taken, err == nil, err
	}
	entry, err := l.bucket.Get(ctx, taken.key())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return lease{}, false, nil // it expires just now
	}
	if err != nil || string(entry.Value()) != l.instance {
		return lease{}, false, err
	}
	taken.revision = entry.Revision()
	err = l.renew(ctx, &taken)
	return taken, err == nil, err
}

// renew renews a lease. It returns jetstream.ErrKeyRevisionMismatch if the lease is lost.
func (l *leases) renew(ctx context.Context, held *lease) error {
	now := time.Now()
	revision, err := l.bucket.Update(ctx, held.key(), []byte(l.instance), held.revision)
	if err != nil {
		return err
	}
	held.revision, held.renewed = revision, now
	return nil
}

// release ends a lease, so that another process can take the partition at once.
func (l *leases) release(ctx context.Context, held lease) error {
	return l.bucket.Delete(ctx, held.key(), jetstream.LastRevision(held.revision))
}
