package alert_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestClockStepBack has an alert service whose clock is an hour ahead and steps back,
// while it runs or across a restart: deliveries deferred for some seconds are enqueued
// within seconds, also those taken ahead of time, and not after an hour.
func TestClockStepBack(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		for _, wait := range []time.Duration{300 * time.Millisecond, 2 * time.Second} {
			t.Run(fmt.Sprintf("restarted %t, due in %s", restarted, wait), func(t *testing.T) {
				t.Parallel()
				var ahead atomic.Int64
				ahead.Store(int64(time.Hour))
				now := func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) }
				var logged bytes.Buffer // written by the dispatch loop, read after it has ended
				l := ledgerIn(t, "sqlite")
				q, js := queueIn(t)
				d := &countingDispatcher{Dispatcher: l, nexts: make(chan time.Time, 100), taken: make(chan time.Time, 10)}
				start := func() (stop func()) {
					c := alert.NewDispatchLoop(d, q, alert.NewVerdictRule(all.Specs()), 5, now, slog.New(slog.NewTextHandler(&logged, nil)))
					ctx, cancel := context.WithCancel(t.Context())
					ended := make(chan error, 1)
					go func() { ended <- c.Run(ctx) }()
					return func() {
						cancel()
						must(t, <-ended)
					}
				}
				ds := queued(1)
				recordAt(t, l, ds, now())
				stop := start()
				receive(t, d.nexts)
				must(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: ds[0].ID, Time: now().Add(wait)}}, now()))
				switch {
				case restarted && wait > time.Second: // not taken ahead of time
					stop()
					ahead.Store(0)
					stop = start()
				case restarted: // a stopping dispatch loop enqueues the jobs taken ahead of time
					ahead.Store(0)
					stop()
					stop = start()
				default:
					ahead.Store(0)
				}
				before := time.Now()
				next(t, consume(t, js))
				if took := time.Since(before); took > 10*time.Second {
					t.Errorf("enqueued after %s", took)
				}
				for len(d.nexts) > 0 {
					<-d.nexts
				}
				receive(t, d.nexts)
				receive(t, d.nexts) // of a round that began after that
				stop()
				if !strings.Contains(logged.String(), "clock stepped back") {
					t.Errorf("the clock step is not logged:\n%s", logged.String())
				}
			})
		}
	}
}
