package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/test/proc"
)

// manyRecipients sends one alert to many recipients under one credential at 50 calls
// per second: it takes at most 10 % longer than the minimum, as the provider measures
// it, and is hardly faster, even in the second after a stall. The full number is 1,300.
func manyRecipients(t *testing.T) {
	count := testenv.Pick(260, 1300)
	d, _ := startWithLimit(t, t.TempDir(), "--credential-limit=50/s", "--destination-limit=")
	d.createUsers(t, "u", "xoxb-one", count)
	start := time.Now()
	id := d.send(t, `{"target":["@all"],"message":"m"}`).ID
	deliveries := d.endedWithin(t, id, 2*time.Minute)
	allSent(t, deliveries)
	for _, delivery := range deliveries {
		if len(delivery.GetAttempts()) != 1 {
			t.Errorf("%v", delivery)
		}
	}
	calls := times(d.calls(t), "")
	floor := time.Duration(count-1) * time.Second / 50
	took := calls[len(calls)-1].Sub(start)
	t.Logf("%d recipients took %s, the minimum is %s; the busiest second had %d calls", len(calls), took, floor, busiest(calls))
	most := floor * 110 / 100
	if count < 1300 { // a busy machine starts late, which only the full run averages out
		most += time.Second
	}
	if len(calls) != count || took > most || busiest(calls) > 57 {
		t.Errorf("%d calls for %d recipients in %s, at most %d a second", len(calls), count, took, busiest(calls))
	}
}

// thirtyAlerts sends 30 alerts at once to one channel of a provider that accepts one
// per second and rejects the rest: all are delivered, and no attempt is wasted.
func thirtyAlerts(t *testing.T) {
	for name, limit := range map[string]string{"a second apart": "--destination-limit=1/s", "in bursts as Slack allows": "--destination-limit=", "by the provider's responses only": "--destination-limit=off"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := startWithLimit(t, t.TempDir(), "--credential-limit=off", limit)
			d.createUsers(t, "u", "xoxb-one", 1)
			d.fault(t, &mockupv1.Fault{PerSecond: 1, Status: 429, Headers: map[string]string{"Retry-After": "1"}})
			ids := make([]string, 30)
			var g errgroup.Group
			for i := range ids {
				g.Go(func() error {
					ids[i] = d.send(t, fmt.Sprintf(`{"target":["@u0"],"message":"m%d"}`, i)).ID
					return nil
				})
			}
			must(t, g.Wait())
			paused := 0
			for _, id := range ids {
				deliveries := d.endedWithin(t, id, 3*time.Minute)
				allSent(t, deliveries)
				got := strings.Fields(kinds(deliveries[0]))
				if last := got[len(got)-1]; last != "sent" || slices.ContainsFunc(got[:len(got)-1], func(k string) bool { return k != "paused" }) {
					t.Errorf("attempts %v", got)
				}
				paused += len(got) - 1
			}
			t.Logf("%d calls of %d got a 429", paused, len(d.calls(t)))
			if limit == "--destination-limit=1/s" && paused > 3 {
				t.Errorf("%d calls were too early", paused)
			}
		})
	}
}

// TestShortLease lets deliveries wait for their slots under a lease that is hardly
// longer than the wait: they are released in time, so that no lease expires and no slot
// is lost.
func TestShortLease(t *testing.T) {
	d, p := startWithLimit(t, t.TempDir(), "--credential-limit=off", "--destination-limit=1/s", "--lease=3s", "--provider-timeout=1400ms")
	d.createUsers(t, "u", "xoxb-one", 1)
	ids := make([]string, 12)
	for i := range ids {
		ids[i] = d.send(t, fmt.Sprintf(`{"target":["@u0"],"message":"m%d"}`, i)).ID
	}
	for _, id := range ids {
		if got := kinds(d.endedWithin(t, id, time.Minute)[0]); got != "sent" {
			t.Errorf("attempts: %s", got)
		}
	}
	calls := times(d.calls(t), "")
	if took := calls[len(calls)-1].Sub(calls[0]); len(calls) != len(ids) || took > 13*time.Second {
		t.Errorf("%d calls took %s, the minimum is 11s", len(calls), took)
	}
	if strings.Contains(p.Log(), "its lease would expire") {
		t.Error("leases ran out")
	}
}

// TestUrgentFirst fills one credential with low deliveries: a critical one is sent
// within a second, and no low one is lost.
func TestUrgentFirst(t *testing.T) {
	d, _ := startWithLimit(t, t.TempDir(), "--credential-limit=20/s", "--destination-limit=off")
	d.createUsers(t, "u", "xoxb-one", 150)
	flood := d.send(t, `{"target":["@all"],"severity":"low","message":"flood"}`).ID
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for len(d.calls(t)) < 20 {
		look(ctx, t)
	}
	var deliveries []*alertv1.Delivery
	for n := range 3 {
		before := time.Now()
		id := d.send(t, fmt.Sprintf(`{"target":["@u%d"],"severity":"critical","message":"urgent"}`, n)).ID
		deliveries = append(deliveries, d.ended(t, id)...)
		if took := time.Since(before); took > time.Second {
			t.Errorf("the critical delivery took %s", took)
		}
	}
	deliveries = append(deliveries, d.endedWithin(t, flood, time.Minute)...)
	allSent(t, deliveries)
	calls := times(d.calls(t), "")
	keptAt20(t, deliveries, calls)
	if len(calls) != 153 {
		t.Errorf("%d calls", len(calls))
	}
}
