package sender

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// TestSlots encodes and decodes the slots of a task, also as an older sender wrote them.
// The slot of a limit that is off is dropped.
func TestSlots(t *testing.T) {
	limited, free := limitedKey{Key: ratelimit.Key{ID: "x", Rate: ratelimit.Rate{Count: 1, Per: time.Second}}}, limitedKey{Key: ratelimit.Key{ID: "x"}}
	read := func(slots string) *task {
		one := &task{delivery: job.Delivery{Slots: slots}, destination: limited, credential: limited}
		one.readSlots()
		return one
	}
	const a, b = "abcdefgho1f", "hgfedcbau2z"
	for _, c := range []struct {
		slots, destination, credential string
		misses                         int
		encoded                        string
	}{
		{"", "", "", 0, ""},
		{a + ";" + b + ";0", a, b, 0, a + ";" + b + ";0"},
		{";" + b + ";2", "", b, 2, ";" + b + ";2"},
		{a + ";" + b, a, b, 0, a + ";" + b + ";0"},
		{"x;y;z", "", "", 0, ""},
		{slotsBeyondHorizon, "", "", 0, ""},
	} {
		got := read(c.slots)
		if got.destination.slot != ratelimit.ParseSlot(c.destination) || got.credential.slot != ratelimit.ParseSlot(c.credential) || got.misses != c.misses || got.slots() != c.encoded {
			t.Errorf("%q decoded as %+v, encoded as %q", c.slots, got, got.slots())
		}
	}
	for _, off := range []task{{destination: free, credential: limited}, {destination: limited, credential: free}, {destination: free, credential: free}} {
		off.delivery.Slots = a + ";" + b + ";1"
		off.readSlots()
		if off.destination.slot.IsZero() == off.destination.needsSlot() || off.credential.slot.IsZero() == off.credential.needsSlot() {
			t.Errorf("limited: %t and %t, slots %q", off.destination.needsSlot(), off.credential.needsSlot(), off.slots())
		}
	}
}
