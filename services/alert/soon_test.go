package alert_test

import (
	"context"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/alert"
)

// TestEndWithSomeTakenAhead proves that a clock that is told to end while it has what
// will be due soon puts that first, on time.
func TestEndWithSomeTakenAhead(t *testing.T) {
	t.Parallel()
	l := ledgerIn(t, "sqlite")
	q, js := queueIn(t)
	ds := queued(1)
	record(t, l, ds)
	due := time.Now().Add(400 * time.Millisecond).Truncate(time.Microsecond)
	must(t, l.Defer(t.Context(), []alert.Deferral{{DeliveryID: ds[0].ID, Time: due}}, time.Now()))
	d := &counted{Dispatcher: l, taken: make(chan time.Time, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- newClock(d, q).Run(ctx) }()
	taken := receive(t, d.taken)
	cancel()
	must(t, <-ended)
	if !taken.Before(due) {
		t.Fatalf("it was taken %s late", taken.Sub(due))
	}
	if _, put := next(t, consume(t, js)); put.Before(due) {
		t.Errorf("it was put %s early", due.Sub(put))
	}
}
