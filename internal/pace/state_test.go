package pace

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A stateModel simulates the senders that share a limiter state: each slot is used at its
// time, and every use is recorded.
type stateModel struct {
	state
	now      int64
	rate     messenger.Rate
	waiting  []Slot
	deferred int
	used     []use
	pauses   [][2]int64
	foretold [][2]int64 // the predicted time of the next slot, and its time when it was reserved
}

type use struct {
	Slot
	at      int64
	waiting bool // an ordinary slot was reserved then
}

func newDrill(rate messenger.Rate) *stateModel {
	return &stateModel{state: state{Generation: "abcdefgh"}, now: 1_700_000_000_000_000, rate: rate}
}

func (d *stateModel) book(n int, urgent bool) []Slot {
	next := d.nextSlot(d.now)
	slots := d.reserve(d.now, d.rate, n, urgent)
	if !urgent && len(slots) > 0 {
		at, _ := d.slotTime(slots[0])
		d.foretold = append(d.foretold, [2]int64{next, at})
	}
	d.waiting = append(d.waiting, slots...)
	d.deferred += n - len(slots)
	return slots
}

// pass advances the time, and uses the slots that come up.
func (d *stateModel) pass(until int64) {
	for len(d.waiting) > 0 {
		first, at := -1, int64(0)
		for i, s := range d.waiting {
			if w, ok := d.timeAt(s, d.now); ok && (first < 0 || w < at) {
				first, at = i, w
			}
		}
		if first < 0 || at > until {
			break
		}
		d.now = max(d.now, at)
		s := d.waiting[first]
		d.waiting = slices.Delete(d.waiting, first, first+1)
		d.used = append(d.used, use{s, at, slices.ContainsFunc(d.waiting, func(o Slot) bool { return !o.urgent })})
	}
	d.now = max(d.now, until)
}

func (d *stateModel) halt(until int64) {
	from := d.now
	if d.pause(d.now, until) {
		d.pauses = append(d.pauses, [2]int64{from, until})
	}
}

// check verifies the guarantees of a limiter state.
func (d *stateModel) check(t rapid.TB) {
	burst := max(d.rate.Burst, 1)
	interval := d.rate.Interval().Microseconds()
	for i, u := range d.used {
		if i > 0 && u.at < d.used[i-1].at {
			t.Fatalf("slot %d is earlier than the previous one", i)
		}
		for k := range 40 { // any window of k intervals
			if j := i + burst + k; j < len(d.used) && d.used[j].at-u.at < int64(k+1)*interval {
				t.Fatalf("%d calls within %s at %s, burst %d", burst+k+1, time.Duration(d.used[j].at-u.at)*time.Microsecond, d.rate, burst)
			}
		}
		for _, p := range d.pauses {
			if u.at > p[0] && u.at < p[1] {
				t.Fatalf("pause from %d to %d, call at %d", p[0], p[1], u.at)
			}
		}
	}
	for _, f := range d.foretold {
		if f[0] != f[1] {
			t.Fatalf("next slot predicted at %d, reserved at %d", f[0], f[1])
		}
	}
	for _, urgent := range []bool{true, false} {
		var order []int64
		for _, u := range d.used {
			if u.urgent == urgent {
				order = append(order, u.Slot.at)
			}
		}
		if !slices.IsSorted(order) {
			t.Fatalf("out of order (urgent: %v): %v", urgent, order)
		}
	}
	run := 0
	for i, u := range d.used {
		free := i > 0 && u.at-d.used[i-1].at >= 2*interval // an unused slot
		if run++; !u.urgent || !u.waiting || free {
			run = 0
		}
		if run > maxUrgentRun {
			t.Fatalf("%d urgent calls in a row while ordinary slots were reserved", run)
		}
	}
}

// TestStateKeepsRate runs random sequences of reservations and pauses: the rate, the order and the
// pauses are kept, and ordinary slots do not starve.
func TestStateKeepsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := messenger.Rate{Count: rapid.IntRange(1, 100).Draw(t, "count"), Per: time.Second, Burst: rapid.IntRange(0, 4).Draw(t, "burst")}
		d := newDrill(rate)
		interval := rate.Interval()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0, 1, 2:
				d.book(rapid.IntRange(1, 20).Draw(t, "ordinary"), false)
			case 3, 4, 5:
				d.book(rapid.IntRange(1, 12).Draw(t, "urgent"), true)
			case 6:
				d.halt(d.now + rapid.Int64Range(1, 10_000_000).Draw(t, "pause"))
			default:
				d.pass(d.now + rapid.Int64Range(0, 5*interval.Microseconds()).Draw(t, "passes"))
			}
		}
		d.pass(d.now + 3600e6)
		if len(d.waiting) > 0 || d.deferred > 0 {
			t.Fatalf("%d slots unused, %d not reserved", len(d.waiting), d.deferred)
		}
		d.check(t)
	})
}

