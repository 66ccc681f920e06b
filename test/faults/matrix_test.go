package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/judge"
)

const (
	// alerts is the number of alerts in a case.
	alerts = 90
	// faultsPerCase is the number of fault events in a case.
	faultsPerCase = 3
)

// TestMatrix runs the cases and prints their results.
func TestMatrix(t *testing.T) {
	t.Parallel()
	cases := some
	switch {
	case long:
		cases = every()
	case testing.Short():
		cases = few
	}
	t.Logf("BONGSU_FAULTS_SEED=%d", seed)
	for _, c := range withAuth(cases) {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

// start runs the system of the case, with users.
func (c faultCase) start(t *testing.T) *system {
	empty := withBroker
	if c.layout == "one" {
		empty = newSystem
	}
	s := empty(t)
	if c.auth && !s.requiresKeys() {
		s.requireKeys(t)
	}
	switch c.layout {
	case "one":
		return s.one(t, t.TempDir(), databaseFlags(t, c.store)...)
	case "pairs":
		return s.pairs(t)
	default:
		return s.split(t, c.store, "sender1", "sender2")
	}
}

// run sends alerts through a system during fault events, and checks the result.
func (c faultCase) run(t *testing.T) {
	rng := draw(c.String())
	sys := c.start(t)
	if _, err := sys.fakes().SetFault(t.Context(), &mockupv1.SetFaultRequest{Fault: &mockupv1.Fault{Delay: durationpb.New(10 * time.Millisecond)}}); err != nil {
		t.Fatal(err)
	}
	if c.provider != "ok" {
		sys.behave(t, providers[c.provider].fault)
	}

	start := time.Now()
	all, deliveries := posts(rng, alerts)
	all = append(all, &alertRequest{target: `"@all"`, severity: "normal", message: "to all users"}) // by every messenger
	deliveries += users
	accepted, driven := new(counter), make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	go func() {
		defer close(driven)
		sys.drive(ctx, all, accepted)
	}()
	for _, event := range c.plan(rng, deliveries, sys.order) {
		event.await(ctx, sys, accepted)
		sys.recordFault(func() {
			if event.wipe {
				sys.wipe(t)
				return
			}
			sys.kill(event.parts...)
			wait(ctx, event.down)
			sys.start(t, event.parts...)
		})
	}
	<-driven
	if ctx.Err() != nil {
		t.Fatal("not all alerts were accepted within two minutes")
	}
	if c.provider != "ok" {
		sys.behave(t, &mockupv1.Fault{Delay: durationpb.New(10 * time.Millisecond)}) // the provider works again
	}
	r := sys.judge(t, all)
	r.name, r.took = c.String(), time.Since(start)
	results.add(r)
	t.Logf("%d costly deliveries failed instead of being repeated; %d calls were deduplicated by the provider", r.Spared, r.Known)
	sys.living(t)
	if c.auth {
		sys.refusesStrangers(t)
	}
	if c.quiet() {
		sys.calm(t)
	}
}

// calm checks that without kills and provider faults nothing was sent twice or marked
// as a possible duplicate.
func (s *system) calm(t testing.TB) {
	t.Helper()
	seen := s.callsByDelivery(t)
	for _, a := range s.ended(t) {
		for _, d := range a.GetDeliveries() {
			taken := 0
			for _, call := range seen[judge.KeyOf(a.GetAlert(), d)] {
				if judge.Accepted(call) {
					taken++
				}
			}
			if taken != 1 {
				t.Errorf("sent %d times: %v", taken, d)
			}
			for _, attempt := range d.GetAttempts() {
				if attempt.GetPossibleDuplicate() {
					t.Errorf("marked as a possible duplicate: %v", d)
				}
			}
		}
	}
}

// A faultEvent is one fault event.
type faultEvent struct {
	accepts int           // it happens after so many accepted alerts,
	calls   int           // or, if that is 0, after so many calls to the fake,
	after   time.Duration // and this delay
	parts   []string      // to kill
	down    time.Duration // until the restart
	wipe    bool          // delete JetStream's folder instead
}

// plan returns random fault events of the parts, spread over the run.
func (c faultCase) plan(rng *rand.Rand, deliveries int, parts []string) []faultEvent {
	var plan []faultEvent
	n := 0
	if c.kill != "none" {
		n = faultsPerCase
	}
	wiped := -1
	if c.wipe {
		wiped = rng.IntN(n + 1)
		n++
	}
	for i := range n {
		part := (float64(i) + rng.Float64()) / float64(n) * 0.8
		e := faultEvent{wipe: i == wiped, parts: c.victims(rng, parts), after: upTo(rng, 60*time.Millisecond), down: upTo(rng, 300*time.Millisecond)}
		if rng.IntN(2) == 0 {
			e.accepts = 1 + int(part*alerts)
		} else {
			e.calls = 1 + int(part*float64(deliveries))
		}
		plan = append(plan, e)
	}
	return plan
}

// victims returns the random parts to kill.
func (c faultCase) victims(rng *rand.Rand, parts []string) []string {
	switch {
	case c.kill == "none":
		return nil
	case c.kill == "all":
		return parts
	case c.kill == "sender", c.kill != "broker" && c.layout == "pairs":
		return []string{fmt.Sprintf("%s%d", c.kill, 1+rng.IntN(2))}
	}
	return []string{c.kill}
}

// await waits for the time of the fault event.
func (e faultEvent) await(ctx context.Context, sys *system, accepted *counter) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // the fake may receive fewer calls than planned
	defer cancel()
	if e.accepts > 0 {
		accepted.reach(ctx, e.accepts)
	} else {
		sys.calls.reach(ctx, e.calls)
	}
	wait(ctx, e.after)
}
