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
func (pl *pipeline) reportLoop(ctx context.Context) {
	for r := range pl.results {
		batch := []result{r}
		for len(batch) < reportBatch && len(pl.results) > 0 {
			batch = append(batch, <-pl.results)
		}
		pl.recordResults(ctx, batch)
	}
}

func (pl *pipeline) recordResults(ctx context.Context, batch []result) {
	reports := make([]Report, 0, len(batch))
	var ds []Deferral
	for _, r := range batch {
		if r.report != nil {
			reports = append(reports, *r.report)
			pl.batch.observe(r.report.EndTime.Sub(r.report.StartTime))
		}
		if r.deferral != nil {
			ds = append(ds, *r.deferral)
		}
	}
	err := pl.sendReports(ctx, reports)
	if err != nil {
		pl.Log.Error("cannot record outcomes, their attempts will be unknown",
			"messenger", pl.name, "deliveries", len(reports), "error", err)
	}
	if wait := pl.sendDeferrals(ctx, ds); wait != nil {
		pl.Log.Warn("cannot defer deliveries, they continue when the queue redelivers them or their leases expire",
			"messenger", pl.name, "deliveries", len(ds), "error", wait)
		err = wait
	}
	pl.ackSettled(batch, err)
}

// deferLoop records the deferrals of unclaimed deliveries, in batches of those that are
// queued. If the alert service does not respond soon, their jobs are nacked.
func (pl *pipeline) deferLoop(ctx context.Context) {
	for r := range pl.deferrals {
		batch := []result{r}
		for len(batch) < reportBatch && len(pl.deferrals) > 0 {
			batch = append(batch, <-pl.deferrals)
		}
		ds := make([]Deferral, len(batch))
		for i, r := range batch {
			ds[i] = *r.deferral
		}
		_, err := callAlert(ctx, pl, "defer deliveries",
			func(ctx context.Context) (struct{}, error) { return struct{}{}, pl.Dispatch.Defer(ctx, ds) },
			func(context.Context, struct{}) {})
		if err != nil && !errors.Is(err, errAlertTimeout) {
			pl.Log.Warn("cannot defer deliveries, nacking their jobs", "messenger", pl.name, "deliveries", len(ds), "error", err)
		}
		pl.deferring.Add(-len(batch))
		pl.ackSettled(batch, err)
	}
}

// ackSettled acks the queue messages of which all deliveries are recorded, and nacks those of
// which some could not be.
func (pl *pipeline) ackSettled(batch []result, err error) {
	for _, r := range batch {
		if err != nil {
			r.hand.unrecorded.Store(true)
		}
		if r.hand.unsettled.Add(-1) > 0 {
			continue
		}
		if r.hand.unrecorded.Load() {
			pl.logJobError("nack", r.hand.Nack())
		} else {
			pl.logJobError("ack", r.hand.Ack())
		}
	}
}

// sendReports reports outcomes until the alert service responds, or until a grace period after
// ctx ended.
func (pl *pipeline) sendReports(ctx context.Context, reports []Report) error {
	if len(reports) == 0 {
		return nil
	}
	ctx, cancel := withGrace(ctx, stopReportTimeout)
	defer cancel()
	late, err := retryUntilAnswered(ctx, pl.link, "report outcomes", func() ([]int64, error) { return pl.Dispatch.Report(ctx, reports) })
	for _, id := range late {
		pl.Log.Warn("late outcome not recorded, the delivery was claimed again or completed", "messenger", pl.name, "delivery", id)
	}
	return err
}

// sendDeferrals sends deferrals until the alert service responds, or until a grace period after
// ctx ended.
func (pl *pipeline) sendDeferrals(ctx context.Context, ds []Deferral) error {
	if len(ds) == 0 {
		return nil
	}
	ctx, cancel := withGrace(ctx, stopReportTimeout)
	defer cancel()
	_, err := retryUntilAnswered(ctx, pl.link, "defer deliveries", func() (struct{}, error) { return struct{}{}, pl.Dispatch.Defer(ctx, ds) })
	return err
}
