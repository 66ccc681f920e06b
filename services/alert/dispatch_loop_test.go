package alert_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A countingDispatcher counts the writes of a dispatch loop, and notifies of each NextTimes,
// and of each TakeDue that returned jobs.
type countingDispatcher struct {
	alert.Dispatcher
	nexts      chan time.Time
	taken      chan time.Time
	reenqueued chan int // receives the number of deliveries of each Reenqueue, if above 0
	writes     atomic.Int32
}

func (c *countingDispatcher) NextTimes(ctx context.Context) (time.Time, time.Time, error) {
	signal(c.nexts)
	return c.Dispatcher.NextTimes(ctx)
}

func (c *countingDispatcher) TakeDue(ctx context.Context, now, retry time.Time, ahead time.Duration, limit, size int) ([]alert.DueJob, error) {
	c.writes.Add(1)
	jobs, err := c.Dispatcher.TakeDue(ctx, now, retry, ahead, limit, size)
	if len(jobs) > 0 {
		signal(c.taken)
	}
	return jobs, err
}

func (c *countingDispatcher) Sweep(ctx context.Context, now time.Time, limit int, rule alert.VerdictRule) (int, error) {
	c.writes.Add(1)
	return c.Dispatcher.Sweep(ctx, now, limit, rule)
}

func (c *countingDispatcher) Reenqueue(ctx context.Context, now, until time.Time) (int, error) {
	c.writes.Add(1)
	n, err := c.Dispatcher.Reenqueue(ctx, now, until)
	if n > 0 && c.reenqueued != nil {
		c.reenqueued <- n
	}
	return n, err
}

// TestDispatchLoopIdle proves that an idle dispatch loop queries the ledger at most about
// once a second, and writes nothing.
func TestDispatchLoopIdle(t *testing.T) {
	t.Parallel()
	q, _ := queueIn(t)
	d := &countingDispatcher{Dispatcher: ledgerIn(t, "sqlite"), nexts: make(chan time.Time, 10)}
	run(t, newDispatchLoop(d, q))
	first := receive(t, d.nexts)
	receive(t, d.nexts)
	if third := receive(t, d.nexts); third.Sub(first) < 1900*time.Millisecond {
		t.Errorf("three queries within %s", third.Sub(first))
	}
	if n := d.writes.Load(); n > 0 {
		t.Errorf("%d writes by an idle dispatch loop", n)
	}
}

// TestDispatchLoopNotified proves that deliveries that a report or a deferral delays by some
// milliseconds are enqueued then, and not in the next regular round, a second later.
func TestDispatchLoopNotified(t *testing.T) {
	t.Parallel()
	const rounds, wait = 20, 50 * time.Millisecond
	l := ledgerIn(t, "sqlite")
	q, js := queueIn(t)
	d := &countingDispatcher{Dispatcher: l, nexts: make(chan time.Time, 2)}
	c := newDispatchLoop(d, q)
	h := &alert.DispatchHandler{Dispatcher: l, Loop: c, Lease: time.Minute, Now: time.Now, Rule: func(f alert.VerdictFacts, _ dispatch.Report) alert.Verdict {
		return alert.Verdict{State: alert.Queued, NextTime: f.Now.Add(wait), CountsAsTry: true}
	}}
	run(t, c)
	receive(t, d.nexts)
	receive(t, d.nexts) // deliveries found at the start are enqueued: none is enqueued again later
	ds := queued(1)
	c.Enqueue(record(t, l, ds), ds)
	jobs := consume(t, js)
	next(t, jobs)
	start := time.Now()
	for n := range rounds {
		if n%2 == 0 {
			res, err := h.Claim(t.Context(), &jobv1.ClaimRequest{DeliveryIds: []int64{ds[0].ID}, Sender: "sender", RequestId: make([]byte, 16)})
			must(t, err)
			_, err = h.Report(t.Context(), &jobv1.ReportRequest{Reports: []*jobv1.Report{{
				DeliveryId: ds[0].ID, Fence: res.GetClaims()[0].GetFence(), StartTime: timestamppb.Now(), EndTime: timestamppb.Now(),
				Outcome: &messengerv1.Outcome{Kind: messengerv1.OutcomeKind_OUTCOME_KIND_RETRY},
			}}})
			must(t, err)
		} else {
			_, err := h.Defer(t.Context(), &jobv1.DeferRequest{Deferrals: []*jobv1.Deferral{{
				DeliveryId: ds[0].ID, Time: timestamppb.New(time.Now().Add(wait)),
			}}})
			must(t, err)
		}
		next(t, jobs)
	}
	// The ledger uses the wall clock, which may be slewed meanwhile.
	if took := time.Since(start); took < rounds*wait*9/10 || took > rounds*time.Second*3/4 {
		t.Errorf("%d waits of %s took %s", rounds, wait, took)
	}
}

