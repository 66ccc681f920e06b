package alert

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
)

const (
	// redispatchTimeout is how long a delivery may be in the queue before it is enqueued
	// again. It is the last resort: a queue that lost its jobs is detected within a second.
	redispatchTimeout = 10 * time.Minute
	// minRound is the minimum time between two rounds, so that deliveries that become due
	// one by one share transactions.
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
func (l *DispatchLoop) Enqueue(a Alert, ds []Delivery) { l.outbox.add(Jobs(a, ds, l.jobSize), 0) }

// Reserve reserves room for a batch of deliveries that are about to be recorded, and reports
// whether there is room. If there is none, they must be recorded as due, and the loop notified:
// it takes them from the ledger. Otherwise the reservation must be ended by EnqueueReserved.
func (l *DispatchLoop) Reserve(adds []Addition) (r Reservation, ok bool) {
	for _, a := range adds {
		r.bytes += int64(len(a.Deliveries)+1) * int64(reservedBytes+len(a.Alert.Message))
	}
	return r, l.outbox.reserve(r.bytes)
}

// reservedBytes is the size of a delivery in a reservation, beside the message.
const reservedBytes = 512

// A Reservation is room for a batch of deliveries.
type Reservation struct{ bytes int64 }

// EnqueueReserved enqueues the deliveries of alerts that were recorded just now, as Enqueue
// does, and ends the reservation.
func (l *DispatchLoop) EnqueueReserved(r Reservation, recorded []Added) {
	jobs := make([]job.Job, 0, len(recorded))
	for _, a := range recorded {
		jobs = append(jobs, Jobs(a.Alert, a.Deliveries, l.jobSize)...)
	}
	if len(jobs) == 0 {
		l.outbox.release(r.bytes)
		return
	}
	l.outbox.add(jobs, r.bytes)
}

// Notify notifies the dispatch loop, without blocking, that deliveries may be due sooner
// than it knows. Changes without a notification are found within a second.
func (l *DispatchLoop) Notify() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Run runs until ctx ends. It then drains the outbox, and enqueues the jobs that were
// taken ahead of time when they are due.
func (l *DispatchLoop) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	l.compareWithLedger(ctx)
	for {
		select {
		case first := <-l.outbox.jobs:
			l.outbox.release(first.bytes)
			l.outbox.enqueue(ctx, l.outbox.collect(first.jobs))
		case <-l.changed:
			timer.Reset(min(max(0, l.roundStart.Add(minRound).Sub(l.now())), minRound))
		case <-timer.C:
			timer.Reset(l.round(ctx))
		case <-ctx.Done():
			l.outbox.drain(context.WithoutCancel(ctx))
			l.drainLookahead(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// round runs one round and returns the wait until the next.
func (l *DispatchLoop) round(ctx context.Context) time.Duration {
	l.detectStep(ctx)
	l.roundStart = l.now()
	l.enqueueReady(ctx)
	lost := l.outbox.checkQueue(ctx)
	due, end, err := l.dispatcher.NextTimes(ctx)
	if err != nil {
		l.log.Error("next due time query failed", "error", err)
		l.outbox.missed.CompareAndSwap(false, !lost.IsZero())
		return untilNext(l.now(), l.lookahead.nextTime())
	}
	now := l.now()
	done := 0
	if isDue(end, now) {
		done += l.sweep(ctx)
	}
	if !lost.IsZero() && !due.IsZero() {
		done += l.reenqueueLost(ctx, lost)
	}
	early := l.lookahead.window()
	if !l.outbox.down && (done > 0 || isDue(due, now.Add(early))) {
		done += l.enqueueDue(ctx)
	}
	if l.outbox.down {
		l.lookahead.clear() // reenqueueLost re-enqueues them after the outage
		due = time.Time{}
	}
	if done > 0 {
		l.recordTime(ctx)
	}
	if done > 0 || isDue(l.lookahead.nextTime(), now) {
		return minRound
	}
	return untilNext(now, l.outbox.nextCheck, l.lookahead.nextTime(), before(due, early), end)
}

// sweep completes expired deliveries, ends expired leases, and returns the number of both.
func (l *DispatchLoop) sweep(ctx context.Context) (done int) {
	for ctx.Err() == nil {
		n, err := l.dispatcher.Sweep(ctx, l.now(), dueBatch, l.rule)
		if err != nil {
			l.log.Error("sweep failed", "error", err)
			return done
		}
		if done += n; n < dueBatch {
			return done
		}
	}
	return done
}

// reenqueueLost makes deliveries due that are in the queue according to the ledger and whose
// redispatch timeout ends at or before until. It returns their number.
func (l *DispatchLoop) reenqueueLost(ctx context.Context, until time.Time) int {
	n, err := l.dispatcher.Reenqueue(ctx, l.now(), until)
	if err != nil {
		l.log.Error("re-enqueue failed", "error", err)
		l.outbox.missed.Store(true)
		return 0
	}
	if n > 0 {
		l.log.Info("re-enqueuing deliveries that the queue may have lost", "deliveries", n)
	}
	return n
}

// enqueueDue enqueues due deliveries, takes those due soon, and returns the number of both.
// If there is more than one batch, one goroutine queries the ledger while another waits for
// the queue.
func (l *DispatchLoop) enqueueDue(ctx context.Context) int {
	var found atomic.Int64
	var g errgroup.Group
	g.SetLimit(dueWorkers)
	var enqueueBatches func() error
	enqueueBatches = func() error {
		for ctx.Err() == nil {
			n := l.takeDue(ctx)
			found.Add(int64(n))
			if n >= dueBatch {
				g.TryGo(enqueueBatches)
			}
			// Alerts that were accepted meanwhile must not wait for all batches.
			if err := l.outbox.tryEnqueue(ctx, l.outbox.collect(l.lookahead.takeReady(l.now()))); err != nil || n < dueBatch {
				return err
			}
		}
		return nil
	}
	g.Go(enqueueBatches)
	if err := g.Wait(); err != nil {
		l.outbox.markDown(err)
	}
	return int(found.Load())
}

// takeDue takes jobs for due deliveries and returns the number of deliveries: at least dueBatch
// if there may be more at once.
func (l *DispatchLoop) takeDue(ctx context.Context) (n int) {
	now := l.now()
	jobs, err := l.dispatcher.TakeDue(ctx, now, now.Add(redispatchTimeout), l.lookahead.window(), dueBatch, l.jobSize)
	if err != nil && ctx.Err() == nil {
		l.log.Error("due delivery query failed", "error", err)
	}
	l.lookahead.add(jobs)
	for _, j := range jobs {
		n += len(j.Deliveries)
	}
	return n
}

// drainLookahead enqueues the jobs that were taken ahead of time when they are due, until
// the queue fails.
func (l *DispatchLoop) drainLookahead(ctx context.Context) {
	for first := l.lookahead.nextTime(); !first.IsZero() && !l.outbox.down; first = l.lookahead.nextTime() {
		<-time.After(min(first.Sub(l.now()), lookaheadTime))
		l.enqueueReady(ctx)
	}
}

// enqueueReady enqueues the jobs that were taken ahead of time and are due now.
func (l *DispatchLoop) enqueueReady(ctx context.Context) {
	if jobs := l.lookahead.takeReady(l.now()); len(jobs) > 0 {
		l.outbox.enqueue(ctx, jobs)
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

// untilNext returns the wait until the first of times after now, but at least minRound and
// at most maxRound.
func untilNext(now time.Time, times ...time.Time) time.Duration {
	wait := maxRound
	for _, t := range times {
		if t.After(now) {
			wait = min(wait, t.Sub(now))
		}
	}
	return max(wait, minRound)
}
