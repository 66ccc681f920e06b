package sender

import (
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// TestBreaker walks a breaker around: closed until a tenth of at least ten calls
// fails, then open, one probe, and closed again.
func TestBreaker(t *testing.T) {
	var states []string
	bs := &breakers{
		config: BreakerConfig{Percent: 10, Calls: 10, Open: 30 * time.Millisecond}, now: time.Now, byKey: map[string]*breaker{},
		changed: func(_, _, to string) { states = append(states, to) },
	}
	b := bs.of("one")
	call := func(kind messenger.Kind) {
		t.Helper()
		if !b.let() {
			t.Fatalf("no call is let through after %v", states)
		}
		b.record(kind)
	}
	for _, kind := range []messenger.Kind{messenger.Failed, messenger.Paused, messenger.Sent} { // they show that it works
		for range 10 {
			call(kind)
		}
	}
	for range 3 {
		call(messenger.Retry)
	}
	if b.closedIn() != 0 {
		t.Error("3 of 33 opened it")
	}
	call(messenger.Unknown)
	if b.closedIn() == 0 || b.let() {
		t.Error("4 of 34 did not open it")
	}
	if bs.of("other").closedIn() != 0 || bs.of("one") != b {
		t.Error("credentials share a breaker, or one has two")
	}
	for b.closedIn() > 0 {
		<-time.After(b.closedIn())
	}
	if !b.let() || b.let() {
		t.Error("it lets through none, or more than one")
	}
	b.record(messenger.Retry)
	if b.let() {
		t.Error("a probe that failed closed it")
	}
	for b.closedIn() > 0 {
		<-time.After(b.closedIn())
	}
	call(messenger.Sent)
	call(messenger.Sent)
	if want := []string{"open", "half-open", "open", "half-open", "closed"}; !slices.Equal(states, want) {
		t.Errorf("it went through %v", states)
	}
}

func TestWithoutBreaker(t *testing.T) {
	bs := &breakers{now: time.Now, byKey: map[string]*breaker{}}
	b := bs.of("one")
	for range 100 {
		b.record(messenger.Retry)
	}
	if !b.let() || b.closedIn() != 0 {
		t.Error("it breaks")
	}
}
