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
	"go.opentelemetry.io/otel/trace"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

const (
	// streamName is the stream of all jobs.
	streamName = "BONGSU_JOBS"
	// subjects are send.<messenger>.<rank>.
	subjects = "send.>"
	// publishTimeout bounds the wait for the broker's acknowledgement of a publish.
	publishTimeout = 3 * time.Second
	// probeTimeout bounds a request to a stream that may be broken.
	probeTimeout = time.Second
)

// A Queue enqueues jobs and delivers them to senders. It is safe for concurrent use.
type Queue struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	options Options
	tracer  *telemetry.Tracer
	files   func() bool // reports whether the stream's files exist; nil for an external broker
	outage  *laneOutage // of all lanes
	made    atomic.Bool // an owner has created or found the stream

	mu   sync.Mutex     // held while a stream is created
	seen map[string]int // by stream name: the most replicas it was seen with; under mu
}

// Options are the options of a process that uses the queue.
type Options struct {
	// Owner is set for the alert service: it creates a missing stream and bucket, and
	// decides on their replicas. Other processes open them, wait for missing ones, and
	// change nothing, except that they delete a stream or bucket that the broker can no
	// longer write.
	Owner bool
	// Replicas is the least number of replicas of the owner's stream and bucket. Existing
	// ones with fewer get more, and never fewer. 0 keeps the replicas of existing ones, and
	// means 1 for new ones.
	Replicas int
	// AckWait is the broker's ack wait: an in-flight message that is not acked for so long is
	// redelivered. Claims prevent its deliveries from being sent twice.
	AckWait time.Duration
	// SharedConn means that others use the connection too: Close leaves it open.
	SharedConn bool
	Log        *slog.Logger // must be set
}

// Open returns the queue of the broker behind conn. It succeeds while the broker is
// unreachable; the queue works once the broker is back. Close releases it.
func Open(ctx context.Context, conn *nats.Conn, options Options) (*Queue, error) {
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(4096), jetstream.WithPublishAsyncTimeout(publishTimeout))
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	q := &Queue{conn: conn, js: js, options: options, seen: map[string]int{}, outage: newLaneOutage(options.Log)}
	if !options.Owner || !conn.IsConnected() {
		return q, nil
	}
	err = q.ensureStream(ctx)
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok && refused.ErrorCode == replicasNotSupported {
		return nil, fmt.Errorf("--replicas is %d, but the NATS server at --nats-url is not in a cluster: omit the flag, or use a cluster", options.Replicas)
	}
	if err != nil {
		options.Log.Warn("queue stream cannot be created yet, retrying", "error", err)
	}
	return q, nil
}

// Close closes the connection, unless others use it. The broker redelivers in-flight messages.
func (q *Queue) Close() {
	q.outage.close()
	if !q.options.SharedConn {
		q.conn.Close()
	}
}

// Connected reports whether the broker is connected now.
func (q *Queue) Connected() bool { return q.conn.IsConnected() }

// Conn returns the connection to the broker. Close closes it.
func (q *Queue) Conn() *nats.Conn { return q.conn }

