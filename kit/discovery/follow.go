package discovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// errIncomplete is the error of a subscription that does not deliver the records in time.
var errIncomplete = errors.New("the NATS server does not deliver the records of the registry")

// A subscription follows one generation of the bucket.
type subscription struct {
	bucket     *Bucket
	watcher    jetstream.KeyWatcher
	stop       func()                             // must be called
	reconnects uint64                             // of the connection, at the begin
	generation time.Time                          // of the bucket
	begin      time.Time                          // by the broker's clock
	initial    map[string]jetstream.KeyValueEntry // the records, until they are complete
	sequence   uint64                             // the last sequence of the bucket at the last check
	checkTime  time.Time                          // of the last check that succeeded
	held       time.Duration                      // for which the bucket has taken no write of this process
}

// follow takes the records of the bucket, calls complete, and then takes its changes, until
// the bucket has a new generation, changes may be missing, or the broker is unreachable.
func (b *Bucket) follow(ctx context.Context, complete func()) error {
	s, err := b.subscribe(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	check := b.options.After(checkInterval)
	for {
		select {
		case entry, open := <-s.watcher.Updates():
			switch {
			case !open:
				return nil
			case entry != nil:
				s.take(entry)
			case s.initial != nil: // the records are complete
				s.complete()
				complete()
				b.writeReports(ctx)
			}
		case <-b.reports.wake:
			b.writeReports(ctx)
		case <-check:
			if current, err := s.check(ctx); err != nil || !current {
				return err
			}
			b.writeReports(ctx)
			check = b.options.After(checkInterval)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *Bucket) writeReports(ctx context.Context) {
	if err := b.reports.write(ctx); err != nil {
		b.options.Log.Debug("report of a failing instance cannot be written, retrying", "error", err)
	}
}

// subscribe opens the bucket and subscribes to its records.
func (b *Bucket) subscribe(ctx context.Context) (*subscription, error) {
	openCtx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	reconnects := b.conn.Stats().Reconnects
	kv, err := b.open(openCtx)
	if err != nil {
		return nil, err
	}
	info, err := b.info(openCtx)
	if err != nil {
		return nil, err
	}
	watcher, stop, err := watchAll(ctx, kv)
	if err != nil {
		b.opened.Store(nil)
		return nil, fmt.Errorf("watch the registry: %w", err)
	}
	b.seen.Store(info.State.LastSeq)
	return &subscription{
		bucket: b, watcher: watcher, stop: stop, reconnects: reconnects,
		generation: info.Created, begin: info.TimeStamp, initial: map[string]jetstream.KeyValueEntry{},
		checkTime: b.options.Now(),
	}, nil
}

// watchAll watches the bucket until ctx ends or stop is called, and has bucketTimeout to begin.
// Stop of the watcher would wait for a broker that is unreachable: stop does not.
func watchAll(ctx context.Context, kv jetstream.KeyValue) (watcher jetstream.KeyWatcher, stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	timeout := time.AfterFunc(bucketTimeout, cancel)
	watcher, err = kv.WatchAll(ctx)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	updates := watcher.Updates()
	stop = func() {
		cancel()
		go func() { // until the subscription has ended, which may have changes to deliver
			for range updates {
			}
		}()
	}
	if !timeout.Stop() {
		stop()
		return nil, nil, context.DeadlineExceeded
	}
	return watcher, stop, nil
}

// info returns the state of the bucket, by its leader.
func (b *Bucket) info(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	if !b.conn.IsConnected() {
		return nil, nats.ErrDisconnected
	}
	stream, err := b.stream(ctx)
	if err != nil {
		b.opened.Store(nil)
		return nil, fmt.Errorf("get the registry: %w", err)
	}
	return stream.CachedInfo(), nil
}

func (s *subscription) take(entry jetstream.KeyValueEntry) {
	if s.initial != nil {
		s.initial[entry.Key()] = entry
	} else {
		s.bucket.table.apply(entry)
	}
	s.bucket.seen.Store(max(s.bucket.seen.Load(), entry.Revision()))
}

func (s *subscription) complete() {
	s.bucket.table.complete(s.generation, s.begin, s.initial)
	s.initial = nil
}

// check makes the records older by the time since the last check, and reports whether the
// subscription still delivers all changes of the bucket. That time does not count unless it
// does, and no more of it than two intervals: then the process may not have run, and changes
// may wait to be taken.
func (s *subscription) check(ctx context.Context) (current bool, err error) {
	if s.initial != nil {
		return false, errIncomplete
	}
	now := s.bucket.options.Now()
	info, err := s.bucket.info(ctx)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return false, nil
	case err != nil:
		return false, err
	case !info.Created.Equal(s.generation), s.bucket.conn.Stats().Reconnects != s.reconnects, s.bucket.seen.Load() < s.sequence:
		return false, nil
	}
	s.elapse(min(now.Sub(s.checkTime), 2*checkInterval))
	s.checkTime, s.sequence = now, info.State.LastSeq
	return true, nil
}

// elapse makes the records older, unless the bucket takes no writes.
func (s *subscription) elapse(duration time.Duration) {
	if s.bucket.unwritten.Load() == 0 {
		s.held = 0
	} else if s.held < maxHold {
		s.held += duration
		s.bucket.table.hold()
		return
	}
	s.bucket.table.elapse(duration)
}
