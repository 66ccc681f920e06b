package alert

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// redispatchTimeout is the redispatch timeout: how long a delivery may be in the queue before it
	// is enqueued again. It is the last resort: a queue that lost its jobs is detected
	// within a second.
	redispatchTimeout = 10 * time.Minute
	// minRound is the minimum time between two rounds, so that deliveries that become due one
	// by one share transactions.
	minRound = DueGranularity
	// maxRound is the maximum time between two rounds: other processes that share the
	// ledger do not notify this one of their deferrals and retries.
	maxRound = time.Second
	// dueBatch is how many due deliveries are enqueued, and how many expired ones are
	// swept, in one batch.
	dueBatch = 2000
	// dueWorkers is how many batches are enqueued concurrently.
	dueWorkers = 2
)

// A DispatchLoop enqueues deliveries from the ledger: accepted just now, due, or lost by the
// queue. It also sweeps expired deliveries and leases. It queries the ledger for the next
// time at which there is work, and sleeps until then.
type DispatchLoop struct {
	dispatcher Dispatcher
	outbox     *outbox
	lookahead  lookahead
	rule       VerdictRule
	jobSize    int
	now        func() time.Time
	log        *slog.Logger

	changed    chan struct{} // buffers one notification that the ledger may have changed
	roundStart time.Time     // when the last round began
	recorded   time.Time     // when the time was last recorded in the ledger
}

// NewDispatchLoop returns a dispatch loop for jobs of at most jobSize deliveries.
func NewDispatchLoop(dispatcher Dispatcher, queue Queue, rule VerdictRule, jobSize int, now func() time.Time, log *slog.Logger) *DispatchLoop {
	return &DispatchLoop{
		dispatcher: dispatcher, outbox: newOutbox(queue, jobSize, now, log), rule: rule, jobSize: jobSize, now: now, log: log,
		changed: make(chan struct{}, 1),
	}
}

// Enqueue enqueues deliveries that were recorded just now. It never blocks and loses none:
// those that do not fit into the outbox are found in the ledger.
func (c *DispatchLoop) Enqueue(a Alert, ds []Delivery) { c.outbox.add(Jobs(a, ds, c.jobSize)) }

