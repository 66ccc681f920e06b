package sender

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// newBreakers returns breakers with the default thresholds, open for a moment only, and
// the states that they enter.
func newBreakers(now func() time.Time) (*breakers, *[]string) {
	states := &[]string{}
	return &breakers{
		config: BreakerConfig{Percent: 10, Calls: 10, Open: 30 * time.Millisecond}, now: now, byKey: map[string]*breaker{},
		changed: func(_, _, to string) { *states = append(*states, to) },
	}, states
}

// calls makes calls to a destination, which must be allowed.
func (b *breaker) calls(t *testing.T, count int, destination string, kind messenger.OutcomeKind) {
	t.Helper()
	b.callsWith(t, count, destination, messenger.Outcome{Kind: kind})
}

// callsWith makes calls with an outcome to a destination, which must be allowed.
func (b *breaker) callsWith(t *testing.T, count int, destination string, o messenger.Outcome) {
	t.Helper()
	for range count {
		if !b.allow(destination) {
			t.Fatalf("call to %s is not allowed", destination)
		}
		b.record(destination, o)
	}
}

// awaitProbe waits until the breaker allows a probe.
func (b *breaker) awaitProbe() {
	for b.openFor() > 0 {
		<-time.After(b.openFor())
	}
}

// TestBreaker takes a breaker through all states: closed until a tenth of at least ten
// calls fails, then open, one probe, and closed again.
func TestBreaker(t *testing.T) {
	bs, states := newBreakers(time.Now)
	b := bs.forKey("one")
	for _, kind := range []messenger.OutcomeKind{messenger.Failed, messenger.Paused, messenger.Sent} { // the provider works
		b.calls(t, 10, "good", kind)
	}
	for _, destination := range []string{"a", "b", "c"} {
		b.calls(t, 1, destination, messenger.Retry)
	}
	if b.openFor() != 0 {
		t.Error("3 of 33 opened it")
	}
	b.calls(t, 1, "d", messenger.Unknown)
	if b.openFor() == 0 || b.allow("good") {
		t.Error("4 of 34 did not open it")
	}
	if bs.forKey("other").openFor() != 0 || bs.forKey("one") != b {
		t.Error("credentials share a breaker, or one has two")
	}
	b.awaitProbe()
	if !b.allow("e") || b.allow("good") {
		t.Error("no probe is allowed, or more than one")
	}
	b.record("e", messenger.Outcome{Kind: messenger.Retry})
	if b.allow("good") {
		t.Error("a failed probe closed it")
	}
	b.awaitProbe()
	b.calls(t, 2, "good", messenger.Sent)
	if want := []string{"open", "half-open", "open", "half-open", "closed"}; !slices.Equal(*states, want) {
		t.Errorf("states %v", *states)
	}
}

// TestSingleDestination fails all calls of a credential with one destination, as a user's
// own has: no other destination suffers from an open breaker, and it opens.
func TestSingleDestination(t *testing.T) {
	bs, states := newBreakers(time.Now)
	b := bs.forKey("one")
	b.calls(t, 10, "only", messenger.Retry)
	if b.openFor() == 0 {
		t.Fatalf("10 failures of 10 did not open it: %v", *states)
	}
	b.awaitProbe()
	b.calls(t, 1, "only", messenger.Retry) // a failed probe
	b.awaitProbe()
	b.calls(t, 2, "only", messenger.Sent) // the next probe is allowed
	if want := []string{"open", "half-open", "open", "half-open", "closed"}; !slices.Equal(*states, want) {
		t.Errorf("states %v", *states)
	}
}

// TestSecondDestination has a destination open the breaker while it is the only one: others
// are called at once, and the breaker closes.
func TestSecondDestination(t *testing.T) {
	bs, states := newBreakers(time.Now)
	bs.config.Open = time.Hour
	b := bs.forKey("one")
	b.calls(t, 10, "poison", messenger.Retry)
	if b.allow("poison") || b.waitFor("poison") == 0 || b.waitFor("good") != 0 {
		t.Fatalf("after 10 failures of 10: %v", *states)
	}
	b.calls(t, 1, "good", messenger.Sent)
	b.calls(t, 100, "poison", messenger.Retry)
	b.calls(t, 1, "good", messenger.Sent)
	if want := []string{"open", "closed"}; !slices.Equal(*states, want) {
		t.Errorf("states %v", *states)
	}
	// If the others fail, too, the provider is the cause.
	bs, states = newBreakers(time.Now)
	bs.config.Open = time.Hour
	b = bs.forKey("one")
	b.calls(t, 10, "first", messenger.Retry)
	b.calls(t, 1, "second", messenger.Retry)
	if b.allow("second") || b.allow("third") || !slices.Equal(*states, []string{"open"}) {
		t.Errorf("states %v", *states)
	}
}

