package faults

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestQueueDeletedUnderFlood deletes the folder of JetStream while many deliveries wait for
// slots of one credential: all are sent once, and the rate limit holds within a tenth.
func TestQueueDeletedUnderFlood(t *testing.T) {
	t.Parallel()
	const perSecond, alerts = 20, 50
	for name, system := range map[string]func(t *testing.T) *system{
		"one process": func(t *testing.T) *system {
			return startOneProcess(t, "sqlite", fmt.Sprintf("--credential-limit=%d/s", perSecond), "--destination-limit=off")
		},
		"two senders": func(t *testing.T) *system {
			s := startSplit(t)
			for _, name := range []string{"sender1", "sender2"} {
				s.serveSender(t, name, s.alertURL, fmt.Sprintf("--credential-limit=%d/s", perSecond), "--destination-limit=off")
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := system(t)
			var all []*alertRequest
			for i := range alerts {
				all = append(all, &alertRequest{target: `"@@team1"`, severity: "low", message: fmt.Sprintf("node %d is down", i)})
			}
			s.send(t, all)
			if !s.calls.reach(t.Context(), alerts*teamSize/4) {
				t.Fatal("the deliveries are not sent")
			}
			s.recordFault(func() { s.wipe(t) })
			r := s.judge(t, all)
			s.calm(t)
			var times, starts []time.Time
			for _, calls := range s.callsByDelivery(t) {
				for _, call := range calls {
					times = append(times, call.GetTime().AsTime())
				}
			}
			for _, a := range s.ended(t) {
				for _, d := range a.GetDeliveries() {
					for _, attempt := range d.GetAttempts() {
						starts = append(starts, attempt.GetStartTime().AsTime())
					}
				}
			}
			most, started := mostInASecond(times), mostInASecond(starts)
			t.Logf("%d deliveries took %s, at most %d in a second at the provider, %d by the sender's clock", r.Deliveries, times[len(times)-1].Sub(times[0]), most, started)
			if r.Deliveries != alerts*teamSize || len(times) != r.Deliveries || most > perSecond*11/10+1 { // both ends of the second may hold a call
				t.Errorf("%d calls for %d deliveries, at most %d in a second", len(times), r.Deliveries, most)
			}
		})
	}
}

// mostInASecond sorts times and returns how many of them at most lie within a second.
func mostInASecond(times []time.Time) (most int) {
	slices.SortFunc(times, time.Time.Compare)
	for i := range times {
		within, _ := slices.BinarySearchFunc(times[i:], times[i].Add(time.Second), time.Time.Compare)
		most = max(most, within)
	}
	return most
}
