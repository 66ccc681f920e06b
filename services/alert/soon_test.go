package alert_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestEndWithSomeTakenAhead proves that a clock that is told to end while it has what
// will be due soon puts that first, on time. Its time stands still until it was told.
func TestEndWithSomeTakenAhead(t *testing.T) {
	t.Parallel()
	l := ledgerIn(t, "sqlite")
	q, js := queueIn(t)
	ds := queued(1)
	record(t, l, ds)
	start := time.Now()
	due := start.Add(400 * time.Millisecond).Truncate(time.Microsecond)
	must(t, l.Defer(t.Context(), []alert.Deferral{{DeliveryID: ds[0].ID, Time: due}}, start))
	var told atomic.Bool
	now := func() time.Time {
		if told.Load() {
			return time.Now()
		}
		return start
	}
	d := &counted{Dispatcher: l, taken: make(chan time.Time, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	clock := alert.NewClock(d, q, alert.NewRule(messenger.Specs()), 5, now, slog.New(slog.DiscardHandler))
	go func() { ended <- clock.Run(ctx) }()
	receive(t, d.taken)
	cancel()
	told.Store(true)
	must(t, <-ended)
	if _, put := next(t, consume(t, js)); put.Before(due) {
		t.Errorf("it was put %s early", due.Sub(put))
	}
}
