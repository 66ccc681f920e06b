package alert

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// silence is how long a delivery may wait in the queue before its job is put
	// again. It is the last resort: a queue that loses what it held is noticed
	// within a second.
	silence = 10 * time.Minute
	// grain is the least time between two rounds, so that what comes due little by
	// little shares its transactions.
	grain = DueGrain
	// longest is the most time between two rounds: other processes that share the
	// ledger tell nobody what they let wait.
	longest = time.Second
	// dueBatch is how many due deliveries are put at once, and how many that nobody
	// ends are ended at once.
	dueBatch = 2000
	// hands is how many batches are moved at a time.
	hands = 2
)

// A Clock moves deliveries from the ledger to the queue: what was accepted just
// now, what is due, and what the queue has lost. It ends what nobody else ends. It
// asks the ledger when that will be, and sleeps until then.
type Clock struct {
	dispatcher Dispatcher
	outbox     *outbox
	soon       soon
	rule       Rule
	jobSize    int
	now        func() time.Time
	log        *slog.Logger

	news   chan struct{} // holds one where the ledger may have changed
	round  time.Time     // when the last round began
	marked time.Time     // when the ledger was last told the time
}

// NewClock gives a clock that puts jobs of at most jobSize deliveries.
func NewClock(dispatcher Dispatcher, queue Queue, rule Rule, jobSize int, now func() time.Time, log *slog.Logger) *Clock {
	return &Clock{
		dispatcher: dispatcher, outbox: newOutbox(queue, jobSize, now, log), rule: rule, jobSize: jobSize, now: now, log: log,
		news: make(chan struct{}, 1),
	}
}

// Put hands over what was recorded just now. It never waits and never loses: what
// there is no room for is found in the ledger.
func (c *Clock) Put(a Alert, ds []Delivery) { c.outbox.add(Jobs(a, ds, c.jobSize)) }

// Changed tells the clock, without waiting, that something in the ledger may be due
// sooner than it knows. What it is not told of it finds within a second.
func (c *Clock) Changed() {
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, and then puts what was handed over before, and what it took
// ahead of its time, when that comes.
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

// work is a round: it does what there is to do now, and gives how long there is
// nothing then.
func (c *Clock) work(ctx context.Context) time.Duration {
	c.checkStep(ctx)
	c.round = c.now()
	c.putRipe(ctx)
	lost := c.outbox.look(ctx)
	due, end, err := c.dispatcher.Next(ctx)
	if err != nil {
		c.log.Error("cannot ask the ledger what is next", "error", err)
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
		c.soon.clear() // wake finds it when the queue is back
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

// sweep ends what has expired, moves on what was claimed by the dead, and says how
// much that was.
func (c *Clock) sweep(ctx context.Context) (done int) {
	for ctx.Err() == nil {
		n, err := c.dispatcher.Sweep(ctx, c.now(), dueBatch, c.rule)
		if err != nil {
			c.log.Error("cannot ask the ledger for what nobody ends", "error", err)
			return done
		}
		if done += n; n < dueBatch {
			return done
		}
	}
	return done
}

// wake makes due what waits in the queue, until a time, and says how much that is.
func (c *Clock) wake(ctx context.Context, until time.Time) int {
	n, err := c.dispatcher.Wake(ctx, c.now(), until)
	if err != nil {
		c.log.Error("cannot ask the ledger for what waits", "error", err)
		c.outbox.missed.Store(true)
		return 0
	}
	if n > 0 {
		c.log.Info("putting again what the queue may lack", "deliveries", n)
	}
	return n
}

// due puts what is due, takes what will be soon, and says how much that was. Where it is
// more than a batch, one hand asks the ledger while another waits for the queue.
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

// take takes jobs for what is due, and says how many deliveries they carry: as many as
// a batch where there may be more.
func (c *Clock) take(ctx context.Context) (n int) {
	now := c.now()
	jobs, err := c.dispatcher.Due(ctx, now, now.Add(silence), c.soon.ahead(), dueBatch, c.jobSize)
	if err != nil {
		c.log.Error("cannot ask the ledger for what is due", "error", err)
	}
	c.soon.add(jobs)
	for _, j := range jobs {
		n += len(j.Deliveries)
	}
	return n
}

// finish puts what was taken ahead of its time, when that comes, as far as the queue
// takes it.
func (c *Clock) finish(ctx context.Context) {
	for first := c.soon.first(); !first.IsZero() && !c.outbox.away; first = c.soon.first() {
		<-time.After(min(first.Sub(c.now()), ahead))
		c.putRipe(ctx)
	}
}

// putRipe puts what was taken ahead and is due now.
func (c *Clock) putRipe(ctx context.Context) {
	if jobs := c.soon.ripe(c.now()); len(jobs) > 0 {
		c.outbox.put(ctx, jobs)
	}
}

// reached says whether a time that is set has come.
func reached(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// earlier is so much before a time, if it is set.
func earlier(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-d)
}

// until gives how long it is to the first of times that is to come, but never less
// than a grain nor more than the longest wait.
func until(now time.Time, times ...time.Time) time.Duration {
	wait := longest
	for _, t := range times {
		if t.After(now) {
			wait = min(wait, t.Sub(now))
		}
	}
	return max(wait, grain)
}
