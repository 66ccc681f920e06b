package sender

import (
	"context"
	"errors"
	"time"
)

const (
	// reportBatch is the maximum number of results in one call.
	reportBatch = 1000
	// stopReportTimeout is how long the last results are retried after the sender stops.
	stopReportTimeout = 10 * time.Second
)

// reportLoop records results, in batches of those that are queued, and acks completed queue
// messages.
func (l *pipeline) reportLoop(ctx context.Context) {
	for r := range l.results {
		batch := []result{r}
		for len(batch) < reportBatch && len(l.results) > 0 {
			batch = append(batch, <-l.results)
		}
		l.recordResults(ctx, batch)
	}
}

func (l *pipeline) recordResults(ctx context.Context, batch []result) {
	reports := make([]Report, 0, len(batch))
	var ds []Deferral
	for _, r := range batch {
		if r.report != nil {
			reports = append(reports, *r.report)
			l.batch.observe(r.report.End.Sub(r.report.Start))
		}
		if r.deferral != nil {
			ds = append(ds, *r.deferral)
		}
	}
	err := l.sendReports(ctx, reports)
	if err != nil {
		l.Log.Error("cannot record outcomes, their attempts will be unknown",
			"messenger", l.name, "deliveries", len(reports), "error", err)
	}
	if wait := l.sendDeferrals(ctx, ds); wait != nil {
		l.Log.Warn("cannot defer deliveries, they continue when the queue redelivers them or their leases expire",
			"messenger", l.name, "deliveries", len(ds), "error", wait)
		err = wait
	}
	l.ackSettled(batch, err)
}

// deferLoop records the deferrals of unclaimed deliveries, in batches of those that are
// queued. If the alert service does not respond soon, their jobs are nacked.
func (l *pipeline) deferLoop(ctx context.Context) {
	for r := range l.deferrals {
		batch := []result{r}
		for len(batch) < reportBatch && len(l.deferrals) > 0 {
			batch = append(batch, <-l.deferrals)
		}
		ds := make([]Deferral, len(batch))
		for i, r := range batch {
			ds[i] = *r.deferral
		}
		_, err := callAlert(ctx, l, "defer deliveries",
			func(ctx context.Context) (struct{}, error) { return struct{}{}, l.Dispatch.Defer(ctx, ds) },
			func(context.Context, struct{}) {})
		if err != nil && !errors.Is(err, errAlertTimeout) {
			l.Log.Warn("cannot defer deliveries, nacking their jobs", "messenger", l.name, "deliveries", len(ds), "error", err)
		}
		l.deferring.Add(-len(batch))
		l.ackSettled(batch, err)
	}
}

// ackSettled acks the queue messages of which all deliveries are recorded, and nacks those of
// which some could not be.
func (l *pipeline) ackSettled(batch []result, err error) {
	for _, r := range batch {
		if err != nil {
			r.hand.unrecorded.Store(true)
		}
		if r.hand.unsettled.Add(-1) > 0 {
			continue
		}
		if r.hand.unrecorded.Load() {
			l.logJobError("nack", r.hand.Nack())
		} else {
			l.logJobError("ack", r.hand.Ack())
		}
	}
}

// sendReports reports outcomes until the alert service responds, or until a grace period after
// ctx ended.
func (l *pipeline) sendReports(ctx context.Context, reports []Report) error {
	if len(reports) == 0 {
		return nil
	}
	ctx, cancel := withGrace(ctx, stopReportTimeout)
	defer cancel()
	late, err := retryUntilAnswered(ctx, l.link, "report outcomes", func() ([]int64, error) { return l.Dispatch.Report(ctx, reports) })
	for _, id := range late {
		l.Log.Warn("late outcome not recorded, the delivery was claimed again or completed", "messenger", l.name, "delivery", id)
	}
	return err
}

// sendDeferrals sends deferrals until the alert service responds, or until a grace period after
// ctx ended.
func (l *pipeline) sendDeferrals(ctx context.Context, ds []Deferral) error {
	if len(ds) == 0 {
		return nil
	}
	ctx, cancel := withGrace(ctx, stopReportTimeout)
	defer cancel()
	_, err := retryUntilAnswered(ctx, l.link, "defer deliveries", func() (struct{}, error) { return struct{}{}, l.Dispatch.Defer(ctx, ds) })
	return err
}
