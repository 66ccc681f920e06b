package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

const (
	// alerts is how many are sent in a trial.
	alerts = 90
	// strikes is how many kills there are in a trial.
	strikes = 3
)

// TestMatrix runs the trials, and prints what each came to.
func TestMatrix(t *testing.T) {
	t.Parallel()
	trials := some
	switch {
	case long:
		trials = every()
	case testing.Short():
		trials = few
	}
	t.Logf("BONGSU_FAULTS_SEED=%d", seed)
	for _, c := range trials {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

// run drives alerts through a system while it is struck, and judges.
func (c trial) run(t *testing.T) {
	rng := draw(c.String())
	var sys *system
	switch c.layout {
	case "one":
		sys = one(t, c.store)
	case "apart":
		sys = apart(t, c.store, "sender1", "sender2")
	case "pairs":
		sys = pairs(t)
	}
	if _, err := sys.fakes().SetFault(t.Context(), &mockupv1.SetFaultRequest{Fault: &mockupv1.Fault{Delay: durationpb.New(10 * time.Millisecond)}}); err != nil {
		t.Fatal(err)
	}
	if c.provider != "ok" {
		sys.behave(t, providers[c.provider].fault)
	}

	start := time.Now()
	all, deliveries := posts(rng, alerts)
	all = append(all, &post{target: `"@all"`, severity: "normal", message: "everybody is told"}) // by every messenger
	deliveries += users
	accepted, driven := new(counter), make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	go func() {
		defer close(driven)
		sys.drive(ctx, all, accepted)
	}()
	for _, strike := range c.plan(rng, deliveries) {
		strike.await(ctx, sys, accepted)
		sys.struck(func() {
			if strike.wipe {
				sys.wipe(t)
				return
			}
			sys.kill(strike.parts...)
			wait(ctx, strike.down)
			sys.start(t, strike.parts...)
		})
	}
	<-driven
	if ctx.Err() != nil {
		t.Fatal("not all alerts were accepted within two minutes")
	}
	if c.provider != "ok" {
		sys.behave(t, &mockupv1.Fault{Delay: durationpb.New(10 * time.Millisecond)}) // it is well again
	}
	v := sys.judge(t, all)
	v.name, v.took = c.String(), time.Since(start)
	results.add(v)
	t.Logf("%d ended as failed rather than be paid for twice; %d calls were known again and told nobody", v.spared, v.known)
	sys.living(t)
	if c.quiet() {
		sys.calm(t)
	}
}

// calm sees that where nobody was killed and the provider kept its word, nothing was
// sent twice or said to be.
func (s *system) calm(t testing.TB) {
	t.Helper()
	seen := s.sights(t)
	for _, a := range s.ended(t) {
		for _, d := range a.GetDeliveries() {
			taken := 0
			for _, call := range seen[sight{d.GetDestination(), "[" + a.GetAlert().GetSeverity() + "] " + a.GetAlert().GetMessage()}] {
				if tookIt(call) {
					taken++
				}
			}
			if taken != 1 {
				t.Errorf("it was sent %d times: %v", taken, d)
			}
			for _, attempt := range d.GetAttempts() {
				if attempt.GetPossibleDuplicate() {
					t.Errorf("it is said to be a duplicate: %v", d)
				}
			}
		}
	}
}

// A strike is one blow.
type strike struct {
	accepts int           // it comes after so many alerts were accepted,
	calls   int           // or, where that is 0, after the fake got so many calls,
	after   time.Duration // and so long later
	parts   []string      // that are killed
	down    time.Duration // before they are started again
	wipe    bool          // JetStream's folder is deleted instead
}

// plan draws the strikes, spread over the run.
func (c trial) plan(rng *rand.Rand, deliveries int) []strike {
	var plan []strike
	n := 0
	if c.kill != "none" {
		n = strikes
	}
	wiped := -1
	if c.wipe {
		wiped = rng.IntN(n + 1)
		n++
	}
	for i := range n {
		part := (float64(i) + rng.Float64()) / float64(n) * 0.8
		s := strike{wipe: i == wiped, parts: c.victims(rng), after: upTo(rng, 60*time.Millisecond), down: upTo(rng, 300*time.Millisecond)}
		if rng.IntN(2) == 0 {
			s.accepts = 1 + int(part*alerts)
		} else {
			s.calls = 1 + int(part*float64(deliveries))
		}
		plan = append(plan, s)
	}
	return plan
}

// victims draws who is killed.
func (c trial) victims(rng *rand.Rand) []string {
	switch {
	case c.kill == "none":
		return nil
	case c.layout == "one":
		return []string{"all"}
	case c.kill == "all" && c.layout == "apart":
		return []string{"broker", "group", "alert", "sender1", "sender2"}
	case c.kill == "all":
		return []string{"broker", "group1", "alert1", "edge1", "sender1", "group2", "alert2", "edge2", "sender2"}
	case c.kill == "sender", c.kill != "broker" && c.layout == "pairs":
		return []string{fmt.Sprintf("%s%d", c.kill, 1+rng.IntN(2))}
	}
	return []string{c.kill}
}

// await waits for the moment.
func (s strike) await(ctx context.Context, sys *system, accepted *counter) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // the fake's count may be short of it
	defer cancel()
	if s.accepts > 0 {
		accepted.reach(ctx, s.accepts)
	} else {
		sys.calls.reach(ctx, s.calls)
	}
	wait(ctx, s.after)
}
