package sender

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
)

// takeRetryDelay is the wait before more jobs are taken after planning failed.
const takeRetryDelay = 250 * time.Millisecond

// take takes jobs while the alert service responds, until ctx ends.
func (l *pipeline) take(ctx context.Context, jobs JobSource) error {
	for {
		select {
		case <-l.link.up():
		case <-ctx.Done():
			return nil
		}
		if err := l.takeUntilDown(ctx, jobs); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// takeUntilDown takes jobs until ctx ends or the link is down. Then it nacks the fetched
// jobs and after them its unclaimed ones, so that another sender gets them at once.
func (l *pipeline) takeUntilDown(ctx context.Context, jobs JobSource) error {
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
	unclaimed := l.takeAndPlan(ctx, taking, jobs)
	stop()
	err := g.Wait()
	l.nackAll(unclaimed)
	return err
}

// takeAndPlan plans the jobs that it takes, and claims the deliveries that may be sent soon:
// no more at once than the workers can start soon, so that leases do not expire while
// deliveries wait for a worker. When taking ends it returns the unclaimed jobs.
func (l *pipeline) takeAndPlan(ctx, taking context.Context, jobs JobSource) (unclaimed []job.QueueMessage) {
	for {
		taken, err := jobs.Take(taking, l.claimBatchSize())
		if err != nil {
			return nil // taking ended
		}
		hands, tasks := l.tasks(taken)
		p, err := l.plan(ctx, tasks)
		switch {
		case err == nil:
			l.slots.recover()
		case !errors.Is(err, errAlertTimeout) && taking.Err() == nil:
			l.slots.fail(l.name, err)
		}
		if err == nil {
			err = l.claim(ctx, p.claim)
		}
		switch {
		case errors.Is(err, errAlertTimeout):
			return taken
		case err != nil:
			l.nackAll(taken)
			sleep(taking, takeRetryDelay)
		default:
			l.dispatchPlan(hands, p)
		}
	}
}

// nackAll nacks jobs.
func (l *pipeline) nackAll(taken []job.QueueMessage) {
	for _, t := range taken {
		l.logJobError("nack", t.Nack())
	}
}

// claim claims tasks: without a claim nothing may be sent. It returns errAlertTimeout if
// the alert service does not respond soon. Then the request is retried in the background
// and its claims are released: they may have been granted without a response.
func (l *pipeline) claim(ctx context.Context, tasks []*task) error {
	if len(tasks) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(tasks))
	for _, t := range tasks {
		ids = append(ids, t.delivery.ID)
	}
	var request [16]byte
	rand.Read(request[:])
	claims, err := callAlert(ctx, l, "claim deliveries",
		func(ctx context.Context) (map[int64]Claim, error) { return l.Dispatch.Claim(ctx, request, ids) },
		func(ctx context.Context, claims map[int64]Claim) { l.releaseClaims(ctx, claims) })
	for _, t := range tasks {
		t.claim = claims[t.delivery.ID]
	}
	return err
}

// releaseClaims releases claims at once that were granted after the caller stopped waiting.
func (l *pipeline) releaseClaims(ctx context.Context, claims map[int64]Claim) {
	if len(claims) == 0 {
		return
	}
	now := l.Now()
	ds := make([]Deferral, 0, len(claims))
	for id, claim := range claims {
		ds = append(ds, Deferral{DeliveryID: id, Fence: claim.Fence, Time: now})
	}
	if _, err := retryUntilAnswered(ctx, l.link, "release claims", func() (struct{}, error) { return struct{}{}, l.Dispatch.Defer(ctx, ds) }); err != nil {
		l.Log.Warn("cannot release claims, the deliveries continue when their leases expire", "messenger", l.name, "deliveries", len(ds), "error", err)
	}
}
