package sender

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

const (
	// takeAgain is the pause before more jobs are taken where nothing could be planned.
	takeAgain = 250 * time.Millisecond
	// lastClaim is how long a claim in hand is asked for when the sender stops.
	lastClaim = 3 * time.Second
)

// A lane works the jobs of one messenger.
type lane struct {
	*Sender
	messenger messenger.Messenger
	name      string
	limits    messenger.Limits
	timeout   time.Duration
	breakers  *breakers
	refusals  *refusals
	even      even // touched by wait only
	// identified is touched by the taker only.
	identified *simplelru.LRU[address, keys]

	claimed chan []*task // to wait
	ready   *readyList   // to the workers
	results chan result  // to the reporter
	lates   *lateList    // to renew
	calls   stock

	deferring sync.WaitGroup // what was not claimed, is to be deferred, and is not recorded; the taker adds and waits
}

func newLane(s *Sender, m messenger.Messenger) *lane {
	spec := m.Spec()
	l := &lane{
		Sender: s, messenger: m, name: spec.Name, limits: s.Limits(spec), timeout: s.Timeout(spec.Name),
		refusals:   &refusals{byKey: map[string]int{}},
		even:       newEven(),
		identified: newIdentified(),
		claimed:    make(chan []*task),
		ready:      newReadyList(),
		results:    make(chan result, reportBatch),
		lates:      newLateList(),
	}
	l.breakers = &breakers{config: s.Breaker, now: s.Now, byKey: map[string]*breaker{}, changed: func(key, from, to string) {
		l.Meter.Broke(l.name, from, to)
		l.Log.Warn("a breaker changed", "messenger", l.name, "key", key, "from", from, "to", to)
	}}
	return l
}

// run takes, waits, calls and reports until ctx ends; then each stage finishes what
// the one before it handed over.
func (l *lane) run(ctx context.Context) error {
	jobs := l.Jobs(l.name)
	var takers, workers, reporters errgroup.Group
	takers.Go(func() error { return jobs.Run(ctx) })
	takers.Go(func() error { l.take(ctx, jobs); return nil })
	takers.Go(func() error { l.renew(ctx); return nil })
	workers.Go(func() error {
		l.wait(func() { workers.Go(func() error { l.work(ctx); return nil }) })
		return nil
	})
	reporters.Go(func() error { l.report(ctx); return nil })

	err := takers.Wait()
	close(l.claimed)
	_ = workers.Wait() // its members return nil
	close(l.results)
	_ = reporters.Wait()
	return err
}

// stock is how many deliveries are claimed at once.
func (l *lane) stock() int { return l.calls.size(l.Workers) }

// take plans what it takes, and claims what may be sent soon: no more at once than
// the workers can begin with soon, so that leases do not run out while deliveries
// wait for a worker.
func (l *lane) take(ctx context.Context, jobs Jobs) {
	broken := false
	for {
		taken, err := jobs.Take(ctx, l.stock())
		if err != nil {
			return // ctx ended
		}
		hands, tasks := l.tasks(taken)
		p, err := l.plan(ctx, tasks)
		if err != nil && !broken && ctx.Err() == nil {
			l.Log.Warn("the paces cannot be asked; jobs wait until they can", "messenger", l.name, "error", err)
		}
		broken = err != nil
		if err == nil {
			err = l.claim(ctx, p.soon)
		}
		if err != nil {
			for _, t := range taken {
				l.note("return jobs", t.Return())
			}
			pause(ctx, takeAgain)
			continue
		}
		l.handOver(hands, p)
	}
}

// claim claims tasks, and asks until it is answered, or until ctx ended a while
// ago: without a claim nothing may be sent, and what was granted without an answer
// would be held for nobody.
func (l *lane) claim(ctx context.Context, tasks []*task) error {
	if len(tasks) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(tasks))
	for _, t := range tasks {
		ids = append(ids, t.delivery.ID)
	}
	ctx, cancel := outlive(ctx, lastClaim)
	defer cancel()
	var request [16]byte
	rand.Read(request[:])
	claims, err := insist(ctx, l.Log, "claim deliveries", func() (map[int64]Claim, error) { return l.Dispatch.Claim(ctx, request, ids) })
	for _, t := range tasks {
		t.claim = claims[t.delivery.ID]
	}
	return err
}

// handOver gives on what was granted and what is deferred. Jobs of which nothing
// is either are done: others send it, or nobody must.
func (l *lane) handOver(hands []*hand, p plan) {
	for _, r := range p.later {
		r.hand.left++
	}
	granted := slices.DeleteFunc(p.soon, func(t *task) bool { return t.claim.Fence == 0 })
	for _, t := range granted {
		t.hand.left++
	}
	for _, h := range hands {
		if h.left == 0 {
			l.note("finish jobs", h.Done())
		}
	}
	l.deferring.Add(len(p.later))
	for _, r := range p.later {
		l.results <- r
	}
	if len(granted) > 0 {
		l.claimed <- granted
	}
}

// work calls the provider for one delivery after the other, to the last that was
// claimed, even when ctx has ended.
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

// note logs what went wrong with a job and needs no answer: the queue gives the
// job to somebody again, and its deliveries are not claimed twice.
func (l *lane) note(what string, err error) {
	if err != nil {
		l.Log.Debug("the queue does not do what is asked", "asked", what, "messenger", l.name, "error", err)
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
