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
	// lookEvery is how often it is looked at the queue's life while it answers.
	lookEvery = time.Second
	// lookTimeout bounds a look at a queue that does not answer.
	lookTimeout = 2 * time.Second
	// firstLook and lastLook bound the waits between looks at a queue that is away;
	// what was accepted meanwhile goes out that soon after it is back.
	firstLook, lastLook = 100 * time.Millisecond, time.Second
	// onTheWay is how long what was recorded, or taken ahead of its time, may be on its
	// way to the queue, in another alert service that shares the ledger, too. It is more
	// than ahead.
	onTheWay = time.Second
	// freshAlerts is how many accepted alerts may wait for the queue in memory.
	// What exceeds it is found in the ledger.
	freshAlerts = 4096
	// putBatch is how many jobs are put before the broker's answers are awaited.
	putBatch = 1000
)

// An outbox hands jobs to the queue. It knows when the queue is away, and leaves
// it alone then, longer each time; what it could not hand over is missed, and
// found in the ledger.
type outbox struct {
	queue Queue
	size  int // of jobs
	now   func() time.Time
	log   *slog.Logger

	fresh  chan []job.Job
	missed atomic.Bool // the queue may lack something that the ledger lets wait in it

	away  bool
	next  time.Time // when to look at the queue again
	waits *backoffs.ExponentialBackOff
	epoch string // of the queue, when it was last looked at
}

func newOutbox(queue Queue, size int, now func() time.Time, log *slog.Logger) *outbox {
	o := &outbox{queue: queue, size: size, now: now, log: log, fresh: make(chan []job.Job, freshAlerts), waits: backoffs.NewExponentialBackOff()}
	o.waits.InitialInterval, o.waits.MaxInterval = firstLook, lastLook
	o.missed.Store(true) // what an earlier process accepted and did not put
	return o
}

// add takes jobs without waiting. Those for which there is no room are missed.
func (o *outbox) add(jobs []job.Job) {
	select {
	case o.fresh <- jobs:
	default:
		o.missed.Store(true)
	}
}

// gather adds to jobs what else was added, up to a batch, and what those add who were
// answered together with the first.
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

// put hands jobs to the queue, and says whether it took them. A queue that is away
// is not asked.
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

// try hands jobs to the queue. Several may do it at once; who does says to lost
// what went wrong.
func (o *outbox) try(ctx context.Context, jobs []job.Job) error {
	for batch := range slices.Chunk(jobs, putBatch) {
		if err := o.queue.Put(ctx, batch, o.size); err != nil {
			return err
		}
	}
	return nil
}

// drain puts what was added, as far as the queue takes it. The rest is found in
// the ledger by the next process.
func (o *outbox) drain(ctx context.Context) {
	for jobs := o.gather(nil); len(jobs) > 0 && o.put(ctx, jobs); jobs = o.gather(nil) {
	}
}

// look looks at the queue where that is due. It gives the time up to which what
// waits in the queue, as the ledger has it, must be put again: something was missed, or
// the queue began anew, or it is empty. Zero means that nothing must. What was recorded
// when the new life had begun was put into it: a copy of that could cost a turn.
func (o *outbox) look(ctx context.Context) (until time.Time) {
	start := o.now()
	if wait := o.next.Sub(start); wait > 0 && wait <= lastLook+clockSlack { // longer where the clock went back
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
		o.log.Warn("the queue began anew")
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

// lost notes that the queue does not answer. That is logged when it goes, not at
// each call.
func (o *outbox) lost(err error) {
	if !o.away {
		o.log.Error("the queue does not answer; what is accepted waits in the ledger", "error", err)
	}
	o.away = true
	o.missed.Store(true)
	o.next = o.now().Add(o.waits.NextBackOff())
}

// found notes that the queue answers. The waits begin anew only when it answers
// twice, or takes jobs: one that answers and takes nothing is not asked ever faster.
func (o *outbox) found() {
	if o.away {
		o.log.Info("the queue is back")
	} else {
		o.waits.Reset()
	}
	o.away = false
	o.next = o.now().Add(lookEvery)
}
