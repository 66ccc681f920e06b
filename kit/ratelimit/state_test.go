package ratelimit

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A stateModel simulates the processes that share a limiter state: each slot is used at its
// time, and every use is recorded.
type stateModel struct {
	state
	now       int64
	rate      Rate
	waiting   []Slot
	deferred  int
	used      []use
	pauses    [][2]int64
	predicted [][2]int64 // the predicted time of the next slot, and its time when it was reserved
}

type use struct {
	Slot
	at      int64
	waiting bool // an ordinary slot was reserved then
}

func newStateModel(rate Rate) *stateModel {
	return &stateModel{state: state{Generation: "abcdefgh"}, now: 1_700_000_000_000_000, rate: rate}
}

func (m *stateModel) reserveSlots(n int, urgent bool) []Slot {
	next := m.nextSlot(m.now)
	slots := m.reserve(m.now, m.rate, n, urgent)
	if !urgent && len(slots) > 0 {
		at, _ := m.slotTime(slots[0])
		m.predicted = append(m.predicted, [2]int64{next, at})
	}
	m.waiting = append(m.waiting, slots...)
	m.deferred += n - len(slots)
	return slots
}

// pass advances the time, and uses the slots that come up.
func (m *stateModel) pass(until int64) {
	for len(m.waiting) > 0 {
		first, at := -1, int64(0)
		for i, s := range m.waiting {
			if w, ok := m.timeAt(s, m.now); ok && (first < 0 || w < at) {
				first, at = i, w
			}
		}
		if first < 0 || at > until {
			break
		}
		m.now = max(m.now, at)
		s := m.waiting[first]
		m.waiting = slices.Delete(m.waiting, first, first+1)
		m.used = append(m.used, use{s, at, slices.ContainsFunc(m.waiting, func(o Slot) bool { return !o.urgent })})
	}
	m.now = max(m.now, until)
}

func (m *stateModel) halt(until int64) {
	from := m.now
	if m.pause(m.now, until) {
		m.pauses = append(m.pauses, [2]int64{from, until})
	}
}

// check verifies the guarantees of a limiter state.
func (m *stateModel) check(t rapid.TB) {
	burst := max(m.rate.Burst, 1)
	interval := m.rate.Interval().Microseconds()
	for i, u := range m.used {
		if i > 0 && u.at < m.used[i-1].at {
			t.Fatalf("slot %d is earlier than the previous one", i)
		}
		for k := range 40 { // any window of k intervals
			if j := i + burst + k; j < len(m.used) && m.used[j].at-u.at < int64(k+1)*interval {
				t.Fatalf("%d calls within %s at %s, burst %d", burst+k+1, time.Duration(m.used[j].at-u.at)*time.Microsecond, m.rate, burst)
			}
		}
		for _, p := range m.pauses {
			if u.at > p[0] && u.at < p[1] {
				t.Fatalf("pause from %d to %d, call at %d", p[0], p[1], u.at)
			}
		}
	}
	for _, f := range m.predicted {
		if f[0] != f[1] {
			t.Fatalf("next slot predicted at %d, reserved at %d", f[0], f[1])
		}
	}
	for _, urgent := range []bool{true, false} {
		var order []int64
		for _, u := range m.used {
			if u.urgent == urgent {
				order = append(order, u.Slot.at)
			}
		}
		if !slices.IsSorted(order) {
			t.Fatalf("out of order (urgent: %v): %v", urgent, order)
		}
	}
	run := 0
	for i, u := range m.used {
		free := i > 0 && u.at-m.used[i-1].at >= 2*interval // an unused slot
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
		rate := Rate{Count: rapid.IntRange(1, 100).Draw(t, "count"), Per: time.Second, Burst: rapid.IntRange(0, 4).Draw(t, "burst")}
		m := newStateModel(rate)
		interval := rate.Interval()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0, 1, 2:
				m.reserveSlots(rapid.IntRange(1, 20).Draw(t, "ordinary"), false)
			case 3, 4, 5:
				m.reserveSlots(rapid.IntRange(1, 12).Draw(t, "urgent"), true)
			case 6:
				m.halt(m.now + rapid.Int64Range(1, 10_000_000).Draw(t, "pause"))
			default:
				m.pass(m.now + rapid.Int64Range(0, 5*interval.Microseconds()).Draw(t, "passes"))
			}
		}
		m.pass(m.now + 3600e6)
		if len(m.waiting) > 0 || m.deferred > 0 {
			t.Fatalf("%d slots unused, %d not reserved", len(m.waiting), m.deferred)
		}
		m.check(t)
	})
}

