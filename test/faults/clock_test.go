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
	"github.com/bongsu-project/bongsu/test/proc"
)

// stepped builds the bongsu whose clock is moved, once.
var stepped = sync.OnceValues(func() (string, error) {
	return proc.BuildStepped(filepath.Dir(binaries.Bongsu))
})

// withClock gives a part, which is started again, a clock of its own.
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

// TestClockSteps moves the clock of one process by an hour and back, while alerts go
// through it and while it is idle: everything is delivered, nothing twice and unmarked,
// and nothing waits for the hour.
func TestClockSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	t.Parallel()
	for name, layout := range map[string]func(t testing.TB) (s *system, whose string){
		"all in one": func(t testing.TB) (*system, string) { return one(t, "sqlite"), "all" },
		"a sender":   func(t testing.TB) (*system, string) { return apart(t, "sqlite", "sender1", "sender2"), "sender1" },
		"the alert service": func(t testing.TB) (*system, string) {
			return apart(t, "sqlite", "sender1", "sender2"), "alert"
		},
	} {
		for kind, ahead := range map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				s, whose := layout(t)
				clock := s.withClock(t, whose)
				var all []*post
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
				send("while it is wrong")
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

// TestClockAheadAtStart starts a sender whose clock is an hour ahead and puts it right:
// it says that it is not ready and why, and is ready after.
func TestClockAheadAtStart(t *testing.T) {
	t.Parallel()
	s := apart(t, "sqlite", "sender1")
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

// dated are the messengers whose calls are signed with their time.
var dated = []string{"webhook", "sns"}

// delivered waits until everything has ended, and sees that each delivery was sent, and
// more than once only where that is marked. The times in the record mean nothing here.
func (s *system) delivered(t testing.TB, all []*post) {
	t.Helper()
	alerts, seen := s.ended(t), s.sights(t)
	if len(alerts) != len(all) {
		t.Errorf("the ledger holds %d alerts, want %d", len(alerts), len(all))
	}
	for _, a := range alerts {
		for _, d := range a.GetDeliveries() {
			taken, marked := 0, false
			for _, call := range seen[sight{d.GetDestination(), "[" + a.GetAlert().GetSeverity() + "] " + a.GetAlert().GetMessage()}] {
				if tookIt(call) {
					taken++
				}
			}
			for _, attempt := range d.GetAttempts() {
				marked = marked || attempt.GetPossibleDuplicate()
			}
			if d.GetState() == alertv1.DeliveryState_DELIVERY_STATE_FAILED && (slices.Contains(dated, d.GetMessenger()) || spared(a.GetAlert().GetSeverity(), d)) {
				continue // its provider refuses a signature of another time, or it costs money and its lease ended with the step
			}
			if taken == 0 && d.GetState() == alertv1.DeliveryState_DELIVERY_STATE_FAILED && spared(a.GetAlert().GetSeverity(), d) {
				continue // a step of the clock ended its lease, and it is not paid for twice
			}
			if taken == 0 || taken > 1 && !marked {
				t.Errorf("the fake took it %d times: %v", taken, d)
			}
		}
	}
}
