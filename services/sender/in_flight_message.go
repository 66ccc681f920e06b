package sender

import (
	"log/slog"
	"sync/atomic"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// An inFlightMessage is an in-flight message, with the state that decides whether it is
// acked or nacked. Its counters are safe for concurrent use.
type inFlightMessage struct {
	job.QueueMessage
	pending atomic.Int32 // tasks without a recorded result; set before the first result
	failed  atomic.Bool  // a result could not be recorded
}

// A result ends a task, with a report or a deferral.
type result struct {
	message  *inFlightMessage
	trace    telemetry.TraceContext // of the alert; empty for a deferral
	attempt  int64                  // its number; 0 without a claim
	report   *dispatch.Report
	called   bool // the report is of an actual call
	deferral *dispatch.Deferral

	otherReports   []dispatch.Report   // of the other deliveries of a digest
	otherDeferrals []dispatch.Deferral // of the other deliveries of a digest
}

// A resultQueue passes results from one stage to another. It holds pointers: each of the
// queues of all messengers has room for a report batch from the start, whether or not the
// messenger is in use.
type resultQueue chan *result

func newResultQueue() resultQueue { return make(resultQueue, reportBatch) }

// add adds a result. It blocks while the queue is full.
func (q resultQueue) add(r result) { q <- &r }

// size returns the number of deliveries of a result.
func (r result) size() int { return 1 + len(r.otherReports) + len(r.otherDeferrals) }

// ackRecorded counts results as recorded, or as failed if err is not nil: the error of
// recording them. It acks the queue messages of which all deliveries are recorded, and nacks
// those of which some could not be. It is safe for concurrent use.
func ackRecorded(log *slog.Logger, results []result, err error) {
	for _, r := range results {
		if err != nil {
			r.message.failed.Store(true)
		}
		if r.message.pending.Add(-1) > 0 {
			continue
		}
		if r.message.failed.Load() {
			logQueueError(log, "nack", r.message.Nack())
		} else {
			logQueueError(log, "ack", r.message.Ack())
		}
	}
}

// nackAll nacks queue messages.
func nackAll(log *slog.Logger, messages []job.QueueMessage) {
	for _, m := range messages {
		logQueueError(log, "nack", m.Nack())
	}
}

// logQueueError logs a failed ack or nack. It needs no retry: the queue redelivers the
// message, and its deliveries are not claimed twice.
func logQueueError(log *slog.Logger, op string, err error) {
	if err != nil {
		log.Debug("queue operation failed", "op", op, "error", err)
	}
}
