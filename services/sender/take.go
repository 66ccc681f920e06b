package sender

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
)

// takeRetryDelay is the wait before more jobs are taken after planning failed.
const takeRetryDelay = 250 * time.Millisecond

// A takeStage takes the jobs of a messenger, and has them planned and claimed. The plan and
// claim stages run in its goroutine, one after the other: up to the claim, the taken jobs
// can be nacked as a whole.
type takeStage struct {
	messenger string
	log       *slog.Logger
	jobs      JobSource
	plan      *planStage
	claim     *claimStage
	batch     *claimBatchSizer
	link      *alertLink
	outage    *slotOutage

	claimed   chan<- []*task // to the schedule stage
	deferrals *deferralQueue // to the defer stage
}

// run takes jobs while the alert service responds, until ctx ends.
func (s *takeStage) run(ctx context.Context) error {
	for {
		select {
		case <-s.link.up():
		case <-ctx.Done():
			return nil
		}
		if err := s.takeUntilDown(ctx); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// takeUntilDown takes jobs until ctx ends or the link is down. Then it nacks the fetched
// jobs and after them its unclaimed ones, so that another sender gets them at once.
func (s *takeStage) takeUntilDown(ctx context.Context) error {
	taking, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	g.Go(func() error { return s.jobs.Run(taking) })
	g.Go(func() error {
		select {
		case <-s.link.down():
			stop()
		case <-taking.Done():
		}
		return nil
	})
	unclaimed := s.takeBatches(ctx, taking)
	stop()
	err := g.Wait()
	nackAll(s.log, unclaimed)
	return err
}

// takeBatches plans the jobs that it takes until taking ends, and claims the deliveries that
// may be sent soon: no more at once than the workers can start soon, so that leases do not
// expire while deliveries wait for a worker. It returns the taken jobs that are not claimed.
func (s *takeStage) takeBatches(ctx, taking context.Context) (unclaimed []job.QueueMessage) {
	for {
		taken, err := s.jobs.Take(taking, s.batch.size())
		if err != nil {
			return nil // taking ended
		}
		p, err := s.plan.run(ctx, taken)
		switch {
		case err == nil:
			s.outage.recover()
		case !errors.Is(err, errAlertTimeout) && taking.Err() == nil:
			s.outage.fail(s.messenger, err)
		}
		if err == nil {
			err = s.claim.run(ctx, p.claim)
		}
		switch {
		case errors.Is(err, errAlertTimeout):
			return taken
		case err != nil:
			nackAll(s.log, taken)
			sleep(taking, takeRetryDelay)
		default:
			s.passOn(p)
		}
	}
}

// passOn passes claimed tasks to the schedule stage, and deferrals to the defer stage. Queue
// messages without either are acked: other senders have their deliveries, or these must not
// be sent.
func (s *takeStage) passOn(p plan) {
	for _, r := range p.deferrals {
		r.message.pending.Add(1)
	}
	granted := slices.DeleteFunc(p.claim, func(t *task) bool { return t.claim.Fence == 0 })
	for _, t := range granted {
		t.message.pending.Add(1)
	}
	for _, m := range p.messages {
		if m.pending.Load() == 0 {
			logQueueError(s.log, "ack", m.Ack())
		}
	}
	s.deferrals.add(p.deferrals)
	if len(granted) > 0 {
		s.claimed <- granted
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
