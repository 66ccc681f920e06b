package alert_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// BenchmarkLateness defers 10,000 deliveries to one instant or evenly over some seconds,
// and measures how long after their due times their jobs are in the stream.
func BenchmarkLateness(b *testing.B) {
	for _, store := range []string{"sqlite", "postgres"} {
		for _, spread := range []time.Duration{0, 5 * time.Second} {
			b.Run(fmt.Sprintf("%s/over %s", store, spread), func(b *testing.B) {
				for b.Loop() {
					late := lateness(b, ledgerIn(b, store), 10_000, spread)
					b.ReportMetric(late[len(late)/2].Seconds()*1000, "median-ms")
					b.ReportMetric(late[len(late)*99/100].Seconds()*1000, "p99-ms")
					b.ReportMetric(late[len(late)-1].Seconds()*1000, "max-ms")
				}
			})
		}
	}
}

// lateness runs a dispatch loop over a ledger and an embedded broker, and returns how late
// each of count deliveries was in the stream, sorted.
func lateness(t testing.TB, l *ledger.Store, count int, spread time.Duration) []time.Duration {
	t.Helper()
	q, js := queueIn(t)
	const alerts = 100
	var deferrals []dispatch.Deferral
	for range alerts {
		ds := queued(count / alerts)
		record(t, l, ds)
		for _, d := range ds {
			deferrals = append(deferrals, dispatch.Deferral{DeliveryID: d.ID})
		}
	}
	start := time.Now().Add(3 * time.Second).Truncate(time.Microsecond)
	due := make(map[int64]time.Time, count)
	for i := range deferrals {
		at := start.Add(spread * time.Duration(i) / time.Duration(count)).Truncate(time.Microsecond)
		deferrals[i].Time, due[deferrals[i].DeliveryID] = at, at
	}
	must(t, l.Defer(t.Context(), deferrals, time.Now()))
	if after := time.Since(start); after > 0 {
		t.Logf("the ledger was filled %s too late; every delivery is at least as late", after)
	}
	run(t, newDispatchLoop(l, q))
	return arrivals(t, js, due)
}

// arrivals reads the stream until it has each delivery, and returns how late each was,
// sorted.
func arrivals(t testing.TB, js jetstream.JetStream, due map[int64]time.Time) []time.Duration {
	t.Helper()
	jobs := consume(t, js)
	var late []time.Duration
	seen := map[int64]bool{}
	for len(late) < len(due) {
		ds, enqueued := next(t, jobs)
		for _, d := range ds {
			if seen[d.GetId()] {
				t.Errorf("delivery %d was enqueued twice", d.GetId())
			}
			seen[d.GetId()] = true
			late = append(late, enqueued.Sub(due[d.GetId()]))
		}
	}
	slices.Sort(late)
	return late
}
