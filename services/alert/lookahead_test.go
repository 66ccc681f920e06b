package alert_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestStopWithLookahead proves that a stopping dispatch loop first enqueues the jobs
// that were taken ahead of time, on time. Its clock stands still until it is stopped.
func TestStopWithLookahead(t *testing.T) {
	t.Parallel()
	l := ledgerIn(t, "sqlite")
	q, js := queueIn(t)
	ds := queued(1)
	record(t, l, ds)
	start := time.Now()
	due := start.Add(400 * time.Millisecond).Truncate(time.Microsecond)
	must(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: ds[0].ID, Time: due}}, start))
	var clockRuns atomic.Bool
	now := func() time.Time {
		if clockRuns.Load() {
			return time.Now()
		}
		return start
	}
	d := &countingDispatcher{Dispatcher: l, taken: make(chan time.Time, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	loop := alert.NewDispatchLoop(d, q, alert.NewVerdictRule(all.Specs()), 5, now, slog.New(slog.DiscardHandler))
	go func() { ended <- loop.Run(ctx) }()
	receive(t, d.taken)
	cancel()
	clockRuns.Store(true)
	must(t, <-ended)
	if _, enqueued := next(t, consume(t, js)); enqueued.Before(due) {
		t.Errorf("enqueued %s early", due.Sub(enqueued))
	}
}
