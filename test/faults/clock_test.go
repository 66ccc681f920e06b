package faults

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/test/judge"
	"github.com/bongsu-project/bongsu/test/proc"
)

// stepped builds the bongsu with a settable clock, once.
var stepped = sync.OnceValues(func() (string, error) {
	return proc.BuildStepped(filepath.Dir(binaries.Bongsu))
})

// withClock restarts a part with a clock of its own.
func (s *system) withClock(t testing.TB, name string) proc.Clock {
	t.Helper()
	path, err := stepped()
	must(t, err)
	clock := proc.NewClock(t, t.TempDir())
	part := s.parts[name]
	command := part.command
	part.command = func() *exec.Cmd {
		cmd := command()
		cmd.Path, cmd.Env = path, append(cmd.Env, clock.Env())
		return cmd
	}
	must(t, part.Stop(t))
	s.start(t, name)
	return clock
}

// TestClockSteps moves the clock of one process by an hour and back, under load and
// idle: everything is delivered, without unmarked duplicates, and nothing waits for the
// hour.
func TestClockSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	t.Parallel()
	for name, layout := range map[string]func(t testing.TB) (s *system, whose string){
		"all in one": func(t testing.TB) (*system, string) { return startOneProcess(t, "sqlite"), "all" },
		"a sender":   func(t testing.TB) (*system, string) { return startSplit(t, "sender1", "sender2"), "sender1" },
		"the alert service": func(t testing.TB) (*system, string) {
			return startSplit(t, "sender1", "sender2"), "alert"
		},
	} {
		for kind, ahead := range map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				s, whose := layout(t)
				clock := s.withClock(t, whose)
				var all []*alertRequest
				send := func(when string) {
					some, _ := posts(draw(t.Name()+when), 15)
					for _, p := range some {
						p.message, p.key = p.message+" "+when, ""
					}
					s.send(t, some)
					all = append(all, some...)
				}
				send("before")
				clock.Set(t, ahead)
				send("with a wrong clock")
				clock.Set(t, 0)
				send("after")
				s.delivered(t, all)
				clock.Set(t, ahead)
				clock.Set(t, 0)
				send("after another step")
				s.delivered(t, all)
				s.living(t)
			})
		}
	}
}

// TestClockAheadAtStart starts a sender whose clock is an hour ahead and then corrects
// it: the sender is not ready and returns the reason, and then becomes ready.
func TestClockAheadAtStart(t *testing.T) {
	t.Parallel()
	s := startSplit(t, "sender1")
	clock := s.withClock(t, "sender1")
	must(t, s.parts["sender1"].Stop(t))
	clock.Set(t, time.Hour)
	s.start(t, "sender1")
	all, _ := posts(draw(t.Name()), 10)
	s.send(t, all)
	s.parts["sender1"].Await(t, saysSkewed, 1)
	clock.Set(t, 0)
	s.delivered(t, all)
}

var saysSkewed = regexp.MustCompile(`"level":"ERROR","msg":"[^"]*clock[^"]*"`)

// dated are the messengers whose requests are signed with a time.
var dated = []string{"webhook", "sns"}

// delivered waits until everything is completed, and checks that each delivery was
// sent, and more than once only if it is marked as a possible duplicate or its provider
// deduplicates it. The recorded times are not checked.
func (s *system) delivered(t testing.TB, all []*alertRequest) {
	t.Helper()
	alerts, seen := s.ended(t), s.callsByDelivery(t)
	if len(alerts) != len(all) {
		t.Errorf("the ledger holds %d alerts, want %d", len(alerts), len(all))
	}
	for _, a := range alerts {
		for _, d := range a.GetDeliveries() {
			taken, marked := 0, false
			for _, call := range seen[judge.KeyOf(a.GetAlert(), d)] {
				if judge.Accepted(call) && (taken == 0 || !judge.Deduplicated(d, call)) {
					taken++
				}
			}
			for _, attempt := range d.GetAttempts() {
				marked = marked || attempt.GetPossibleDuplicate()
			}
			if d.GetState() == alertv1.DeliveryState_DELIVERY_STATE_FAILED && (slices.Contains(dated, d.GetMessenger()) || judge.Spared(a.GetAlert().GetSeverity(), d)) {
				continue // its provider rejects a signature with another time, or it is costly and its lease expired by the step
			}
			if taken == 0 && d.GetState() == alertv1.DeliveryState_DELIVERY_STATE_FAILED && judge.Spared(a.GetAlert().GetSeverity(), d) {
				continue // its lease expired by the clock step, and a costly delivery is not repeated
			}
			if taken == 0 || taken > 1 && !marked {
				t.Errorf("the fake accepted it %d times: %v", taken, d)
			}
		}
	}
}
