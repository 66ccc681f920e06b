package alert

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// silence is the redispatch timeout: how long a delivery may be in the queue before it
	// is enqueued again. It is the last resort: a queue that lost its jobs is detected
	// within a second.
	silence = 10 * time.Minute
	// grain is the minimum time between two rounds, so that deliveries that become due one
	// by one share transactions.
	grain = DueGrain
	// longest is the maximum time between two rounds: other processes that share the
	// ledger do not notify this one of their deferrals and retries.
	longest = time.Second
	// dueBatch is how many due deliveries are enqueued, and how many expired ones are
	// swept, in one batch.
	dueBatch = 2000
	// hands is how many batches are enqueued concurrently.
	hands = 2
)

// A Clock enqueues deliveries from the ledger: accepted just now, due, or lost by the
// queue. It also sweeps expired deliveries and leases. It queries the ledger for the next
// time at which there is work, and sleeps until then.
type Clock struct {
	dispatcher Dispatcher
	outbox     *outbox
	soon       soon
	rule       Rule
	jobSize    int
	now        func() time.Time
	log        *slog.Logger

	news   chan struct{} // buffers one notification that the ledger may have changed
	round  time.Time     // when the last round began
	marked time.Time     // when the time was last recorded in the ledger
}

// NewClock returns a dispatch loop for jobs of at most jobSize deliveries.
func NewClock(dispatcher Dispatcher, queue Queue, rule Rule, jobSize int, now func() time.Time, log *slog.Logger) *Clock {
	return &Clock{
		dispatcher: dispatcher, outbox: newOutbox(queue, jobSize, now, log), rule: rule, jobSize: jobSize, now: now, log: log,
		news: make(chan struct{}, 1),
	}
}

// Put enqueues deliveries that were recorded just now. It never blocks and loses none:
// those that do not fit into the outbox are found in the ledger.
func (c *Clock) Put(a Alert, ds []Delivery) { c.outbox.add(Jobs(a, ds, c.jobSize)) }

// Changed notifies the dispatch loop, without blocking, that deliveries may be due sooner
// than it knows. Changes without a notification are found within a second.
func (c *Clock) Changed() {
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// Run runs until ctx ends. It then drains the outbox, and enqueues the jobs that were
// taken ahead of time when they are due.
func (c *Clock) Run(ctx context.Context) error {
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	c.checkTime(ctx)
	for {
		select {
		case jobs := <-c.outbox.fresh:
			c.outbox.put(ctx, c.outbox.gather(jobs))
		case <-c.news:
			alarm.Reset(min(max(0, c.round.Add(grain).Sub(c.now())), grain))
		case <-alarm.C:
			alarm.Reset(c.work(ctx))
		case <-ctx.Done():
			c.outbox.drain(context.WithoutCancel(ctx))
			c.finish(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// work runs one round and returns the wait until the next.
func (c *Clock) work(ctx context.Context) time.Duration {
	c.checkStep(ctx)
	c.round = c.now()
	c.putRipe(ctx)
	lost := c.outbox.look(ctx)
	due, end, err := c.dispatcher.Next(ctx)
	if err != nil {
		c.log.Error("next due time query failed", "error", err)
		c.outbox.missed.CompareAndSwap(false, !lost.IsZero())
		return until(c.now(), c.soon.first())
	}
	now := c.now()
	done := 0
	if reached(end, now) {
		done += c.sweep(ctx)
	}
	if !lost.IsZero() && !due.IsZero() {
		done += c.wake(ctx, lost)
	}
	early := c.soon.ahead()
	if !c.outbox.away && (done > 0 || reached(due, now.Add(early))) {
		done += c.due(ctx)
	}
	if c.outbox.away {
		c.soon.clear() // wake re-enqueues them after the outage
		due = time.Time{}
	}
	if done > 0 {
		c.markTime(ctx)
	}
	if done > 0 || reached(c.soon.first(), now) {
		return grain
	}
	return until(now, c.outbox.next, c.soon.first(), earlier(due, early), end)
}

// sweep completes expired deliveries, ends expired leases, and returns the number of both.
func (c *Clock) sweep(ctx context.Context) (done int) {
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

// wake makes deliveries due that wait in the queue until a time, and returns their number.
func (c *Clock) wake(ctx context.Context, until time.Time) int {
	n, err := c.dispatcher.Wake(ctx, c.now(), until)
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

// due enqueues due deliveries, takes those due soon, and returns the number of both. If
// there is more than one batch, one goroutine queries the ledger while another waits for
// the queue.
func (c *Clock) due(ctx context.Context) int {
	var found atomic.Int64
	var g errgroup.Group
	g.SetLimit(hands)
	var hand func() error
	hand = func() error {
		for ctx.Err() == nil {
			n := c.take(ctx)
			found.Add(int64(n))
			if n == dueBatch {
				g.TryGo(hand)
			}
			if err := c.outbox.try(ctx, c.soon.ripe(c.now())); err != nil || n < dueBatch {
				return err
			}
		}
		return nil
	}
	g.Go(hand)
	if err := g.Wait(); err != nil {
		c.outbox.lost(err)
	}
	return int(found.Load())
}

// take takes jobs for due deliveries and returns the number of deliveries: dueBatch if
// there may be more.
func (c *Clock) take(ctx context.Context) (n int) {
	now := c.now()
	jobs, err := c.dispatcher.Due(ctx, now, now.Add(silence), c.soon.ahead(), dueBatch, c.jobSize)
	if err != nil {
		c.log.Error("due delivery query failed", "error", err)
	}
	c.soon.add(jobs)
	for _, j := range jobs {
		n += len(j.Deliveries)
	}
	return n
}

// finish enqueues the jobs that were taken ahead of time when they are due, until the
// queue fails.
func (c *Clock) finish(ctx context.Context) {
	for first := c.soon.first(); !first.IsZero() && !c.outbox.away; first = c.soon.first() {
		<-time.After(min(first.Sub(c.now()), ahead))
		c.putRipe(ctx)
	}
}

// putRipe enqueues the jobs that were taken ahead of time and are due now.
func (c *Clock) putRipe(ctx context.Context) {
	if jobs := c.soon.ripe(c.now()); len(jobs) > 0 {
		c.outbox.put(ctx, jobs)
	}
}

// reached reports whether t is set and has come.
func reached(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// earlier returns t minus d, or the zero time if t is not set.
func earlier(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-d)
}

// until returns the wait until the first of times after now, but at least grain and at
// most longest.
func until(now time.Time, times ...time.Time) time.Duration {
	wait := longest
	for _, t := range times {
		if t.After(now) {
			wait = min(wait, t.Sub(now))
		}
	}
	return max(wait, grain)
}
