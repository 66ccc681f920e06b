package sender

import (
	"log/slog"
	"sync/atomic"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
)

// An inFlightMessage is an in-flight message, with the number of its unsettled deliveries.
// Its counters are safe for concurrent use.
type inFlightMessage struct {
	job.QueueMessage
	unsettled  atomic.Int32 // incremented before the first result
	unrecorded atomic.Bool  // a result could not be recorded
}

// A result ends a task, with a report or a deferral.
type result struct {
	message  *inFlightMessage
	report   *dispatch.Report
	called   bool // the report is of an actual call
	deferral *dispatch.Deferral
}

// settle settles results, which err reports as not recorded. It acks the queue messages of
// which all deliveries are recorded, and nacks those of which some could not be. It is safe
// for concurrent use.
func settle(log *slog.Logger, results []result, err error) {
	for _, r := range results {
		if err != nil {
			r.message.unrecorded.Store(true)
		}
		if r.message.unsettled.Add(-1) > 0 {
			continue
		}
		if r.message.unrecorded.Load() {
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
func logQueueError(log *slog.Logger, what string, err error) {
	if err != nil {
		log.Debug("queue operation failed", "op", what, "error", err)
	}
}