// TestPreviousGone has a provider respond that the messages to change do not exist any more, for
// one destination and for many: it works, so no breaker opens, and a probe with this response
// closes one.
func TestPreviousGone(t *testing.T) {
	gone := messenger.Outcome{Kind: messenger.Retry, PreviousGone: true}
	bs, states := newBreakers(time.Now)
	bs.forKey("one").callsWith(t, 20, "only", gone)
	b := bs.forKey("many")
	for n := range 100 {
		b.callsWith(t, 1, strconv.Itoa(n), gone)
	}
	if len(*states) > 0 {
		t.Errorf("messages that are gone opened a breaker: %v", *states)
	}
	b = bs.forKey("probed")
	b.calls(t, 10, "only", messenger.Retry)
	b.awaitProbe()
	b.callsWith(t, 1, "only", gone)
	if want := []string{"open", "half-open", "closed"}; !slices.Equal(*states, want) {
		t.Errorf("states %v, want %v", *states, want)
	}
}

// TestFailingDestination fails all calls to one destination, at any share of the calls and
// for longer than a window: that is no failure of the provider, and does not open the
// breaker. As many failures of different destinations open it.
func TestFailingDestination(t *testing.T) {
	for _, share := range []int{2, 5, 10} {
		now := time.Unix(1_700_000_000, 0)
		bs, states := newBreakers(func() time.Time { return now })
		b := bs.forKey("one")
		for n := range 400 {
			if n%share == 0 {
				b.calls(t, 1, "poison", messenger.Retry)
			} else {
				b.calls(t, 1, strconv.Itoa(n), messenger.Sent)
			}
			now = now.Add(breakerWindow / 50)
		}
		if len(*states) > 0 {
			t.Errorf("one destination of %d opened it: %v", share, *states)
		}
	}
	// Two destinations count once each per window, however often they fail.
	bs, states := newBreakers(time.Now)
	b := bs.forKey("one")
	b.calls(t, 40, "good", messenger.Sent)
	for range 20 {
		b.calls(t, 1, "poison", messenger.Retry)
		b.calls(t, 1, "venom", messenger.Unknown)
		b.calls(t, 1, "good", messenger.Sent)
	}
	if len(*states) > 0 {
		t.Errorf("two destinations opened it: %v", *states)
	}
	bs, states = newBreakers(time.Now)
	b = bs.forKey("one")
	for n := 0; n < 100 && len(*states) == 0; n++ {
		kind := messenger.Sent
		if n%8 == 0 {
			kind = messenger.Retry
		}
		b.calls(t, 1, strconv.Itoa(n), kind)
	}
	if want := []string{"open"}; !slices.Equal(*states, want) {
		t.Errorf("failures of every eighth destination: states %v", *states)
	}
}

// TestFailingDestinationProbe has the destination that always fails make the first probe:
// others are allowed before it is probed again, and it is probed again in the end.
func TestFailingDestinationProbe(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	bs, _ := newBreakers(func() time.Time { return now })
	b := bs.forKey("one")
	for n := range 10 {
		b.calls(t, 1, strconv.Itoa(n), messenger.Retry)
	}
	for probe := range 2 {
		b.awaitProbe()
		b.calls(t, 1, "poison", messenger.Retry)
		b.awaitProbe()
		if b.allow("poison") || b.waitFor("poison") == 0 {
			t.Errorf("it may probe again at once, after probe %d", probe)
		}
		if b.waitFor("good") != 0 {
			t.Error("other destinations wait, too")
		}
		now = now.Add(breakerWindow + 1)
	}
	b.calls(t, 1, "good", messenger.Sent)
	b.calls(t, 20, "poison", messenger.Retry)
	if b.openFor() != 0 || b.waitFor("poison") != 0 {
		t.Error("breaker did not close, or the failing destination opened it again")
	}
}

// TestFailingIsBounded checks that a breaker keeps at most maxFailingDestinations
// destinations, that each failure of any other counts, and that old ones are removed.
func TestFailingIsBounded(t *testing.T) {
	now, f, count := time.Unix(1_700_000_000, 0), failingDestinations{}, 0
	for range 2 {
		for n := range 2 * maxFailingDestinations {
			count += f.add(strconv.Itoa(n), now, false)
		}
	}
	if len(f) != maxFailingDestinations || count != 3*maxFailingDestinations {
		t.Errorf("%d destinations kept, %d failures counted", len(f), count)
	}
	if count := f.add("new", now.Add(breakerWindow+1), false); len(f) != 1 || count != 0 {
		t.Errorf("%d destinations kept after the window, %d failures counted", len(f), count)
	}
}

func TestWithoutBreaker(t *testing.T) {
	bs := &breakers{now: time.Now, byKey: map[string]*breaker{}}
	b := bs.forKey("one")
	for n := range 100 {
		b.record(strconv.Itoa(n), messenger.Outcome{Kind: messenger.Retry})
	}
	if !b.allow("one") || b.openFor() != 0 || b.waitFor("one") != 0 {
		t.Error("a disabled breaker is open")
	}
}
