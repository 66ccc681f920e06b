package alert

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

const (
	// silence is how long a delivery may wait in the queue before its job is put
	// again. It is the last resort: a queue that loses what it held is noticed
	// within a tick.
	silence = 10 * time.Minute
	// tick is how often the clock looks at what is due.
	tick = 100 * time.Millisecond
	// ticksPerEpoch is how many ticks pass between looks at the queue's life.
	ticksPerEpoch = 10
	// onTheWay is how long what was recorded may be on its way to the queue, where
	// another alert service shares the ledger.
	onTheWay = time.Second
	// dueBatch is how many due deliveries are put at once, and how many that nobody
	// ends are ended at once.
	dueBatch = 2000
	// freshAlerts is how many accepted alerts may wait for the queue in memory.
	// What exceeds it is found in the ledger.
	freshAlerts = 4096
	// putBatch is how many jobs are put before the broker's answers are awaited.
	putBatch = 1000
)

// A Clock moves deliveries from the ledger to the queue: what was accepted just
// now, what is due, and what the queue has lost. It ends what nobody else ends.
type Clock struct {
	dispatcher Dispatcher
	queue      Queue
	rule       Rule
	jobSize    int
	now        func() time.Time
	log        *slog.Logger

	fresh  chan []job.Job
	missed chan struct{} // holds one where the ledger must be asked for what the queue lacks
	epoch  string        // of the queue, when it was last looked at
	broken bool          // the queue did not answer the last time
}

// NewClock gives a clock that puts jobs of at most jobSize deliveries.
func NewClock(dispatcher Dispatcher, queue Queue, rule Rule, jobSize int, now func() time.Time, log *slog.Logger) *Clock {
	c := &Clock{
		dispatcher: dispatcher, queue: queue, rule: rule, jobSize: jobSize, now: now, log: log,
		fresh:  make(chan []job.Job, freshAlerts),
		missed: make(chan struct{}, 1),
	}
	c.miss() // what an earlier process accepted and did not put
	return c
}

// Put hands over what was recorded just now. It never waits and never loses: what
// there is no room for is found in the ledger.
func (c *Clock) Put(a Alert, ds []Delivery) {
	select {
	case c.fresh <- Jobs(a, ds, c.jobSize):
	default:
		c.miss()
	}
}

// Run works until ctx ends, and then puts what was handed over before.
func (c *Clock) Run(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for ticks := 0; ; {
		select {
		case jobs := <-c.fresh:
			c.put(ctx, c.gather(jobs))
		case <-ticker.C:
			if ticks++; ticks%ticksPerEpoch == 1 {
				c.watch(ctx)
			}
			c.sweep(ctx)
			c.due(ctx)
		case <-ctx.Done():
			c.drain(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// gather adds to jobs what else was handed over, up to a batch.
func (c *Clock) gather(jobs []job.Job) []job.Job {
	for len(jobs) < putBatch {
		select {
		case more := <-c.fresh:
			jobs = append(jobs, more...)
		default:
			return jobs
		}
	}
	return jobs
}

// drain puts what was handed over, as far as the queue takes it. The rest is found
// in the ledger by the next process.
func (c *Clock) drain(ctx context.Context) {
	for jobs := c.gather(nil); len(jobs) > 0 && c.put(ctx, jobs); jobs = c.gather(nil) {
	}
}

// put hands jobs to the queue, and says whether it took them.
func (c *Clock) put(ctx context.Context, jobs []job.Job) bool {
	for batch := range slices.Chunk(jobs, putBatch) {
		err := c.queue.Put(ctx, batch)
		c.note(err)
		if err != nil {
			c.miss()
			return false
		}
	}
	return true
}

// sweep ends what has expired, and moves on what was claimed by the dead.
func (c *Clock) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := c.dispatcher.Sweep(ctx, c.now(), dueBatch, c.rule)
		if err != nil {
			c.log.Error("cannot ask the ledger for what nobody ends", "error", err)
			return
		}
		if n < dueBatch {
			return
		}
	}
}

// due puts what is due, and wakes what the queue lacks first.
func (c *Clock) due(ctx context.Context) {
	select {
	case <-c.missed:
		if n, err := c.dispatcher.Wake(ctx, c.now(), c.now().Add(silence)); err != nil {
			c.log.Error("cannot ask the ledger for what waits", "error", err)
			c.miss()
			return
		} else if n > 0 {
			c.log.Info("putting again what the queue may lack", "deliveries", n)
		}
	default:
	}
	for ctx.Err() == nil {
		now := c.now()
		jobs, err := c.dispatcher.Due(ctx, now, now.Add(silence), dueBatch, c.jobSize)
		if err != nil {
			c.log.Error("cannot ask the ledger for what is due", "error", err)
			return
		}
		if len(jobs) == 0 || !c.put(ctx, jobs) {
			return
		}
	}
}

// watch notices a queue that began anew, and so lost what it held, and one that is
// empty while deliveries wait in it.
func (c *Clock) watch(ctx context.Context) {
	start := c.now()
	epoch, empty, err := c.queue.Epoch(ctx)
	c.note(err)
	if err != nil {
		return
	}
	switch {
	case c.epoch != "" && c.epoch != epoch:
		c.log.Warn("the queue began anew")
		c.miss()
	case empty && len(c.fresh) == 0:
		n, err := c.dispatcher.Wake(ctx, c.now(), start.Add(silence-onTheWay))
		if err != nil {
			c.log.Error("cannot ask the ledger for what waits", "error", err)
		} else if n > 0 {
			c.log.Warn("the queue is empty and deliveries wait in it; putting them again", "deliveries", n)
		}
	}
	c.epoch = epoch
}

// miss makes the next tick ask the ledger.
func (c *Clock) miss() {
	select {
	case c.missed <- struct{}{}:
	default:
	}
}

// note logs when the queue goes and when it is back, not each call between.
func (c *Clock) note(err error) {
	if err != nil && !c.broken {
		c.log.Error("the queue does not answer; what is accepted waits in the ledger", "error", err)
	}
	if err == nil && c.broken {
		c.log.Info("the queue is back")
	}
	c.broken = err != nil
}
