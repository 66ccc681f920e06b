package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	// streamNotUpdated is the broker's code for a stream that it has and could not
	// write down: JSStreamUpdateErrF.
	streamNotUpdated jetstream.ErrorCode = 10069
	// streamNotStored is the broker's code for a stream whose folder it cannot make,
	// for one: because it still deletes what was there. JSStreamStoreFailedF.
	streamNotStored jetstream.ErrorCode = 10049
	// deleteTimeout bounds the wait for the broker to delete what was there.
	deleteTimeout = 2 * time.Second
)

// A Queue puts jobs and takes them. It is safe for concurrent use.
type Queue struct {
	conn     *nats.Conn
	js       jetstream.JetStream
	replicas int
	hold     time.Duration
	files    func() bool // whether the stream's files are there; nil where they cannot be looked at

	mu sync.Mutex // held while a stream is made
}

// Open gives the queue that the broker behind conn keeps, on so many replicas (1
// but in a cluster), and makes its stream where there is none. A job that is in one
// hand for longer than hold is given to another; what is claimed already is not
// sent twice by that. Close ends it.
func Open(ctx context.Context, conn *nats.Conn, replicas int, hold time.Duration) (*Queue, error) {
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(4096), jetstream.WithPublishAsyncTimeout(putTimeout))
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	q := &Queue{conn: conn, js: js, replicas: replicas, hold: hold}
	if err := q.makeStream(ctx); err != nil {
		return nil, err
	}
	return q, nil
}

// Close closes the connection. Jobs that were taken and are not done go to
// others.
func (q *Queue) Close() { q.conn.Close() }

// makeStream makes the stream where there is none, or where the broker cannot even
// write down what it is. One that is there is as it should be then.
func (q *Queue) makeStream(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	err := q.writeStream(ctx)
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok && refused.ErrorCode == streamNotUpdated {
		return q.replace(ctx)
	}
	if err != nil {
		return fmt.Errorf("make the queue's stream: %w: %w", err, fault.ErrUnavailable)
	}
	return nil
}

// makeVanished makes the stream where there is none any more. One that another has made
// meanwhile is left alone: it may be in use already.
func (q *Queue) makeVanished(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, err := q.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = q.writeStream(ctx)
	}
	if err != nil {
		return fmt.Errorf("make the queue's stream again: %w: %w", err, fault.ErrUnavailable)
	}
	return nil
}

// renew makes the stream anew that is broken, where it is still in the same life: so
// many may ask, and what was put into the next is not deleted by those who come late.
func (q *Queue) renew(ctx context.Context, life time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	stream, err := q.js.Stream(ctx, streamName)
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("look at the queue's stream, which is broken: %w: %w", err, fault.ErrUnavailable)
	}
	if err == nil && !stream.CachedInfo().Created.Equal(life) {
		return nil
	}
	return q.replace(ctx)
}

// replace deletes the stream where there is one, and makes it. mu must be held.
func (q *Queue) replace(ctx context.Context) error {
	if err := q.js.DeleteStream(ctx, streamName); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("delete the queue's stream, which is broken: %w: %w", err, fault.ErrUnavailable)
	}
	if err := q.writeStream(ctx); err != nil {
		return fmt.Errorf("make the queue's stream: %w: %w", err, fault.ErrUnavailable)
	}
	return nil
}

// writeStream makes the stream, or writes down again what it is.
func (q *Queue) writeStream(ctx context.Context) error {
	return store(ctx, func() error { return q.createStream(ctx) })
}

// store makes a stream, and tries again for a while where the broker still deletes what
// was there before: it does so after it has said that it has.
func store(ctx context.Context, create func() error) error {
	err := create()
	for start, wait := time.Now(), time.Millisecond; time.Since(start) < deleteTimeout; wait *= 2 {
		refused, ok := errors.AsType[*jetstream.APIError](err)
		if !ok || refused.ErrorCode != streamNotStored {
			return err
		}
		pause(ctx, wait)
		err = create()
	}
	return err
}

func (q *Queue) createStream(ctx context.Context) error {
	_, err := q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:        streamName,
		Description: "Jobs for the senders of Bongsu. Disposable: the ledger is the truth.",
		Subjects:    []string{subjects},
		Retention:   jetstream.WorkQueuePolicy,
		Storage:     jetstream.FileStorage,
		Replicas:    q.replicas,
		// The window only saves memory: no job bears an id to be compared.
		Duplicates: time.Second,
	})
	return err
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

// stream gives the stream, and makes it where there is none.
func (q *Queue) stream(ctx context.Context) (jetstream.Stream, error) {
	stream, err := q.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err := q.makeVanished(ctx); err != nil {
			return nil, err
		}
		stream, err = q.js.Stream(ctx, streamName)
	}
	if err != nil {
		return nil, fmt.Errorf("look at the queue's stream: %w: %w", err, fault.ErrUnavailable)
	}
	return stream, nil
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