// TestStateHorizon checks that many slots follow each other at the rate, without gaps.
func TestStateHorizon(t *testing.T) {
	m := newStateModel(Rate{Count: 50, Per: time.Second})
	start := m.now
	for range 13 {
		m.reserveSlots(100, false)
	}
	m.pass(start + 3600e6)
	if took := time.Duration(m.used[1299].at-start) * time.Microsecond; took != 1299*20*time.Millisecond {
		t.Errorf("1300 calls at 50/s took %s", took)
	}
}

// TestUrgentSlots checks that an urgent slot precedes all ordinary slots but the
// imminent one, and delays these by its own interval only.
func TestUrgentSlots(t *testing.T) {
	m := newStateModel(Rate{Count: 10, Per: time.Second})
	start := m.now
	flood := m.reserveSlots(100, false)
	m.pass(start + 1_040_000)
	urgent := m.reserveSlots(1, true)
	at, ok := m.timeAt(urgent[0], m.now)
	if wait := time.Duration(at-m.now) * time.Microsecond; !ok || wait > 200*time.Millisecond {
		t.Errorf("urgent slot in %s", wait)
	}
	if last, _ := m.timeAt(flood[99], m.now); last != start+100*100_000 {
		t.Errorf("last ordinary slot %s after the start", time.Duration(last-start)*time.Microsecond)
	}
	m.pass(start + 3600e6)
	m.check(t)
}

// TestOrdinarySlotsAmongUrgent checks that urgent calls at the full rate leave every eighth slot to
// ordinary ones.
func TestOrdinarySlotsAmongUrgent(t *testing.T) {
	m := newStateModel(Rate{Count: 10, Per: time.Second})
	m.reserveSlots(10, false)
	for range 200 {
		m.reserveSlots(1, true)
		m.pass(m.now + 100_000)
	}
	ordinary := 0
	for _, u := range m.used {
		if !u.urgent {
			ordinary++
		}
	}
	if ordinary < 10 {
		t.Errorf("%d of 10 ordinary calls in 20 s", ordinary)
	}
	m.check(t)
}

// TestPauseMovesSlots checks that a pause moves all slots behind it, in order and at the
// rate; a shorter pause within it changes nothing, a longer one adds the difference.
func TestPauseMovesSlots(t *testing.T) {
	m := newStateModel(Rate{Count: 10, Per: time.Second, Burst: 3})
	start := m.now
	slots := m.reserveSlots(20, false)
	m.pass(start + 450_000)
	left := len(m.waiting)
	until := m.now + 3600e6
	m.halt(until)
	m.halt(m.now + 1e6)
	first, _ := m.timeAt(slots[20-left], m.now)
	last, _ := m.timeAt(slots[19], m.now)
	if first < until || first > until+100_000 || last-first != int64(left-1)*100_000 {
		t.Errorf("first slot %d after the pause, last slot %d after the first", first-until, last-first)
	}
	m.halt(until + 1e6)
	if again, _ := m.timeAt(slots[19], m.now); again != last+1e6 {
		t.Errorf("longer pause moved the slot by %d", again-last)
	}
	later := m.reserveSlots(5, false)
	m.pass(until + 60e6)
	m.check(t)
	if len(m.waiting) != 0 || m.used[len(m.used)-1].Slot != later[4] {
		t.Errorf("%d slots unused", len(m.waiting))
	}
}

