package sender

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/pace"
)

// TestSlots takes what a task reserved along and back, and what an older sender
// wrote.
func TestSlots(t *testing.T) {
	read := func(slots string) *task {
		one := &task{delivery: job.Delivery{Slots: slots}}
		one.readSlots()
		return one
	}
	const a, b = "abcdefgho1f", "hgfedcbau2z"
	for _, c := range []struct {
		slots, destination, credential string
		misses                         int
		again                          string
	}{
		{"", "", "", 0, ""},
		{a + ";" + b + ";0", a, b, 0, a + ";" + b + ";0"},
		{";" + b + ";2", "", b, 2, ";" + b + ";2"},
		{a + ";" + b, a, b, 0, a + ";" + b + ";0"},
		{"x;y;z", "", "", 0, ""},
	} {
		got := read(c.slots)
		if got.destination.slot != pace.ParseSlot(c.destination) || got.credential.slot != pace.ParseSlot(c.credential) || got.misses != c.misses || got.slots() != c.again {
			t.Errorf("%q is read as %+v, and written as %q", c.slots, got, got.slots())
		}
	}
}
