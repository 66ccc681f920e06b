package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/job"
)

const (
	// streamName is the stream of all jobs.
	streamName = "BONGSU_JOBS"
	// subjects are send.<messenger>.<rank>.
	subjects = "send.>"
	// putTimeout bounds the wait for the broker to say that it has a job.
	putTimeout = 3 * time.Second
	// probeTimeout bounds the wait for a stream that may be broken.
	probeTimeout = time.Second
)

// A Queue puts jobs and takes them. It is safe for concurrent use.
type Queue struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	options Options
	files   func() bool // whether the stream's files are there; nil where they cannot be looked at
	lanes   *outage     // of the lanes
	made    atomic.Bool // an owner has made the stream, or found it

	mu   sync.Mutex     // held while a stream is made
	seen map[string]int // the most replicas that were seen of a stream, by its name; under mu
}

// Options say how a process uses the queue.
type Options struct {
	// Owner is set for the alert service: it makes the stream and the bucket where they
	// are missing, and decides on how many servers they are kept. Other processes open
	// what there is, wait for what is missing, and change nothing, but that they delete
	// what the broker can no longer write.
	Owner bool
	// Replicas is on how many servers of a cluster an owner keeps what it makes, and what
	// is kept on fewer. It never makes them fewer. 0 leaves what there is as it is, and
	// means 1 for what it makes.
	Replicas int
	// Hold is how long a job is in one hand before it is given to another; what is claimed
	// already is not sent twice by that.
	Hold time.Duration
	Log  *slog.Logger // must be set
}

// Open returns the queue that the broker behind conn keeps. A broker that is away does
// not keep it from opening: the queue is there when the broker is. Close ends it.
func Open(ctx context.Context, conn *nats.Conn, options Options) (*Queue, error) {
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(4096), jetstream.WithPublishAsyncTimeout(putTimeout))
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	q := &Queue{conn: conn, js: js, options: options, seen: map[string]int{}, lanes: newOutage(options.Log)}
	if !options.Owner || !conn.IsConnected() {
		return q, nil
	}
	err = q.makeStream(ctx)
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok && refused.ErrorCode == replicasNotSupported {
		return nil, fmt.Errorf("--replicas is %d, and the NATS server at --nats-url is in no cluster: leave it out, or name a cluster", options.Replicas)
	}
	if err != nil {
		options.Log.Warn("queue stream cannot be made yet, trying again while running", "error", err)
	}
	return q, nil
}

// Close closes the connection. Jobs that were taken and are not done go to
// others.
func (q *Queue) Close() {
	q.lanes.close()
	q.conn.Close()
}

// Connected reports whether the broker can be reached now.
func (q *Queue) Connected() bool { return q.conn.IsConnected() }

// Ready returns nil where jobs can be taken now, or else why not.
func (q *Queue) Ready(ctx context.Context) error {
	if err := q.reachable(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if _, err := q.js.Stream(ctx, streamName); err != nil {
		return fmt.Errorf("the queue has no stream to take jobs from: %w: %w", err, fault.ErrUnavailable)
	}
	return nil
}

// Epoch says which life of the stream it is. When it is another than before, what was
// put before it began may be lost. It makes a stream that has vanished. Of the broker in
// this process it notices, too, that its files have: such a broker says that it has its
// jobs, gives them to nobody, and does not say why.
func (q *Queue) Epoch(ctx context.Context) (job.Epoch, error) {
	if err := q.reachable(); err != nil {
		return job.Epoch{}, err
	}
	stream, err := q.stream(ctx)
	if err == nil && q.files != nil && !q.files() {
		if err := q.renew(ctx, stream.CachedInfo().Created); err != nil {
			return job.Epoch{}, err
		}
		stream, err = q.stream(ctx)
	}
	if err != nil {
		return job.Epoch{}, err
	}
	info := stream.CachedInfo()
	return job.Epoch{Name: info.Created.String(), Age: age(info), Empty: info.State.Msgs == 0}, nil
}

// age is how old the stream was when the broker looked. In a cluster one server says when
// it was made and another how late it is, and their clocks may differ.
func age(info *jetstream.StreamInfo) time.Duration {
	if info.TimeStamp.IsZero() || info.Cluster != nil && info.Cluster.Name != "" {
		return 0
	}
	return max(0, info.TimeStamp.Sub(info.Created))
}

// reachable says at once that the broker is away, where that is known. Otherwise
// what is put then would wait for the broker, and go out beside what is put again.
func (q *Queue) reachable() error {
	if !q.conn.IsConnected() {
		return fmt.Errorf("the queue's broker cannot be reached: %w", fault.ErrUnavailable)
	}
	return nil
}

// Put hands jobs to the broker and returns when it has them. Those before an
// error may have been taken. Jobs of one messenger and rank share a message, as long as
// they have no more than size deliveries together and say little.
func (q *Queue) Put(ctx context.Context, jobs []job.Job, size int) error {
	if err := q.reachable(); err != nil {
		return err
	}
	bundles := bundle(jobs, size)
	err := q.put(ctx, bundles)
	if err != nil {
		if again := q.mend(ctx, bundles[0], err); again != nil {
			return again
		}
		err = q.put(ctx, bundles) // a job that is there twice is claimed once
	}
	if err != nil {
		return fmt.Errorf("put jobs into the queue: %w: %w", err, fault.ErrUnavailable)
	}
	return nil
}

// mend makes the stream again where cause says that it has vanished, or that it is
// broken: the broker answers, but not to a job. Where neither is so, it gives cause.
func (q *Queue) mend(ctx context.Context, jobs []job.Job, cause error) error {
	switch {
	case errors.Is(cause, jetstream.ErrNoStreamResponse), errors.Is(cause, nats.ErrNoResponders), errors.Is(cause, jetstream.ErrStreamNotFound):
		return q.makeVanished(ctx)
	case errors.Is(cause, jetstream.ErrAsyncPublishTimeout):
		if life, broken := q.broken(ctx, jobs); broken {
			return q.renew(ctx, life)
		}
	}
	return fmt.Errorf("put jobs into the queue: %w: %w", cause, fault.ErrUnavailable)
}

// broken says whether the broker answers questions about the stream, and does not
// when the stream is to take jobs, and in which life. A broker whose files were deleted
// does that, for ever.
func (q *Queue) broken(ctx context.Context, jobs []job.Job) (life time.Time, broken bool) {
	payload, err := encode(jobs)
	if err != nil {
		return time.Time{}, false
	}
	asking, done := context.WithTimeout(ctx, probeTimeout)
	defer done()
	stream, err := q.js.Stream(asking, streamName)
	if err != nil {
		return time.Time{}, false
	}
	publishing, stop := context.WithTimeout(ctx, probeTimeout)
	defer stop()
	_, err = q.js.Publish(publishing, subject(jobs[0].Messenger, jobs[0].Rank), payload)
	return stream.CachedInfo().Created, errors.Is(err, context.DeadlineExceeded) && q.conn.IsConnected()
}

func (q *Queue) put(ctx context.Context, bundles [][]job.Job) error {
	acks := make([]jetstream.PubAckFuture, 0, len(bundles))
	for _, jobs := range bundles {
		payload, err := encode(jobs)
		if err != nil {
			return err
		}
		ack, err := q.js.PublishAsync(subject(jobs[0].Messenger, jobs[0].Rank), payload)
		if err != nil {
			return err
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func subject(messenger string, rank job.Rank) string {
	return "send." + messenger + "." + rank.String()
}
