package sender

import (
	"context"
	"errors"
	"time"
)

const (
	// reportBatch is the maximum number of results in one call.
	reportBatch = 1000
	// lastReports is how long the last results are retried after the sender stops.
	lastReports = 10 * time.Second
)

// report records results, in batches of those that are queued, and acks completed queue
// messages.
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
	var ds []Deferral
	for _, r := range batch {
		if r.report != nil {
			reports = append(reports, *r.report)
			l.calls.saw(r.report.End.Sub(r.report.Start))
		}
		if r.deferral != nil {
			ds = append(ds, *r.deferral)
		}
	}
	err := l.send(ctx, reports)
	if err != nil {
		l.Log.Error("cannot record outcomes, their attempts will be unknown",
			"messenger", l.name, "deliveries", len(reports), "error", err)
	}
	if wait := l.defers(ctx, ds); wait != nil {
		l.Log.Warn("cannot defer deliveries, they continue when the queue redelivers them or their leases expire",
			"messenger", l.name, "deliveries", len(ds), "error", wait)
		err = wait
	}
	l.settle(batch, err)
}

// putBack records the deferrals of unclaimed deliveries, in batches of those that are
// queued. If the alert service does not respond soon, their jobs are nacked.
func (l *lane) putBack(ctx context.Context) {
	for r := range l.deferrals {
		batch := []result{r}
		for len(batch) < reportBatch && len(l.deferrals) > 0 {
			batch = append(batch, <-l.deferrals)
		}
		ds := make([]Deferral, len(batch))
		for i, r := range batch {
			ds[i] = *r.deferral
		}
		_, err := answered(ctx, l, "defer deliveries",
			func(ctx context.Context) (struct{}, error) { return struct{}{}, l.Dispatch.Defer(ctx, ds) },
			func(context.Context, struct{}) {})
		if err != nil && !errors.Is(err, errUnanswered) {
			l.Log.Warn("cannot defer deliveries, nacking their jobs", "messenger", l.name, "deliveries", len(ds), "error", err)
		}
		l.deferring.Add(-len(batch))
		l.settle(batch, err)
	}
}

// settle acks the queue messages of which all deliveries are recorded, and nacks those of
// which some could not be.
func (l *lane) settle(batch []result, err error) {
	for _, r := range batch {
		if err != nil {
			r.hand.lost.Store(true)
		}
		if r.hand.left.Add(-1) > 0 {
			continue
		}
		if r.hand.lost.Load() {
			l.note("nack", r.hand.Return())
		} else {
			l.note("ack", r.hand.Done())
		}
	}
}

// send reports outcomes until the alert service responds, or until a grace period after
// ctx ended.
func (l *lane) send(ctx context.Context, reports []Report) error {
	if len(reports) == 0 {
		return nil
	}
	ctx, cancel := outlive(ctx, lastReports)
	defer cancel()
	late, err := insist(ctx, l.link, "report outcomes", func() ([]int64, error) { return l.Dispatch.Report(ctx, reports) })
	for _, id := range late {
		l.Log.Warn("late outcome not recorded, the delivery was claimed again or completed", "messenger", l.name, "delivery", id)
	}
	return err
}

// defers sends deferrals until the alert service responds, or until a grace period after
// ctx ended.
func (l *lane) defers(ctx context.Context, ds []Deferral) error {
	if len(ds) == 0 {
		return nil
	}
	ctx, cancel := outlive(ctx, lastReports)
	defer cancel()
	_, err := insist(ctx, l.link, "defer deliveries", func() (struct{}, error) { return struct{}{}, l.Dispatch.Defer(ctx, ds) })
	return err
}
