package alert

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	backoffs "github.com/cenkalti/backoff/v5"

	"github.com/bongsu-project/bongsu/internal/job"
)

const (
	// lookEvery is how often the generation of the queue is checked while the queue
	// responds.
	lookEvery = time.Second
	// lookTimeout is the timeout of a check of the queue.
	lookTimeout = 2 * time.Second
	// firstLook and lastLook are the bounds of the backoff between checks during an outage
	// of the queue; jobs accepted meanwhile are enqueued within that time after the
	// outage.
	firstLook, lastLook = 100 * time.Millisecond, time.Second
	// onTheWay is how long a job may be in transit to the queue after it was recorded, or
	// taken ahead of time, also in another alert service that shares the ledger. It must
	// be more than ahead.
	onTheWay = time.Second
	// freshAlerts is how many accepted alerts may wait in memory to be enqueued. The
	// deliveries of others are found in the ledger.
	freshAlerts = 4096
	// putBatch is how many jobs are sent to the broker before its acks are awaited.
	putBatch = 1000
)

// An outbox enqueues jobs. During an outage of the queue it enqueues none and checks the
// queue with backoff; jobs that it could not enqueue are missed, and found in the ledger.
type outbox struct {
	queue Queue
	size  int // maximum deliveries per queue message
	now   func() time.Time
	log   *slog.Logger

	fresh  chan []job.Job
	missed atomic.Bool // the queue may lack jobs that are in it according to the ledger

	away  bool
	next  time.Time // when to check the queue again
	waits *backoffs.ExponentialBackOff
	epoch string // generation of the queue at the last check
}

func newOutbox(queue Queue, size int, now func() time.Time, log *slog.Logger) *outbox {
	o := &outbox{queue: queue, size: size, now: now, log: log, fresh: make(chan []job.Job, freshAlerts), waits: backoffs.NewExponentialBackOff()}
	o.waits.InitialInterval, o.waits.MaxInterval = firstLook, lastLook
	o.missed.Store(true) // jobs that an earlier process accepted and did not enqueue
	return o
}

// add adds jobs without blocking. If the outbox is full they are missed.
func (o *outbox) add(jobs []job.Job) {
	select {
	case o.fresh <- jobs:
	default:
		o.missed.Store(true)
	}
}

// gather appends other jobs of the outbox, up to a batch, including those of requests
// whose transaction was committed together with that of the first.
func (o *outbox) gather(jobs []job.Job) []job.Job {
	runtime.Gosched()
	for len(jobs) < putBatch {
		select {
		case more := <-o.fresh:
			jobs = append(jobs, more...)
		default:
			return jobs
		}
	}
	return jobs
}

// put enqueues jobs, and reports whether that succeeded. During an outage it makes no
// call.
func (o *outbox) put(ctx context.Context, jobs []job.Job) bool {
	if o.away {
		o.missed.Store(true)
		return false
	}
	if err := o.try(ctx, jobs); err != nil {
		o.lost(err)
		return false
	}
	o.waits.Reset()
	return true
}

// try enqueues jobs. It is safe for concurrent use; the caller must pass an error to lost.
func (o *outbox) try(ctx context.Context, jobs []job.Job) error {
	for batch := range slices.Chunk(jobs, putBatch) {
		if err := o.queue.Put(ctx, batch, o.size); err != nil {
			return err
		}
	}
	return nil
}

// drain enqueues the jobs in the outbox until the queue fails. The next process finds the
// rest in the ledger.
func (o *outbox) drain(ctx context.Context) {
	for jobs := o.gather(nil); len(jobs) > 0 && o.put(ctx, jobs); jobs = o.gather(nil) {
	}
}

// look checks the queue if a check is due. Deliveries that are in the queue until the
// returned time according to the ledger must be re-enqueued: jobs were missed, or the
// queue has a new generation, or it is empty. Zero means that none must. Jobs recorded
// after the new generation began were enqueued into it: a redelivery of one could cost a
// slot.
func (o *outbox) look(ctx context.Context) (until time.Time) {
	start := o.now()
	if wait := o.next.Sub(start); wait > 0 && wait <= lastLook+clockSlack { // longer if the clock stepped back
		return time.Time{}
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	epoch, err := o.queue.Epoch(ctx)
	if err != nil {
		o.lost(err)
		return time.Time{}
	}
	o.found()
	anew := o.epoch != "" && o.epoch != epoch.Name
	if anew {
		o.log.Warn("queue has a new generation")
	}
	o.epoch = epoch.Name
	switch {
	case o.missed.Swap(false):
		return o.now().Add(silence)
	case anew:
		return o.now().Add(silence - epoch.Age)
	case epoch.Empty && len(o.fresh) == 0:
		return start.Add(silence - onTheWay)
	}
	return time.Time{}
}

// lost records that the queue does not respond. This is logged once per outage, not for
// each call.
func (o *outbox) lost(err error) {
	if !o.away {
		o.log.Error("queue outage; accepted alerts wait in the ledger", "error", err)
	}
	o.away = true
	o.missed.Store(true)
	o.next = o.now().Add(o.waits.NextBackOff())
}

// found records that the queue responds. The backoff is reset only by a second response,
// or when jobs are enqueued: a queue that responds and accepts no jobs is not called ever
// faster.
func (o *outbox) found() {
	if o.away {
		o.log.Info("queue outage ended")
	} else {
		o.waits.Reset()
	}
	o.away = false
	o.next = o.now().Add(lookEvery)
}
