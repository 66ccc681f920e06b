package sender

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// stopClaimTimeout is how long a pending claim is retried after the sender stops.
const stopClaimTimeout = 3 * time.Second

// A pipeline takes and sends the jobs of one messenger.
type pipeline struct {
	*Sender
	messenger messenger.Messenger
	name      string
	limits    messenger.Limits
	timeout   time.Duration
	breakers  *breakers
	refusals  *refusalCounter
	smoother  smoother // used by the schedule goroutine only
	// keyCache is used by the take goroutine only.
	keyCache *simplelru.LRU[limiterAddress, limiterKeys]

	claimed chan []*task // to the schedule
	ready   *readyQueue  // to the workers
	results chan result  // to the reporter
	reslots *reslotQueue // tasks that need other slots
	batch   claimBatch

	deferrals chan result    // of unclaimed deliveries
	deferring sync.WaitGroup // unrecorded deferrals; the take goroutine adds and waits

	link   *alertLink
	slots  *slotOutage    // of slot reservations
	asking sync.WaitGroup // calls to the alert service, including those that continue in the background
}

func newPipeline(s *Sender, m messenger.Messenger, to *alertLink) *pipeline {
	spec := m.Spec()
	pl := &pipeline{
		Sender: s, messenger: m, name: spec.Name, limits: s.Limits(spec), timeout: s.Timeout(spec.Name),
		refusals:  newRefusals(),
		smoother:  newSmoother(),
		keyCache:  newKeyCache(),
		claimed:   make(chan []*task),
		ready:     newReadyQueue(),
		results:   make(chan result, reportBatch),
		reslots:   newReslotQueue(),
		deferrals: make(chan result, reportBatch),
		link:      to,
	}
	pl.breakers = &breakers{config: s.Breaker, now: s.Now, byKey: map[string]*breaker{}, changed: func(key, from, to string) {
		pl.Metrics.BreakerChanged(pl.name, from, to)
		pl.Log.Warn("breaker changed", "messenger", pl.name, "key", key, "from", from, "to", to)
	}}
	return pl
}

// run takes, schedules, calls and reports until ctx ends; then each stage finishes the
// work of the one before it.
func (pl *pipeline) run(ctx context.Context) error {
	jobs := pl.Jobs(pl.name)
	var takers, workers, reporters errgroup.Group
	takers.Go(func() error { return pl.take(ctx, jobs) })
	takers.Go(func() error { pl.reslotLoop(ctx); return nil })
	takers.Go(func() error { pl.dropSlots(ctx); return nil })
	workers.Go(func() error {
		pl.scheduleLoop(func() { workers.Go(func() error { pl.callLoop(ctx); return nil }) })
		return nil
	})
	reporters.Go(func() error { pl.reportLoop(ctx); return nil })
	reporters.Go(func() error { pl.deferLoop(ctx); return nil })

	err := takers.Wait()
	close(pl.claimed)
	close(pl.deferrals)
	_ = workers.Wait() // always nil
	close(pl.results)
	_ = reporters.Wait()
	pl.asking.Wait()
	return err
}

// claimBatchSize returns how many deliveries are claimed at once.
func (pl *pipeline) claimBatchSize() int { return pl.batch.size(pl.Workers) }

// dispatchPlan passes on claimed tasks and deferrals. Queue messages without either are
// acked: other senders have their deliveries, or these must not be sent.
func (pl *pipeline) dispatchPlan(messages []*inFlightMessage, p plan) {
	for _, r := range p.deferrals {
		r.hand.unsettled.Add(1)
	}
	granted := slices.DeleteFunc(p.claim, func(t *task) bool { return t.claim.Fence == 0 })
	for _, t := range granted {
		t.message.unsettled.Add(1)
	}
	for _, m := range messages {
		if m.unsettled.Load() == 0 {
			pl.logJobError("ack", m.Ack())
		}
	}
	pl.deferring.Add(len(p.deferrals))
	for _, r := range p.deferrals {
		pl.deferrals <- r
	}
	if len(granted) > 0 {
		pl.claimed <- granted
	}
}

// callLoop calls the provider for one delivery after the other, up to the last claimed one,
// even after ctx ended.
func (pl *pipeline) callLoop(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for t := pl.ready.take(); t != nil; t = pl.ready.take() {
		r, over := pl.attempt(ctx, t)
		if over {
			pl.results <- r
		}
		if r.called {
			pl.shareResult(ctx, t, r.report)
		}
	}
}

// logJobError logs a failed ack or nack. It needs no retry: the queue redelivers the job, and
// its deliveries are not claimed twice.
func (pl *pipeline) logJobError(what string, err error) {
	if err != nil {
		pl.Log.Debug("queue operation failed", "op", what, "messenger", pl.name, "error", err)
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
