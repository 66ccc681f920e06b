package sender

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

const (
	// reportBatch is how many outcomes are reported in one call.
	reportBatch = 1000
	// lastReports is how long the last outcomes are tried to be reported when the
	// sender stops.
	lastReports = 10 * time.Second
)

// A lane works the jobs of one messenger.
type lane struct {
	*Sender
	messenger messenger.Messenger
	name      string

	claimed chan task   // to the workers
	results chan result // to the reporter
}

// A task is a delivery that was claimed.
type task struct {
	hand     *hand
	delivery job.Delivery
	claim    Claim
}

// A hand is a job in hand, and how many of its deliveries are not reported.
type hand struct {
	job.Taken
	left int // touched by the taker before the first task, then by the reporter only
}

// A result is a task that is over; report is nil where no call was made.
type result struct {
	hand   *hand
	report *Report
}

// run takes, calls and reports until ctx ends; then each stage finishes what the
// one before it handed over.
func (l *lane) run(ctx context.Context) error {
	jobs := l.Jobs(l.name)
	l.claimed = make(chan task)
	l.results = make(chan result, reportBatch)

	var takers, workers, reporters errgroup.Group
	takers.Go(func() error { return jobs.Run(ctx) })
	takers.Go(func() error { l.take(ctx, jobs); return nil })
	for range l.Workers {
		workers.Go(func() error { l.work(ctx); return nil })
	}
	reporters.Go(func() error { l.report(ctx); return nil })

	err := takers.Wait()
	close(l.claimed)
	_ = workers.Wait() // its members return nil
	close(l.results)
	_ = reporters.Wait()
	return err
}

// take claims what it takes, no more at once than the workers can begin with soon,
// so that leases do not run out while deliveries wait for a worker.
func (l *lane) take(ctx context.Context, jobs Jobs) {
	for {
		taken, err := jobs.Take(ctx, max(1, l.Workers/4))
		if err != nil {
			return // ctx ended
		}
		claims, err := l.claim(ctx, taken)
		if err != nil {
			for _, t := range taken {
				l.note("return a job", t.Return())
			}
			continue
		}
		for _, t := range taken {
			l.handOver(t, claims)
		}
	}
}

// claim asks until it is answered, or until ctx ends: without a claim nothing may
// be sent.
func (l *lane) claim(ctx context.Context, taken []job.Taken) (map[int64]Claim, error) {
	var ids []int64
	for _, t := range taken {
		for _, d := range t.Job.Deliveries {
			ids = append(ids, d.ID)
		}
	}
	return insist(ctx, l.Log, "claim deliveries", func() (map[int64]Claim, error) { return l.Dispatch.Claim(ctx, ids) })
}

// handOver gives the granted deliveries of a job to the workers. A job of which
// nothing was granted is done: others send it, or nobody must.
func (l *lane) handOver(t job.Taken, claims map[int64]Claim) {
	h := &hand{Taken: t}
	granted := make([]task, 0, len(t.Job.Deliveries))
	for _, d := range t.Job.Deliveries {
		if c, ok := claims[d.ID]; ok {
			delete(claims, d.ID) // a copy of the job may have been taken along with it
			granted = append(granted, task{hand: h, delivery: d, claim: c})
		}
	}
	h.left = len(granted)
	if h.left == 0 {
		l.note("finish a job", t.Done())
	}
	for _, task := range granted {
		l.claimed <- task
	}
}

// work calls the provider for one delivery after the other, to the last that was
// claimed, even when ctx has ended.
func (l *lane) work(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for t := range l.claimed {
		l.results <- result{hand: t.hand, report: l.attempt(ctx, t)}
	}
}

// report records outcomes, as many at once as have come together, and lets go of
// the jobs that are done.
func (l *lane) report(ctx context.Context) {
	for r := range l.results {
		batch := []result{r}
		for len(batch) < reportBatch && len(l.results) > 0 {
			batch = append(batch, <-l.results)
		}
		l.record(ctx, batch)
	}
}

func (l *lane) record(ctx context.Context, batch []result) {
	reports := make([]Report, 0, len(batch))
	for _, r := range batch {
		if r.report != nil {
			reports = append(reports, *r.report)
		}
	}
	err := l.send(ctx, reports)
	if err != nil {
		l.Log.Error("outcomes were not recorded; their attempts will count as unknown",
			"messenger", l.name, "deliveries", len(reports), "error", err)
	}
	for _, r := range batch {
		if r.hand.left--; r.hand.left > 0 {
			continue
		}
		if err != nil {
			l.note("return a job", r.hand.Return())
		} else {
			l.note("finish a job", r.hand.Done())
		}
	}
}

// send reports until it is answered, or until ctx ended a while ago.
func (l *lane) send(ctx context.Context, reports []Report) error {
	if len(reports) == 0 {
		return nil
	}
	ctx, cancel := outlive(ctx, lastReports)
	defer cancel()
	late, err := insist(ctx, l.Log, "report outcomes", func() ([]int64, error) { return l.Dispatch.Report(ctx, reports) })
	for _, id := range late {
		l.Log.Warn("an outcome came too late and was not recorded", "messenger", l.name, "delivery", id)
	}
	return err
}

// note logs what went wrong with a job and needs no answer: the queue gives the
// job to somebody again, and its deliveries are not claimed twice.
func (l *lane) note(what string, err error) {
	if err != nil {
		l.Log.Debug("the queue does not do what is asked", "asked", what, "messenger", l.name, "error", err)
	}
}
