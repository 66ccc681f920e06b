package sender

import (
	"context"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

const (
	// reportBatch is the number of deliveries in one call above which no more results are added.
	reportBatch = 1000
	// stopReportTimeout is how long the last results are retried after the sender stops.
	stopReportTimeout = 10 * time.Second
)

// A reportStage records the results of claimed deliveries, and then acks their queue
// messages.
type reportStage struct {
	log      *slog.Logger
	dispatch Dispatch
	link     *alertLink
	batch    *claimBatchSizer
	spans    spans
	results  resultQueue // from the schedule, call and reslot stages
}

// run records results until their channel ends, in batches of those that are queued.
func (s *reportStage) run(ctx context.Context) {
	for r := range s.results {
		s.record(ctx, withQueued(*r, s.results))
	}
}

// withQueued returns a batch of a first result and those that are queued, until they are of
// reportBatch deliveries.
func withQueued(first result, queued resultQueue) []result {
	batch := []result{first}
	for size := first.size(); size < reportBatch && len(queued) > 0; {
		next := <-queued
		batch = append(batch, *next)
		size += next.size()
	}
	return batch
}

// record records a batch of results.
func (s *reportStage) record(ctx context.Context, batch []result) {
	reports := make([]dispatch.Report, 0, len(batch))
	var ds []dispatch.Deferral
	for _, r := range batch {
		if r.report != nil {
			reports = append(append(reports, *r.report), r.otherReports...)
			s.batch.observe(r.report.EndTime.Sub(r.report.StartTime))
		}
		if r.deferral != nil {
			ds = append(append(ds, *r.deferral), r.otherDeferrals...)
		}
	}
	err := s.sendReports(ctx, reports, batch)
	if err != nil {
		s.log.Error("cannot record outcomes, their attempts will be unknown", "deliveries", len(reports), "error", err)
	}
	if deferErr := s.sendDeferrals(ctx, ds); deferErr != nil {
		s.log.Warn("cannot defer deliveries, they continue when the queue redelivers them or their leases expire",
			"deliveries", len(ds), "error", deferErr)
		err = deferErr
	}
	ackRecorded(s.log, batch, err)
}

// sendReports sends the reports of a batch, with retries until a grace period after ctx ended.
func (s *reportStage) sendReports(ctx context.Context, reports []dispatch.Report, batch []result) error {
	if len(reports) == 0 {
		return nil
	}
	ctx, cancel := withGrace(ctx, stopReportTimeout)
	defer cancel()
	ctx, span := s.spans.startReport(ctx, batch)
	late, err := retryCall(ctx, s.link, "report outcomes", func() ([]int64, error) { return s.dispatch.Report(ctx, reports) })
	endBatch(span, err)
	for _, id := range late {
		deliveryLog(s.log, id, traceOf(batch, id)).Warn("late outcome not recorded, the delivery was claimed again or completed")
	}
	return err
}

// traceOf returns the trace of a delivery in a batch.
func traceOf(batch []result, delivery int64) telemetry.TraceContext {
	for _, r := range batch {
		if r.report != nil && r.report.DeliveryID == delivery {
			return r.trace
		}
	}
	return ""
}

// sendDeferrals sends deferrals, with retries until a grace period after ctx ended.
func (s *reportStage) sendDeferrals(ctx context.Context, ds []dispatch.Deferral) error {
	if len(ds) == 0 {
		return nil
	}
	ctx, cancel := withGrace(ctx, stopReportTimeout)
	defer cancel()
	_, err := retryCall(ctx, s.link, "defer deliveries", func() (struct{}, error) { return struct{}{}, s.dispatch.Defer(ctx, ds) })
	return err
}
