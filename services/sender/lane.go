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

// lastClaim is how long a pending claim is retried after the sender stops.
const lastClaim = 3 * time.Second

// A lane takes and sends the jobs of one messenger.
type lane struct {
	*Sender
	messenger messenger.Messenger
	name      string
	limits    messenger.Limits
	timeout   time.Duration
	breakers  *breakers
	refusals  *refusals
	even      even // used by the schedule goroutine only
	// identified is used by the take goroutine only.
	identified *simplelru.LRU[address, keys]

	claimed chan []*task // to the schedule
	ready   *readyList   // to the workers
	results chan result  // to the reporter
	lates   *lateList    // tasks that need other slots
	calls   stock

	deferrals chan result    // of unclaimed deliveries
	deferring sync.WaitGroup // unrecorded deferrals; the take goroutine adds and waits

	link   *link
	slots  *outage        // of slot reservations
	asking sync.WaitGroup // calls to the alert service, including those that continue in the background
}

func newLane(s *Sender, m messenger.Messenger, to *link) *lane {
	spec := m.Spec()
	l := &lane{
		Sender: s, messenger: m, name: spec.Name, limits: s.Limits(spec), timeout: s.Timeout(spec.Name),
		refusals:   newRefusals(),
		even:       newEven(),
		identified: newIdentified(),
		claimed:    make(chan []*task),
		ready:      newReadyList(),
		results:    make(chan result, reportBatch),
		lates:      newLateList(),
		deferrals:  make(chan result, reportBatch),
		link:       to,
	}
	l.breakers = &breakers{config: s.Breaker, now: s.Now, byKey: map[string]*breaker{}, changed: func(key, from, to string) {
		l.Meter.Broke(l.name, from, to)
		l.Log.Warn("breaker changed", "messenger", l.name, "key", key, "from", from, "to", to)
	}}
	return l
}

// run takes, schedules, calls and reports until ctx ends; then each stage finishes the
// work of the one before it.
func (l *lane) run(ctx context.Context) error {
	jobs := l.Jobs(l.name)
	var takers, workers, reporters errgroup.Group
	takers.Go(func() error { return l.take(ctx, jobs) })
	takers.Go(func() error { l.renew(ctx); return nil })
	takers.Go(func() error { l.dropSlots(ctx); return nil })
	workers.Go(func() error {
		l.wait(func() { workers.Go(func() error { l.work(ctx); return nil }) })
		return nil
	})
	reporters.Go(func() error { l.report(ctx); return nil })
	reporters.Go(func() error { l.putBack(ctx); return nil })

	err := takers.Wait()
	close(l.claimed)
	close(l.deferrals)
	_ = workers.Wait() // always nil
	close(l.results)
	_ = reporters.Wait()
	l.asking.Wait()
	return err
}

// stock returns how many deliveries are claimed at once.
func (l *lane) stock() int { return l.calls.size(l.Workers) }

// handOver passes on claimed tasks and deferrals. Queue messages without either are
// acked: other senders have their deliveries, or these must not be sent.
func (l *lane) handOver(hands []*hand, p plan) {
	for _, r := range p.later {
		r.hand.left.Add(1)
	}
	granted := slices.DeleteFunc(p.soon, func(t *task) bool { return t.claim.Fence == 0 })
	for _, t := range granted {
		t.hand.left.Add(1)
	}
	for _, h := range hands {
		if h.left.Load() == 0 {
			l.note("ack", h.Done())
		}
	}
	l.deferring.Add(len(p.later))
	for _, r := range p.later {
		l.deferrals <- r
	}
	if len(granted) > 0 {
		l.claimed <- granted
	}
}

// work calls the provider for one delivery after the other, up to the last claimed one,
// even after ctx ended.
func (l *lane) work(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for t := l.ready.take(); t != nil; t = l.ready.take() {
		r, over := l.attempt(ctx, t)
		if over {
			l.results <- r
		}
		if r.called {
			l.tell(ctx, t, r.report)
		}
	}
}

// note logs a failed ack or nack. It needs no retry: the queue redelivers the job, and
// its deliveries are not claimed twice.
func (l *lane) note(what string, err error) {
	if err != nil {
		l.Log.Debug("queue operation failed", "op", what, "messenger", l.name, "error", err)
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