// Notify notifies the dispatch loop, without blocking, that deliveries may be due sooner
// than it knows. Changes without a notification are found within a second.
func (c *DispatchLoop) Notify() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// Run runs until ctx ends. It then drains the outbox, and enqueues the jobs that were
// taken ahead of time when they are due.
func (c *DispatchLoop) Run(ctx context.Context) error {
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	c.compareWithLedger(ctx)
	for {
		select {
		case jobs := <-c.outbox.jobs:
			c.outbox.enqueue(ctx, c.outbox.collect(jobs))
		case <-c.changed:
			alarm.Reset(min(max(0, c.roundStart.Add(minRound).Sub(c.now())), minRound))
		case <-alarm.C:
			alarm.Reset(c.round(ctx))
		case <-ctx.Done():
			c.outbox.drain(context.WithoutCancel(ctx))
			c.drainLookahead(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// round runs one round and returns the wait until the next.
func (c *DispatchLoop) round(ctx context.Context) time.Duration {
	c.detectStep(ctx)
	c.roundStart = c.now()
	c.enqueueReady(ctx)
	lost := c.outbox.checkQueue(ctx)
	due, end, err := c.dispatcher.NextTimes(ctx)
	if err != nil {
		c.log.Error("next due time query failed", "error", err)
		c.outbox.missed.CompareAndSwap(false, !lost.IsZero())
		return untilNext(c.now(), c.lookahead.nextTime())
	}
	now := c.now()
	done := 0
	if isDue(end, now) {
		done += c.sweep(ctx)
	}
	if !lost.IsZero() && !due.IsZero() {
		done += c.reenqueueLost(ctx, lost)
	}
	early := c.lookahead.window()
	if !c.outbox.down && (done > 0 || isDue(due, now.Add(early))) {
		done += c.enqueueDue(ctx)
	}
	if c.outbox.down {
		c.lookahead.clear() // wake re-enqueues them after the outage
		due = time.Time{}
	}
	if done > 0 {
		c.recordTime(ctx)
	}
	if done > 0 || isDue(c.lookahead.nextTime(), now) {
		return minRound
	}
	return untilNext(now, c.outbox.nextCheck, c.lookahead.nextTime(), before(due, early), end)
}

// sweep completes expired deliveries, ends expired leases, and returns the number of both.
func (c *DispatchLoop) sweep(ctx context.Context) (done int) {
	for ctx.Err() == nil {
		n, err := c.dispatcher.Sweep(ctx, c.now(), dueBatch, c.rule)
		if err != nil {
			c.log.Error("sweep failed", "error", err)
			return done
		}
		if done += n; n < dueBatch {
			return done
		}
	}
	return done
}

// reenqueueLost makes deliveries due that wait in the queue until a time, and returns their number.
func (c *DispatchLoop) reenqueueLost(ctx context.Context, until time.Time) int {
	n, err := c.dispatcher.Reenqueue(ctx, c.now(), until)
	if err != nil {
		c.log.Error("re-enqueue failed", "error", err)
		c.outbox.missed.Store(true)
		return 0
	}
	if n > 0 {
		c.log.Info("re-enqueuing deliveries that the queue may have lost", "deliveries", n)
	}
	return n
}

// enqueueDue enqueues due deliveries, takes those due soon, and returns the number of both. If
// there is more than one batch, one goroutine queries the ledger while another waits for
// the queue.
func (c *DispatchLoop) enqueueDue(ctx context.Context) int {
	var found atomic.Int64
	var g errgroup.Group
	g.SetLimit(dueWorkers)
	var hand func() error
	hand = func() error {
		for ctx.Err() == nil {
			n := c.takeDue(ctx)
			found.Add(int64(n))
			if n == dueBatch {
				g.TryGo(hand)
			}
			if err := c.outbox.tryEnqueue(ctx, c.lookahead.takeReady(c.now())); err != nil || n < dueBatch {
				return err
			}
		}
		return nil
	}
	g.Go(hand)
	if err := g.Wait(); err != nil {
		c.outbox.markDown(err)
	}
	return int(found.Load())
}

// takeDue takes jobs for due deliveries and returns the number of deliveries: dueBatch if
// there may be more.
func (c *DispatchLoop) takeDue(ctx context.Context) (n int) {
	now := c.now()
	jobs, err := c.dispatcher.TakeDue(ctx, now, now.Add(redispatchTimeout), c.lookahead.window(), dueBatch, c.jobSize)
	if err != nil {
		c.log.Error("due delivery query failed", "error", err)
	}
	c.lookahead.add(jobs)
	for _, j := range jobs {
		n += len(j.Deliveries)
	}
	return n
}

// drainLookahead enqueues the jobs that were taken ahead of time when they are due, until the
// queue fails.
func (c *DispatchLoop) drainLookahead(ctx context.Context) {
	for first := c.lookahead.nextTime(); !first.IsZero() && !c.outbox.down; first = c.lookahead.nextTime() {
		<-time.After(min(first.Sub(c.now()), lookaheadTime))
		c.enqueueReady(ctx)
	}
}

// enqueueReady enqueues the jobs that were taken ahead of time and are due now.
func (c *DispatchLoop) enqueueReady(ctx context.Context) {
	if jobs := c.lookahead.takeReady(c.now()); len(jobs) > 0 {
		c.outbox.enqueue(ctx, jobs)
	}
}

// isDue reports whether t is set and has come.
func isDue(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// before returns t minus d, or the zero time if t is not set.
func before(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-d)
}

// untilNext returns the wait until the first of times after now, but at least grain and at
// most longest.
func untilNext(now time.Time, times ...time.Time) time.Duration {
	wait := maxRound
	for _, t := range times {
		if t.After(now) {
			wait = min(wait, t.Sub(now))
		}
	}
	return max(wait, minRound)
}
