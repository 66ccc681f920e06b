package sender

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
)

// takeAgain is the pause before more jobs are taken where nothing could be planned.
const takeAgain = 250 * time.Millisecond

// take takes jobs while the alert service answers, until ctx ends.
func (l *lane) take(ctx context.Context, jobs Jobs) error {
	for {
		select {
		case <-l.link.up():
		case <-ctx.Done():
			return nil
		}
		if err := l.takeWhileUp(ctx, jobs); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// takeWhileUp takes jobs until ctx ends or the link is down. Then it gives back what it
// has in hand and did not claim, after what was fetched: another sender gets it at once.
func (l *lane) takeWhileUp(ctx context.Context, jobs Jobs) error {
	taking, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	g.Go(func() error { return jobs.Run(taking) })
	g.Go(func() error {
		select {
		case <-l.link.down():
			stop()
		case <-taking.Done():
		}
		return nil
	})
	unclaimed := l.takeAll(ctx, taking, jobs)
	stop()
	err := g.Wait()
	l.giveBack(unclaimed)
	return err
}

// takeAll plans what it takes, and claims what may be sent soon: no more at once than
// the workers can begin with soon, so that leases do not run out while deliveries
// wait for a worker. It returns when taking ends, with what it holds then.
func (l *lane) takeAll(ctx, taking context.Context, jobs Jobs) (unclaimed []job.Taken) {
	for {
		taken, err := jobs.Take(taking, l.stock())
		if err != nil {
			return nil // taking ended
		}
		hands, tasks := l.tasks(taken)
		p, err := l.plan(ctx, tasks)
		switch {
		case err == nil:
			l.slots.works()
		case !errors.Is(err, errUnanswered) && taking.Err() == nil:
			l.slots.failed(l.name, err)
		}
		if err == nil {
			err = l.claim(ctx, p.soon)
		}
		switch {
		case errors.Is(err, errUnanswered):
			return taken
		case err != nil:
			l.giveBack(taken)
			pause(taking, takeAgain)
		default:
			l.handOver(hands, p)
		}
	}
}

// giveBack gives jobs back to the queue.
func (l *lane) giveBack(taken []job.Taken) {
	for _, t := range taken {
		l.note("return jobs", t.Return())
	}
}

// claim claims tasks: without a claim nothing may be sent. It returns errUnanswered where
// the alert service does not answer soon. Then the same is asked on, as what was granted
// without an answer would be held for nobody, and goes back when that is known.
func (l *lane) claim(ctx context.Context, tasks []*task) error {
	if len(tasks) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(tasks))
	for _, t := range tasks {
		ids = append(ids, t.delivery.ID)
	}
	var request [16]byte
	rand.Read(request[:])
	claims, err := answered(ctx, l, "claim deliveries",
		func(ctx context.Context) (map[int64]Claim, error) { return l.Dispatch.Claim(ctx, request, ids) },
		func(ctx context.Context, claims map[int64]Claim) { l.release(ctx, claims) })
	for _, t := range tasks {
		t.claim = claims[t.delivery.ID]
	}
	return err
}

// release gives back at once what was granted when nobody waited for it any more.
func (l *lane) release(ctx context.Context, claims map[int64]Claim) {
	if len(claims) == 0 {
		return
	}
	now := l.Now()
	ds := make([]Deferral, 0, len(claims))
	for id, claim := range claims {
		ds = append(ds, Deferral{DeliveryID: id, Fence: claim.Fence, Time: now})
	}
	if _, err := insist(ctx, l.link, "give deliveries back", func() (struct{}, error) { return struct{}{}, l.Dispatch.Defer(ctx, ds) }); err != nil {
		l.Log.Warn("deliveries could not be given back; they go on when their leases end", "messenger", l.name, "deliveries", len(ds), "error", err)
	}
}