// TestBurst checks that a burst is allowed after a rest, and not after a pause.
func TestBurst(t *testing.T) {
	rate := Rate{Count: 1, Per: time.Second, Burst: 3}
	at := func(m *stateModel, n int) (waits []time.Duration) {
		for _, s := range m.reserveSlots(n, false) {
			w, _ := m.timeAt(s, m.now)
			waits = append(waits, time.Duration(max(w-m.now, 0))*time.Microsecond)
		}
		return waits
	}
	m := newStateModel(rate)
	if got := at(m, 5); !slices.Equal(got, []time.Duration{0, 0, 0, time.Second, 2 * time.Second}) {
		t.Errorf("after a rest: %v", got)
	}
	m = newStateModel(rate)
	m.halt(m.now + 1e6)
	if got := at(m, 3); !slices.Equal(got, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}) {
		t.Errorf("after a pause: %v", got)
	}
}

// TestHorizon checks that no slot is reserved beyond the horizon, so that canceled
// calls do not block others for ever; behind a pause of any length slots are
// reserved.
func TestHorizon(t *testing.T) {
	m := newStateModel(Rate{Count: 1, Per: time.Second})
	if slots := m.reserveSlots(1000, false); len(slots) != 601 {
		t.Errorf("%d slots", len(slots))
	}
	m = newStateModel(Rate{Count: 1, Per: time.Second})
	m.halt(m.now + 3600e6)
	if slots := m.reserveSlots(10, false); len(slots) != 10 {
		t.Errorf("%d slots behind a pause", len(slots))
	}
}

// TestVoidSlots checks that a slot that passed long ago, or is of another generation, is
// void.
func TestVoidSlots(t *testing.T) {
	m := newStateModel(Rate{Count: 10, Per: time.Second})
	s := m.reserveSlots(1, false)[0]
	if _, ok := m.timeAt(s, m.now+4e6); !ok {
		t.Error("slot is void after 4 s")
	}
	if _, ok := m.timeAt(s, m.now+6e6); ok {
		t.Error("slot is valid after 6 s")
	}
	if _, ok := m.timeAt(Slot{generation: "another1", at: s.at}, m.now); ok {
		t.Error("slot of another generation is valid")
	}
	if _, ok := m.timeAt(Slot{}, m.now); ok {
		t.Error("the zero Slot is valid")
	}
}

// TestMissed checks that a slot is missed a tenth of a second, or an interval, after its
// time, but only while others hold later slots; an inserted slot moves these.
func TestMissed(t *testing.T) {
	const milli = int64(1000)
	for _, each := range []struct {
		rate  Rate
		slack int64
	}{
		{Rate{Count: 20, Per: time.Second}, 100 * milli},
		{Rate{Count: 20, Per: time.Second, Burst: 3}, 100 * milli},
		{Rate{Count: 1, Per: time.Second}, 1000 * milli},
	} {
		m := newStateModel(each.rate)
		slots := append(m.reserveSlots(20, false), m.reserveSlots(2, true)...)
		for i, s := range slots[4:] {
			at, _ := m.timeAt(s, m.now)
			last := i+4 == 19
			if m.missed(s, 0, at+each.slack) || m.missed(s, 0, at+each.slack+1) == last {
				t.Errorf("%s: slot %d is missed too early, or not at all", each.rate, i+4)
			}
			if m.missed(s, at+1, at+each.slack+1) || m.missed(s, at+1, at+each.slack+2) == last {
				t.Errorf("%s: slot %d is missed before it could be used", each.rate, i+4)
			}
		}
	}

	m := newStateModel(Rate{Count: 20, Per: time.Second})
	slots := m.reserveSlots(20, false)
	m.now += 500 * milli
	before, _ := m.timeAt(slots[19], m.now)
	again := m.reserveSlots(1, true)[0]
	first, _ := m.timeAt(again, m.now)
	after, _ := m.timeAt(slots[19], m.now)
	if wait := first - m.now; wait > 100*milli || after-before != 50*milli {
		t.Errorf("inserted slot in %d µs, last slot moved by %d µs", wait, after-before)
	}
	if m.missed(Slot{}, 0, m.now) || m.missed(Slot{generation: "12345678"}, 0, m.now) {
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
