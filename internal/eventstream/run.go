package eventstream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// minBackoff and maxBackoff bound the wait before a partition is opened again.
	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
	// releaseTimeout bounds the release of the leases of a process that stops.
	releaseTimeout = 2 * time.Second
)

// A Handle handles the messages of a partition until ctx ends, or until Next fails, and
// returns the error of Next.
type Handle func(ctx context.Context, p *Partition) error

// Run handles the partitions of this process by handle, until ctx ends: all of them if no
// other process runs, otherwise its share. The partitions of a process that dies are taken
// over after the lease. It returns nil once every handle has returned.
func (s *Stream) Run(ctx context.Context, handle Handle) error {
	r := &runner{stream: s, handle: handle, held: map[int]*tenure{}, ended: make(chan struct{}, 1)}
	ticker := time.NewTicker(s.options.Lease / 4)
	defer ticker.Stop()
	for ctx.Err() == nil {
		r.note(r.balance(ctx))
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-r.ended:
		}
	}
	r.stop(ctx)
	return nil
}

// A runner has the partitions of this process.
type runner struct {
	stream *Stream
	handle Handle
	leases *leases
	held   map[int]*tenure
	ended  chan struct{} // gets a value when a tenure ends
	outage bool          // the last balance failed
}

// A tenure is the time in which this process handles a partition.
type tenure struct {
	lease lease
	stop  context.CancelFunc
	done  chan struct{}
}

// note logs the first failure to balance, and the recovery.
func (r *runner) note(err error) {
	switch {
	case err != nil && !r.outage:
		r.stream.options.Log.Warn("event partitions cannot be renewed, retrying; check the NATS server", "error", err)
	case err == nil && r.outage:
		r.stream.options.Log.Info("event partitions are renewed again")
	}
	r.outage = err != nil
}

// balance renews the leases of this process, gives back those above its share, and takes free
// ones up to it.
func (r *runner) balance(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.stream.options.Lease/4)
	defer cancel()
	defer r.expire()
	r.reap(ctx)
	if r.leases == nil {
		if err := r.stream.Ready(ctx); err != nil {
			return err
		}
		var err error
		if r.leases, err = r.stream.openLeases(ctx); err != nil {
			return err
		}
	}
	for _, t := range r.held {
		if err := r.leases.renew(ctx, &t.lease); errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
			t.stop() // lost
		} else if err != nil {
			r.leases = nil // the bucket may be gone
			return err
		}
	}
	members, err := r.leases.join(ctx)
	if err != nil {
		return err
	}
	share := (Partitions + members - 1) / members
	for n := Partitions - 1; n >= 0 && len(r.held) > share; n-- {
		if t := r.held[n]; t != nil {
			t.stop()
			return nil // the next one when this one has ended
		}
	}
	for n := 0; n < Partitions && len(r.held) < share; n++ {
		if r.held[n] != nil {
			continue
		}
		taken, free, err := r.leases.take(ctx, n)
		if err != nil {
			return err
		}
		if free {
			r.start(ctx, taken)
		}
	}
	return nil
}

// reap forgets the tenures that have ended, and releases their leases.
func (r *runner) reap(ctx context.Context) {
	for n, t := range r.held {
		select {
		case <-t.done:
			if r.leases != nil {
				_ = r.leases.release(ctx, t.lease) // otherwise it expires
			}
			delete(r.held, n)
		default:
		}
	}
}

// expire stops the tenures whose lease may have expired.
func (r *runner) expire() {
	for _, t := range r.held {
		if time.Since(t.lease.renewed) > r.stream.options.Lease*3/4 {
			t.stop()
		}
	}
}

// start begins to handle a partition.
func (r *runner) start(ctx context.Context, l lease) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // ended by stop
	t := &tenure{lease: l, stop: stop, done: make(chan struct{})}
	r.held[l.number] = t
	go func() {
		defer func() {
			stop()
			close(t.done)
			select {
			case r.ended <- struct{}{}:
			default: // others have ended too
			}
		}()
		r.stream.handlePartition(ctx, l.number, r.handle)
	}()
}

// stop ends all tenures, and gives back their leases.
func (r *runner) stop(ctx context.Context) {
	for _, t := range r.held {
		t.stop()
	}
	for _, t := range r.held {
		<-t.done
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	r.reap(ctx)
	if r.leases != nil {
		_ = r.leases.leave(ctx) // otherwise it expires
	}
}

// handlePartition handles a partition until ctx ends, and opens it again when reading fails.
func (s *Stream) handlePartition(ctx context.Context, number int, handle Handle) {
	backoff, failed := minBackoff, false
	for ctx.Err() == nil {
		began := time.Now()
		err := s.handleOnce(ctx, number, handle)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > maxBackoff {
			backoff, failed = minBackoff, false
		}
		switch {
		case errors.Is(err, errGap):
			s.options.Log.Info("event partition is read again from its last handled event", "partition", number)
		case !failed:
			failed = true
			s.options.Log.Warn("event partition cannot be read, retrying; check the NATS server", "partition", number, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

func (s *Stream) handleOnce(ctx context.Context, number int, handle Handle) error {
	if err := s.Ready(ctx); err != nil {
		return err
	}
	p, err := s.open(ctx, number)
	if err != nil {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			s.missing()
		}
		return err
	}
	defer p.close()
	return handle(ctx, p)
}
