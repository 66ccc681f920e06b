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
	l := &pipeline{
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
	l.breakers = &breakers{config: s.Breaker, now: s.Now, byKey: map[string]*breaker{}, changed: func(key, from, to string) {
		l.Metrics.BreakerChanged(l.name, from, to)
		l.Log.Warn("breaker changed", "messenger", l.name, "key", key, "from", from, "to", to)
	}}
	return l
}

// run takes, schedules, calls and reports until ctx ends; then each stage finishes the
// work of the one before it.
func (l *pipeline) run(ctx context.Context) error {
	jobs := l.Jobs(l.name)
	var takers, workers, reporters errgroup.Group
	takers.Go(func() error { return l.take(ctx, jobs) })
	takers.Go(func() error { l.reslotLoop(ctx); return nil })
	takers.Go(func() error { l.dropSlots(ctx); return nil })
	workers.Go(func() error {
		l.scheduleLoop(func() { workers.Go(func() error { l.callLoop(ctx); return nil }) })
		return nil
	})
	reporters.Go(func() error { l.reportLoop(ctx); return nil })
	reporters.Go(func() error { l.deferLoop(ctx); return nil })

	err := takers.Wait()
	close(l.claimed)
	close(l.deferrals)
	_ = workers.Wait() // always nil
	close(l.results)
	_ = reporters.Wait()
	l.asking.Wait()
	return err
}

// claimBatchSize returns how many deliveries are claimed at once.
func (l *pipeline) claimBatchSize() int { return l.batch.size(l.Workers) }

// dispatchPlan passes on claimed tasks and deferrals. Queue messages without either are
// acked: other senders have their deliveries, or these must not be sent.
func (l *pipeline) dispatchPlan(hands []*inFlightMessage, p plan) {
	for _, r := range p.deferrals {
		r.hand.unsettled.Add(1)
	}
	granted := slices.DeleteFunc(p.claim, func(t *task) bool { return t.claim.Fence == 0 })
	for _, t := range granted {
		t.message.unsettled.Add(1)
	}
	for _, h := range hands {
		if h.unsettled.Load() == 0 {
			l.logJobError("ack", h.Ack())
		}
	}
	l.deferring.Add(len(p.deferrals))
	for _, r := range p.deferrals {
		l.deferrals <- r
	}
	if len(granted) > 0 {
		l.claimed <- granted
	}
}

// callLoop calls the provider for one delivery after the other, up to the last claimed one,
// even after ctx ended.
func (l *pipeline) callLoop(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for t := l.ready.take(); t != nil; t = l.ready.take() {
		r, over := l.attempt(ctx, t)
		if over {
			l.results <- r
		}
		if r.called {
			l.shareResult(ctx, t, r.report)
		}
	}
}

// logJobError logs a failed ack or nack. It needs no retry: the queue redelivers the job, and
// its deliveries are not claimed twice.
func (l *pipeline) logJobError(what string, err error) {
	if err != nil {
		l.Log.Debug("queue operation failed", "op", what, "messenger", l.name, "error", err)
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
