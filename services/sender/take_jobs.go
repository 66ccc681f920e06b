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
func (pl *pipeline) take(ctx context.Context, jobs JobSource) error {
	for {
		select {
		case <-pl.link.up():
		case <-ctx.Done():
			return nil
		}
		if err := pl.takeUntilDown(ctx, jobs); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// takeUntilDown takes jobs until ctx ends or the link is down. Then it nacks the fetched
// jobs and after them its unclaimed ones, so that another sender gets them at once.
func (pl *pipeline) takeUntilDown(ctx context.Context, jobs JobSource) error {
	taking, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	g.Go(func() error { return jobs.Run(taking) })
	g.Go(func() error {
		select {
		case <-pl.link.down():
			stop()
		case <-taking.Done():
		}
		return nil
	})
	unclaimed := pl.takeAndPlan(ctx, taking, jobs)
	stop()
	err := g.Wait()
	pl.nackAll(unclaimed)
	return err
}

// takeAndPlan plans the jobs that it takes, and claims the deliveries that may be sent soon:
// no more at once than the workers can start soon, so that leases do not expire while
// deliveries wait for a worker. When taking ends it returns the unclaimed jobs.
func (pl *pipeline) takeAndPlan(ctx, taking context.Context, jobs JobSource) (unclaimed []job.QueueMessage) {
	for {
		taken, err := jobs.Take(taking, pl.claimBatchSize())
		if err != nil {
			return nil // taking ended
		}
		messages, tasks := pl.tasks(taken)
		p, err := pl.plan(ctx, tasks)
		switch {
		case err == nil:
			pl.slots.recover()
		case !errors.Is(err, errAlertTimeout) && taking.Err() == nil:
			pl.slots.fail(pl.name, err)
		}
		if err == nil {
			err = pl.claim(ctx, p.claim)
		}
		switch {
		case errors.Is(err, errAlertTimeout):
			return taken
		case err != nil:
			pl.nackAll(taken)
			sleep(taking, takeRetryDelay)
		default:
			pl.dispatchPlan(messages, p)
		}
	}
}

// nackAll nacks jobs.
func (pl *pipeline) nackAll(taken []job.QueueMessage) {
	for _, m := range taken {
		pl.logJobError("nack", m.Nack())
	}
}

// claim claims tasks: without a claim nothing may be sent. It returns errAlertTimeout if
// the alert service does not respond soon. Then the request is retried in the background
// and its claims are released: they may have been granted without a response.
func (pl *pipeline) claim(ctx context.Context, tasks []*task) error {
	if len(tasks) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(tasks))
	for _, t := range tasks {
		ids = append(ids, t.delivery.ID)
	}
	var request [16]byte
	rand.Read(request[:])
	claims, err := callAlert(ctx, pl, "claim deliveries",
		func(ctx context.Context) (map[int64]Claim, error) { return pl.Dispatch.Claim(ctx, request, ids) },
		func(ctx context.Context, claims map[int64]Claim) { pl.releaseClaims(ctx, claims) })
	for _, t := range tasks {
		t.claim = claims[t.delivery.ID]
	}
	return err
}

// releaseClaims releases claims at once that were granted after the caller stopped waiting.
func (pl *pipeline) releaseClaims(ctx context.Context, claims map[int64]Claim) {
	if len(claims) == 0 {
		return
	}
	now := pl.Now()
	ds := make([]Deferral, 0, len(claims))
	for id, claim := range claims {
		ds = append(ds, Deferral{DeliveryID: id, Fence: claim.Fence, Time: now})
	}
	if _, err := retryUntilAnswered(ctx, pl.link, "release claims", func() (struct{}, error) { return struct{}{}, pl.Dispatch.Defer(ctx, ds) }); err != nil {
		pl.Log.Warn("cannot release claims, the deliveries continue when their leases expire", "messenger", pl.name, "deliveries", len(ds), "error", err)
	}
}