// TestEnqueuedOnTime proves that of deliveries that become due one by one none is enqueued
// early, and none twice. BenchmarkLateness measures how late they are.
func TestEnqueuedOnTime(t *testing.T) {
	t.Parallel()
	late := lateness(t, ledgerIn(t, "sqlite"), 2000, time.Second)
	if late[0] < 0 {
		t.Errorf("a delivery was enqueued %s early", -late[0])
	}
	t.Logf("the median is %s late", late[len(late)/2])
}

// An oldQueue reports a greater age than it has.
type oldQueue struct {
	alert.Queue
	by time.Duration
}

func (o oldQueue) Generation(ctx context.Context) (job.Generation, error) {
	generation, err := o.Queue.Generation(ctx)
	generation.Age += o.by
	return generation, err
}

// TestQueueGeneration proves that jobs enqueued into the new generation of a queue are not
// enqueued again: each redelivery could cost a slot of the provider.
func TestQueueGeneration(t *testing.T) {
	t.Parallel()
	const lost, kept, age = 3, 4, 2 * time.Minute
	l := ledgerIn(t, "sqlite")
	q, js := queueIn(t)
	d := &countingDispatcher{Dispatcher: l, nexts: make(chan time.Time, 2), reenqueued: make(chan int, 2)}
	c := newDispatchLoop(d, oldQueue{q, age})
	run(t, c)
	receive(t, d.nexts)
	receive(t, d.nexts) // the generation is known
	taken := queued(1)
	c.Enqueue(record(t, l, taken), taken)
	next(t, consume(t, js)) // the queue is not empty from now on
	recordAt(t, l, queued(lost), time.Now().Add(-2*age))
	recordAt(t, l, queued(kept), time.Now())
	must(t, js.DeleteStream(t.Context(), "BONGSU_JOBS"))
	if n := receive(t, d.reenqueued); n != lost {
		t.Errorf("%d deliveries were re-enqueued, want the %d from before the loss", n, lost)
	}
}

// An observedQueue notifies of each failed check.
type observedQueue struct {
	alert.Queue
	failed chan time.Time
}

func (q *observedQueue) Generation(ctx context.Context) (job.Generation, error) {
	generation, err := q.Queue.Generation(ctx)
	if err != nil {
		signal(q.failed)
	}
	return generation, err
}

// TestBrokerUnreachable proves that during an outage of the broker the dispatch loop writes
// nothing to the ledger, except to sweep, and that all jobs are enqueued after it.
func TestBrokerUnreachable(t *testing.T) {
	t.Parallel()
	const due = 50
	dir, addr := t.TempDir(), freeAddr(t)
	stop := brokerAt(t, dir, addr)
	conn, err := queue.Dial("nats://"+addr.String(), slog.New(slog.DiscardHandler))
	must(t, err)
	q, err := queue.Open(t.Context(), conn, queue.Options{Owner: true, AckWait: time.Minute, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(q.Close)
	l := ledgerIn(t, "sqlite")
	d := &countingDispatcher{Dispatcher: l}
	w := &observedQueue{Queue: q, failed: make(chan time.Time, 1)}
	c := newDispatchLoop(d, w)

	stop()
	ds := queued(due)
	c.Enqueue(record(t, l, ds), ds)
	waiting := queued(due)
	record(t, l, waiting)
	var deferrals []dispatch.Deferral
	for _, d := range waiting {
		deferrals = append(deferrals, dispatch.Deferral{DeliveryID: d.ID, Time: time.Now()})
	}
	must(t, l.Defer(t.Context(), deferrals, time.Now()))
	run(t, c)
	for range 4 {
		receive(t, w.failed) // it is checked again and again
	}
	if n := d.writes.Load(); n > 0 {
		t.Errorf("%d writes during the outage", n)
	}

	brokerAt(t, dir, addr)
	back := time.Now()
	js, err := jetstream.New(conn)
	must(t, err)
	seen := map[int64]bool{}
	for jobs := consume(t, js); len(seen) < 2*due; {
		ds, _ := next(t, jobs)
		for _, d := range ds {
			seen[d.GetId()] = true
		}
	}
	t.Logf("all jobs were enqueued %s after the outage", time.Since(back))
}
