package faults

import (
	"syscall"
	"testing"
	"time"
)

// TestAlertServiceStopped stops an alert service with SIGSTOP, past the leases of its
// senders' deliveries: its port accepts connections without a response. The other
// service accepts the alerts, everything is completed, and no duplicate is unmarked.
func TestAlertServiceStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	t.Parallel()
	for name, layout := range map[string]func(t testing.TB) (s *system, stopped string){
		"the only one":          func(t testing.TB) (*system, string) { return startSplit(t, "sender1", "sender2"), "alert" },
		"one of a pair":         func(t testing.TB) (*system, string) { return startPairs(t), "alert1" },
		"the directory service": func(t testing.TB) (*system, string) { return startPairs(t), "directory1" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, stopped := layout(t)
			all, _ := posts(draw(t.Name()), 60)
			for _, p := range all {
				if p.key == "" {
					p.key = p.message // callers without a response retry
				}
			}
			s.faultWhileBusy(t, all, bound, func() {
				s.parts[stopped].Signal(t, syscall.SIGSTOP)
				wait(t.Context(), 2*lease)
				s.parts[stopped].Signal(t, syscall.SIGCONT)
			})
			for _, p := range all {
				if p.id == "" {
					t.Errorf("%q was not accepted", p.message)
				}
			}
			s.judge(t, all)
			s.living(t)
		})
	}
}

// TestPairOutlivesAStoppedAlertService stops one of two alert services: all alerts that
// callers send with an idempotency key are delivered meanwhile.
func TestPairOutlivesAStoppedAlertService(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	t.Parallel()
	s := startPairs(t)
	s.sendTo(s.urls[1])
	s.parts["alert1"].Signal(t, syscall.SIGSTOP)
	defer s.parts["alert1"].Signal(t, syscall.SIGCONT)
	start := time.Now()
	all, _ := posts(draw(t.Name()), 40)
	for _, p := range all {
		if p.key == "" {
			p.key = p.message // an edge that gets no response repeats the alert at the other service
		}
	}
	s.recordFault(func() { s.send(t, all) })
	s.judge(t, all)
	t.Logf("%d alerts were delivered in %s", len(all), time.Since(start))
}
