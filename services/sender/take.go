package sender

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
)

// takeAgain is the wait before more jobs are taken after planning failed.
const takeAgain = 250 * time.Millisecond

// take takes jobs while the alert service responds, until ctx ends.
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

// takeWhileUp takes jobs until ctx ends or the link is down. Then it nacks the fetched
// jobs and after them its unclaimed ones, so that another sender gets them at once.
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

// takeAll plans the jobs that it takes, and claims the deliveries that may be sent soon:
// no more at once than the workers can start soon, so that leases do not expire while
// deliveries wait for a worker. When taking ends it returns the unclaimed jobs.
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

// giveBack nacks jobs.
func (l *lane) giveBack(taken []job.Taken) {
	for _, t := range taken {
		l.note("nack", t.Return())
	}
}

// claim claims tasks: without a claim nothing may be sent. It returns errUnanswered if
// the alert service does not respond soon. Then the request is retried in the background
// and its claims are released: they may have been granted without a response.
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

// release releases claims at once that were granted after the caller stopped waiting.
func (l *lane) release(ctx context.Context, claims map[int64]Claim) {
	if len(claims) == 0 {
		return
	}
	now := l.Now()
	ds := make([]Deferral, 0, len(claims))
	for id, claim := range claims {
		ds = append(ds, Deferral{DeliveryID: id, Fence: claim.Fence, Time: now})
	}
	if _, err := insist(ctx, l.link, "release claims", func() (struct{}, error) { return struct{}{}, l.Dispatch.Defer(ctx, ds) }); err != nil {
		l.Log.Warn("cannot release claims, the deliveries continue when their leases expire", "messenger", l.name, "deliveries", len(ds), "error", err)
	}
}