// TestStateHorizon checks that many slots follow each other at the rate, without gaps.
func TestStateHorizon(t *testing.T) {
	d := newDrill(messenger.Rate{Count: 50, Per: time.Second})
	start := d.now
	for range 13 {
		d.book(100, false)
	}
	d.pass(start + 3600e6)
	if took := time.Duration(d.used[1299].at-start) * time.Microsecond; took != 1299*20*time.Millisecond {
		t.Errorf("1300 calls at 50/s took %s", took)
	}
}

// TestUrgentSlots checks that an urgent slot precedes all ordinary slots but the
// imminent one, and delays these by its own interval only.
func TestUrgentSlots(t *testing.T) {
	d := newDrill(messenger.Rate{Count: 10, Per: time.Second})
	start := d.now
	flood := d.book(100, false)
	d.pass(start + 1_040_000)
	urgent := d.book(1, true)
	at, ok := d.timeAt(urgent[0], d.now)
	if wait := time.Duration(at-d.now) * time.Microsecond; !ok || wait > 200*time.Millisecond {
		t.Errorf("urgent slot in %s", wait)
	}
	if last, _ := d.timeAt(flood[99], d.now); last != start+100*100_000 {
		t.Errorf("last ordinary slot %s after the start", time.Duration(last-start)*time.Microsecond)
	}
	d.pass(start + 3600e6)
	d.check(t)
}

// TestOrdinarySlotsAmongUrgent checks that urgent calls at the full rate leave every eighth slot to
// ordinary ones.
func TestOrdinarySlotsAmongUrgent(t *testing.T) {
	d := newDrill(messenger.Rate{Count: 10, Per: time.Second})
	d.book(10, false)
	for range 200 {
		d.book(1, true)
		d.pass(d.now + 100_000)
	}
	ordinary := 0
	for _, u := range d.used {
		if !u.urgent {
			ordinary++
		}
	}
	if ordinary < 10 {
		t.Errorf("%d of 10 ordinary calls in 20 s", ordinary)
	}
	d.check(t)
}

// TestPauseMovesSlots checks that a pause moves all slots behind it, in order and at the
// rate; a shorter pause within it changes nothing, a longer one adds the difference.
func TestPauseMovesSlots(t *testing.T) {
	d := newDrill(messenger.Rate{Count: 10, Per: time.Second, Burst: 3})
	start := d.now
	slots := d.book(20, false)
	d.pass(start + 450_000)
	left := len(d.waiting)
	until := d.now + 3600e6
	d.halt(until)
	d.halt(d.now + 1e6)
	first, _ := d.timeAt(slots[20-left], d.now)
	last, _ := d.timeAt(slots[19], d.now)
	if first < until || first > until+100_000 || last-first != int64(left-1)*100_000 {
		t.Errorf("first slot %d after the pause, last slot %d after the first", first-until, last-first)
	}
	d.halt(until + 1e6)
	if again, _ := d.timeAt(slots[19], d.now); again != last+1e6 {
		t.Errorf("longer pause moved the slot by %d", again-last)
	}
	later := d.book(5, false)
	d.pass(until + 60e6)
	d.check(t)
	if len(d.waiting) != 0 || d.used[len(d.used)-1].Slot != later[4] {
		t.Errorf("%d slots unused", len(d.waiting))
	}
}

// TestBurst checks that a burst is allowed after a rest, and not after a pause.
func TestBurst(t *testing.T) {
	rate := messenger.Rate{Count: 1, Per: time.Second, Burst: 3}
	at := func(d *stateModel, n int) (waits []time.Duration) {
		for _, s := range d.book(n, false) {
			w, _ := d.timeAt(s, d.now)
			waits = append(waits, time.Duration(max(w-d.now, 0))*time.Microsecond)
		}
		return waits
	}
	d := newDrill(rate)
	if got := at(d, 5); !slices.Equal(got, []time.Duration{0, 0, 0, time.Second, 2 * time.Second}) {
		t.Errorf("after a rest: %v", got)
	}
	d = newDrill(rate)
	d.halt(d.now + 1e6)
	if got := at(d, 3); !slices.Equal(got, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}) {
		t.Errorf("after a pause: %v", got)
	}
}

