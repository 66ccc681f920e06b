package inbox

import (
	"context"
	"log/slog"
	"time"
)

const (
	// maxReportReads is the maximum number of reads in a call to the recorder.
	maxReportReads = 1000
	// reportDelay is how long a read waits for others before it is reported.
	reportDelay = 100 * time.Millisecond
	// reportInterval is how often the store is queried for reads without a notification: those
	// that another process did not report before it ended.
	reportInterval = 10 * time.Second
	// minReportRetry and maxReportRetry are the first and the longest wait after a failure; each
	// wait doubles the one before.
	minReportRetry, maxReportRetry = time.Second, time.Minute
)

// A ReadReporter reports reads to the alert service while it runs. A read is reported until the
// recorder has it, also after a restart; it may be reported twice.
type ReadReporter struct {
	reads    Reads
	recorder ReadRecorder
	log      *slog.Logger

	notified chan struct{}
	failures int // in a row
}

// NewReadReporter returns a reporter of the reads of a store.
func NewReadReporter(reads Reads, to ReadRecorder, log *slog.Logger) *ReadReporter {
	return &ReadReporter{reads: reads, recorder: to, log: log, notified: make(chan struct{}, 1)}
}

// Notify tells the reporter that there are new reads. It does not block; a nil reporter ignores
// it.
func (r *ReadReporter) Notify() {
	if r == nil {
		return
	}
	select {
	case r.notified <- struct{}{}:
	default:
	}
}

// Run runs until ctx ends. Reads of its last moments are reported at the next start, or by another
// process.
func (r *ReadReporter) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		notified := r.notified
		if r.failures > 0 {
			notified = nil // new reads do not shorten the wait
		}
		select {
		case <-notified:
			timer.Reset(reportDelay)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return nil
			}
			timer.Reset(r.report(ctx))
		case <-timer.C:
			timer.Reset(r.report(ctx))
		case <-ctx.Done():
			return nil
		}
	}
}

// report reports all reads that are not reported, and returns the wait until the next query.
func (r *ReadReporter) report(ctx context.Context) time.Duration {
	for {
		n, err := r.reportSome(ctx)
		if err != nil {
			return r.failed(ctx, err)
		}
		if r.failures > 0 {
			r.log.Info("reporting reads to the alert service works again", "failures", r.failures)
			r.failures = 0
		}
		if n < maxReportReads {
			return reportInterval
		}
	}
}

// reportSome reports some reads, and returns their number.
func (r *ReadReporter) reportSome(ctx context.Context) (int, error) {
	reads, err := r.reads.UnreportedReads(ctx, maxReportReads)
	if err != nil || len(reads) == 0 {
		return 0, err
	}
	if err := r.recorder.RecordReads(ctx, reads); err != nil {
		return 0, err
	}
	ids := make([]int64, len(reads))
	for i, read := range reads {
		ids[i] = read.DeliveryID
	}
	return len(reads), r.reads.SetReported(ctx, ids)
}

// failed returns the wait after a failure. It logs the first of a row.
func (r *ReadReporter) failed(ctx context.Context, err error) time.Duration {
	if r.failures == 0 && ctx.Err() == nil {
		r.log.Warn("reporting reads to the alert service failed; retrying", "error", err)
	}
	wait := min(minReportRetry<<min(r.failures, 10), maxReportRetry)
	r.failures++
	return wait
}