// Ready returns nil if jobs can be taken now, and otherwise the reason.
func (q *Queue) Ready(ctx context.Context) error {
	if err := q.reachable(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if _, err := q.js.Stream(ctx, streamName); err != nil {
		return fault.Unavailablef("get queue stream: %w", err)
	}
	return nil
}

// Generation returns the current generation of the stream. If it differs from an earlier
// one, jobs that were enqueued before it may be lost. Generation recreates a vanished
// stream. For the embedded broker it also detects deleted files: such a broker acknowledges
// jobs, delivers them to nobody, and reports no error.
func (q *Queue) Generation(ctx context.Context) (job.Generation, error) {
	if err := q.reachable(); err != nil {
		return job.Generation{}, err
	}
	stream, err := q.stream(ctx)
	if err == nil && q.files != nil && !q.files() {
		if err := q.recreate(ctx, stream.CachedInfo().Created); err != nil {
			return job.Generation{}, err
		}
		stream, err = q.stream(ctx)
	}
	if err != nil {
		return job.Generation{}, err
	}
	info := stream.CachedInfo()
	return job.Generation{Name: info.Created.String(), Age: streamAge(info), Empty: info.State.Msgs == 0}, nil
}

// streamAge returns the age of the stream at the time of the broker's response. It returns 0
// in a cluster: creation time and current time may come from servers whose clocks differ.
func streamAge(info *jetstream.StreamInfo) time.Duration {
	if info.TimeStamp.IsZero() || info.Cluster != nil && info.Cluster.Name != "" {
		return 0
	}
	return max(0, info.TimeStamp.Sub(info.Created))
}

// reachable returns an error at once if the connection is known to be lost. Otherwise the
// client would buffer a publish until the reconnect, and send it beside the re-enqueued job.
func (q *Queue) reachable() error {
	if !q.conn.IsConnected() {
		return fault.Unavailablef("queue broker is unreachable")
	}
	return nil
}

// Enqueue enqueues jobs and returns once the broker has acknowledged them. After an error
// some may have been enqueued. Jobs of one messenger and rank share a queue message, up
// to size deliveries and maxMessageBytes of content.
func (q *Queue) Enqueue(ctx context.Context, jobs []job.Job, size int) error {
	if err := q.reachable(); err != nil {
		return err
	}
	bundles := groupJobs(jobs, size)
	err := q.publish(ctx, bundles)
	if err != nil {
		if err := q.repair(ctx, bundles[0], err); err != nil {
			return err
		}
		err = q.publish(ctx, bundles) // a job that is enqueued twice is claimed once
	}
	if err != nil {
		return fault.Unavailablef("enqueue jobs: %w", err)
	}
	return nil
}

// repair recreates the stream if cause means that it has vanished, or if it is broken: the
// broker responds to requests, but acknowledges no job. Otherwise it returns cause.
func (q *Queue) repair(ctx context.Context, jobs []job.Job, cause error) error {
	switch {
	case errors.Is(cause, jetstream.ErrNoStreamResponse), errors.Is(cause, nats.ErrNoResponders), errors.Is(cause, jetstream.ErrStreamNotFound):
		return q.recreateVanished(ctx)
	case errors.Is(cause, jetstream.ErrAsyncPublishTimeout):
		if created, broken := q.isBroken(ctx, jobs); broken {
			return q.recreate(ctx, created)
		}
	}
	return fault.Unavailablef("enqueue jobs: %w", cause)
}

// isBroken reports whether the broker responds to a request about the stream and does not
// acknowledge a publish, and returns the creation time of that stream, which identifies its
// generation. A broker whose files were deleted stays in this state.
func (q *Queue) isBroken(ctx context.Context, jobs []job.Job) (created time.Time, broken bool) {
	payload, err := encodeJobs(jobs)
	if err != nil {
		return time.Time{}, false
	}
	infoCtx, cancelInfo := context.WithTimeout(ctx, probeTimeout)
	defer cancelInfo()
	stream, err := q.js.Stream(infoCtx, streamName)
	if err != nil {
		return time.Time{}, false
	}
	publishCtx, cancelPublish := context.WithTimeout(ctx, probeTimeout)
	defer cancelPublish()
	_, err = q.js.Publish(publishCtx, subject(jobs[0].Messenger, jobs[0].Rank), payload)
	return stream.CachedInfo().Created, errors.Is(err, context.DeadlineExceeded) && q.conn.IsConnected()
}

// publish publishes a queue message for each bundle of jobs, and waits for the broker's
// acknowledgements.
func (q *Queue) publish(ctx context.Context, bundles [][]job.Job) (err error) {
	var spans []trace.Span
	defer func() { endPublish(spans, err) }()
	acks := make([]jetstream.PubAckFuture, 0, len(bundles))
	for _, jobs := range bundles {
		spans = q.startPublish(ctx, spans, jobs)
		payload, err := encodeJobs(jobs)
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

// subject returns the subject of the queue messages of a lane.
func subject(messenger string, rank job.Rank) string {
	return "send." + messenger + "." + rank.String()
}