// TestHorizon checks that no slot is reserved beyond the horizon, so that canceled
// deliveries do not block others for ever; behind a pause of any length slots are
// reserved.
func TestHorizon(t *testing.T) {
	d := newDrill(messenger.Rate{Count: 1, Per: time.Second})
	if slots := d.book(1000, false); len(slots) != 601 {
		t.Errorf("%d slots", len(slots))
	}
	d = newDrill(messenger.Rate{Count: 1, Per: time.Second})
	d.halt(d.now + 3600e6)
	if slots := d.book(10, false); len(slots) != 10 {
		t.Errorf("%d slots behind a pause", len(slots))
	}
}

// TestVoidSlots checks that a slot that passed long ago, or is of another generation, is
// void.
func TestVoidSlots(t *testing.T) {
	d := newDrill(messenger.Rate{Count: 10, Per: time.Second})
	s := d.book(1, false)[0]
	if _, ok := d.timeAt(s, d.now+4e6); !ok {
		t.Error("slot is void after 4 s")
	}
	if _, ok := d.timeAt(s, d.now+6e6); ok {
		t.Error("slot is valid after 6 s")
	}
	if _, ok := d.timeAt(Slot{generation: "another1", at: s.at}, d.now); ok {
		t.Error("slot of another generation is valid")
	}
	if _, ok := d.timeAt(Slot{}, d.now); ok {
		t.Error("the zero Slot is valid")
	}
}

// TestMissed checks that a slot is missed a tenth of a second, or an interval, after its
// time, but only while others hold later slots; an inserted slot moves these.
func TestMissed(t *testing.T) {
	const milli = int64(1000)
	for _, each := range []struct {
		rate  messenger.Rate
		slack int64
	}{
		{messenger.Rate{Count: 20, Per: time.Second}, 100 * milli},
		{messenger.Rate{Count: 20, Per: time.Second, Burst: 3}, 100 * milli},
		{messenger.Rate{Count: 1, Per: time.Second}, 1000 * milli},
	} {
		d := newDrill(each.rate)
		slots := append(d.book(20, false), d.book(2, true)...)
		for i, s := range slots[4:] {
			at, _ := d.timeAt(s, d.now)
			last := i+4 == 19
			if d.missed(s, 0, at+each.slack) || d.missed(s, 0, at+each.slack+1) == last {
				t.Errorf("%s: slot %d is missed too early, or not at all", each.rate, i+4)
			}
			if d.missed(s, at+1, at+each.slack+1) || d.missed(s, at+1, at+each.slack+2) == last {
				t.Errorf("%s: slot %d is missed before it could be used", each.rate, i+4)
			}
		}
	}

	d := newDrill(messenger.Rate{Count: 20, Per: time.Second})
	slots := d.book(20, false)
	d.now += 500 * milli
	before, _ := d.timeAt(slots[19], d.now)
	again := d.book(1, true)[0]
	first, _ := d.timeAt(again, d.now)
	after, _ := d.timeAt(slots[19], d.now)
	if wait := first - d.now; wait > 100*milli || after-before != 50*milli {
		t.Errorf("inserted slot in %d µs, last slot moved by %d µs", wait, after-before)
	}
	if d.missed(Slot{}, 0, d.now) || d.missed(Slot{generation: "12345678"}, 0, d.now) {
		t.Error("a void slot is missed")
	}
}

func TestSlotText(t *testing.T) {
	for _, s := range []Slot{{"abcdefgh", 12345, false}, {"abcdefgh", -1, true}, {}} {
		if got := ParseSlot(s.String()); got != s {
			t.Errorf("%q parsed as %+v, want %+v", s.String(), got, s)
		}
	}
	for _, text := range []string{"x", "abcdefgh", "abcdefgho", "abcdefghxzz", "abcdefgho!", "abcdefgho zz"} {
		if got := ParseSlot(text); !got.IsZero() {
			t.Errorf("%q parsed as %+v, want the zero Slot", text, got)
		}
	}
}
