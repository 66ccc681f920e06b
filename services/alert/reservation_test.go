package alert_test

import (
	"context"
	"strings"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A gatedQueue enqueues nothing until its gate is closed, and notifies of each call.
type gatedQueue struct {
	alert.Queue
	called chan time.Time
	gate   chan struct{}
}

func (q *gatedQueue) Enqueue(ctx context.Context, jobs []job.Job, size int) error {
	signal(q.called)
	<-q.gate
	return q.Queue.Enqueue(ctx, jobs, size)
}

// TestReservation checks that a batch for which the outbox has no room is enqueued from the
// ledger: every delivery once, without a re-enqueue of all others, and that room is released.
func TestReservation(t *testing.T) {
	h := newServiceHarness(t)
	h.now = time.Now()
	q, js := queueIn(t)
	counting := &countingDispatcher{Dispatcher: h.ledger, nexts: make(chan time.Time, 1), reenqueued: make(chan int, 100)}
	gated := &gatedQueue{q, make(chan time.Time, 1), make(chan struct{})}
	loop := newDispatchLoop(counting, gated)
	h.alerts.Loop = loop
	run(t, loop)
	receive(t, counting.nexts) // it has compared the queue with the ledger

	const first, second = 400, 60
	batch := func(n int) []*alertv1.SendAlertRequest {
		alerts := make([]*alertv1.SendAlertRequest, n)
		for i := range alerts {
			alerts[i] = request("", strings.Repeat("m", 20000), "@kim")
			alerts[i].By = []string{"sms"}
		}
		return alerts
	}
	large := make([]alert.Addition, first)
	for i := range large {
		large[i] = alert.Addition{Alert: alert.Alert{Message: strings.Repeat("m", 20000)}, Deliveries: queued(1)}
	}
	h.sendAlerts(t, "", "", batch(1)...)
	receive(t, gated.called) // from now on the loop waits
	h.sendAlerts(t, "", "", batch(first)...)
	if _, ok := loop.Reserve(large); ok {
		t.Fatal("there is room for a second large batch")
	}
	h.sendAlerts(t, "", "", batch(second)...)
	due, _, err := h.ledger.NextTimes(t.Context())
	must(t, err)
	if due.After(h.now) {
		t.Errorf("the second batch is due at %s, want now", due)
	}

	// The second batch is taken from the ledger, and the first one from the outbox.
	messages := consume(t, js)
	close(gated.gate)
	seen := map[int64]bool{}
	for len(seen) < 1+first+second {
		ds, _ := next(t, messages)
		for _, d := range ds {
			if seen[d.GetId()] {
				t.Errorf("delivery %d was enqueued twice", d.GetId())
			}
			seen[d.GetId()] = true
		}
	}
	receive(t, counting.nexts)
	receive(t, counting.nexts) // a whole round after all jobs
	info, err := js.Stream(t.Context(), "BONGSU_JOBS")
	must(t, err)
	if len(counting.reenqueued) > 0 || info.CachedInfo().State.LastSeq > 1+first+second {
		t.Errorf("jobs were enqueued again: %d messages", info.CachedInfo().State.LastSeq)
	}
	r, ok := loop.Reserve(large)
	if !ok {
		t.Fatal("room was not released")
	}
	loop.EnqueueReserved(r, nil)
	if r, ok = loop.Reserve(large); !ok {
		t.Fatal("room of a batch of duplicates was not released")
	}
	loop.EnqueueReserved(r, nil)
}
