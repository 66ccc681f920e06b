package alert

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

const (
	// queueCheckInterval is how often the generation of the queue is checked while the queue
	// responds.
	queueCheckInterval = time.Second
	// queueCheckTimeout is the timeout of a check of the queue.
	queueCheckTimeout = 2 * time.Second
	// firstQueueRetry and lastQueueRetry are the bounds of the backoff between checks during
	// an outage of the queue; jobs accepted meanwhile are enqueued within lastQueueRetry
	// after the outage.
	firstQueueRetry, lastQueueRetry = 100 * time.Millisecond, time.Second
	// inTransit is how long a job may be in transit to the queue after it was recorded, or
	// taken ahead of time, also in another alert service that shares the ledger. It must
	// be more than lookaheadTime.
	inTransit = time.Second
	// outboxSize is how many accepted alerts may wait in memory to be enqueued. The
	// deliveries of others are found in the ledger.
	outboxSize = 4096
	// outboxBytes is how many bytes, about, the alerts of batches may have that wait in
	// memory to be enqueued.
	outboxBytes = 16 << 20
	// enqueueBatch is how many jobs are sent to the broker before its acks are awaited.
	enqueueBatch = 1000
)

// An outbox enqueues jobs. During an outage of the queue it enqueues none and checks the
// queue with backoff; jobs that it could not enqueue are missed, and found in the ledger.
type outbox struct {
	queue Queue
	size  int // maximum deliveries per queue message
	now   func() time.Time
	log   *slog.Logger

	jobs     chan outboxJobs
	reserved atomic.Int64 // bytes, of outboxBytes
	missed   atomic.Bool  // the queue may lack jobs that are in it according to the ledger

	down       bool
	nextCheck  time.Time // when to check the queue again
	backoff    queueBackoff
	generation string // generation of the queue at the last check
}

func newOutbox(queue Queue, size int, now func() time.Time, log *slog.Logger) *outbox {
	o := &outbox{queue: queue, size: size, now: now, log: log, jobs: make(chan outboxJobs, outboxSize)}
	o.missed.Store(true) // jobs that an earlier process accepted and did not enqueue
	return o
}

// outboxJobs are the jobs of one alert, or of a batch for which bytes were reserved.
type outboxJobs struct {
	jobs  []job.Job
	bytes int64
}

// reserve reserves bytes for the jobs of a batch, and reports whether there is room. The caller
// must add the jobs with them, or release them.
func (o *outbox) reserve(bytes int64) bool {
	if o.reserved.Add(bytes) > outboxBytes {
		o.release(bytes)
		return false
	}
	return true
}

// release releases reserved bytes.
func (o *outbox) release(bytes int64) { o.reserved.Add(-bytes) }

// add adds jobs, for which bytes were reserved, without blocking. If the outbox is full they are
// missed.
func (o *outbox) add(jobs []job.Job, bytes int64) {
	select {
	case o.jobs <- outboxJobs{jobs, bytes}:
	default:
		o.release(bytes)
		o.missed.Store(true)
	}
}

// collect appends other jobs of the outbox, up to a batch, including those of requests
// whose transaction was committed together with that of the first.
func (o *outbox) collect(jobs []job.Job) []job.Job {
	runtime.Gosched()
	for len(jobs) < enqueueBatch {
		select {
		case more := <-o.jobs:
			o.release(more.bytes)
			jobs = append(jobs, more.jobs...)
		default:
			return jobs
		}
	}
	return jobs
}

// enqueue enqueues jobs, and reports whether that succeeded. During an outage it makes no
// call.
func (o *outbox) enqueue(ctx context.Context, jobs []job.Job) bool {
	if o.down {
		o.missed.Store(true)
		return false
	}
	if err := o.tryEnqueue(ctx, jobs); err != nil {
		o.markDown(err)
		return false
	}
	o.backoff.reset()
	return true
}

// tryEnqueue enqueues jobs. It is safe for concurrent use; the caller must pass an error to
// markDown.
func (o *outbox) tryEnqueue(ctx context.Context, jobs []job.Job) error {
	for batch := range slices.Chunk(jobs, enqueueBatch) {
		if err := o.queue.Enqueue(ctx, batch, o.size); err != nil {
			return err
		}
	}
	return nil
}

// drain enqueues the jobs in the outbox until the queue fails. The next process finds the
// rest in the ledger.
func (o *outbox) drain(ctx context.Context) {
	for jobs := o.collect(nil); len(jobs) > 0 && o.enqueue(ctx, jobs); jobs = o.collect(nil) {
	}
}

// checkQueue checks the queue if a check is due. Deliveries that are in the queue until the
// returned time according to the ledger must be re-enqueued: jobs were missed, or the
// queue has a new generation, or it is empty. Zero means that none must. Jobs recorded
// after the new generation began were enqueued into it: a redelivery of one could cost a
// slot.
func (o *outbox) checkQueue(ctx context.Context) (until time.Time) {
	start := o.now()
	if wait := o.nextCheck.Sub(start); wait > 0 && wait <= lastQueueRetry+maxClockSkew { // longer if the clock stepped back
		return time.Time{}
	}
	ctx, cancel := context.WithTimeout(ctx, queueCheckTimeout)
	defer cancel()
	generation, err := o.queue.Generation(ctx)
	if err != nil {
		o.markDown(err)
		return time.Time{}
	}
	o.markUp()
	changed := o.generation != "" && o.generation != generation.Name
	if changed {
		o.log.Warn("queue has a new generation")
	}
	o.generation = generation.Name
	switch {
	case o.missed.Swap(false):
		return o.now().Add(redispatchTimeout)
	case changed:
		return o.now().Add(redispatchTimeout - generation.Age)
	case generation.Empty && len(o.jobs) == 0:
		return start.Add(redispatchTimeout - inTransit)
	}
	return time.Time{}
}

// markDown records that the queue does not respond. This is logged once per outage, not
// for each call.
func (o *outbox) markDown(err error) {
	if !o.down {
		o.log.Error("queue outage; accepted alerts wait in the ledger", "error", err)
	}
	o.down = true
	o.missed.Store(true)
	o.nextCheck = o.now().Add(o.backoff.wait())
}

// markUp records that the queue responds. The backoff is reset only by a second response,
// or when jobs are enqueued: a queue that responds and accepts no jobs is not called ever
// faster.
func (o *outbox) markUp() {
	if o.down {
		o.log.Info("queue outage ended")
	} else {
		o.backoff.reset()
	}
	o.down = false
	o.nextCheck = o.now().Add(queueCheckInterval)
}
