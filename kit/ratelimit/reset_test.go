package ratelimit

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"
)

const soon = 2 * time.Second

// A resetHarness is a limiter whose key has a minute of slots at one per second.
type resetHarness struct {
	*Limiter
	clock    *manualClock
	slow     Key
	fast     Key // the same key with the raised limit
	released int
	err      error // of a release
}

func newResetHarness(t *testing.T) *resetHarness {
	t.Helper()
	clock := &manualClock{time.Unix(1_700_000_000, 0)}
	h := &resetHarness{
		Limiter: New(newMemoryBucket(), clock.now, slog.New(slog.DiscardHandler)), clock: clock,
		slow: Key{ID: key.ID, Rate: Rate{Count: 1, Per: time.Second}}, fast: Key{ID: key.ID, Rate: Rate{Count: 50, Per: time.Second}},
	}
	h.reserve(t, h.slow, 60)
	return h
}

func (h *resetHarness) reserve(t *testing.T, k Key, n int) {
	t.Helper()
	if slots, err := h.Reserve(t.Context(), k, n, false); err != nil || len(slots) != n {
		t.Fatalf("%d slots, %v", len(slots), err)
	}
}

// reset drops slower slots than those of a key's rate, as a process that starts with it.
func (h *resetHarness) reset(t *testing.T, k Key) (keys int) {
	t.Helper()
	keys, err := h.ResetSlow(t.Context(), func(id string) (Rate, bool) { return k.Rate, id == k.ID }, soon,
		func(context.Context, int) error { h.released++; return h.err })
	if !errors.Is(err, h.err) {
		t.Fatal(err)
	}
	return keys
}

// requireNext checks in what time the next slot is, and how many releases there were.
func (h *resetHarness) requireNext(t *testing.T, in time.Duration, released int) {
	t.Helper()
	if got := h.View(h.slow).NextSlot().Sub(h.clock.Time); got != in {
		t.Errorf("next slot in %s, want %s", got, in)
	}
	if h.released != released {
		t.Errorf("%d releases, want %d", h.released, released)
	}
}

// TestResetSlow raises a limit: the slots of the slower one are dropped once, whether or not
// slots of the raised one were reserved since, by this process or by another.
func TestResetSlow(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(t *testing.T, h *resetHarness)
	}{
		{"at once", func(*testing.T, *resetHarness) {}},
		{"after slots of the raised limit", func(t *testing.T, h *resetHarness) { t.Helper(); h.reserve(t, h.fast, 3) }},
		{"after slots of both limits", func(t *testing.T, h *resetHarness) {
			t.Helper()
			for range 3 {
				h.reserve(t, h.fast, 1)
				h.reserve(t, h.slow, 1)
			}
			h.reserve(t, h.fast, 1)
		}},
		{"after urgent slots", func(t *testing.T, h *resetHarness) {
			t.Helper()
			if slots, err := h.Reserve(t.Context(), h.fast, 2, true); err != nil || len(slots) != 2 {
				t.Fatal(len(slots), err)
			}
		}},
		{"off", func(_ *testing.T, h *resetHarness) { h.fast.Rate = Rate{} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newResetHarness(t)
			c.then(t, h)
			if n := h.reset(t, h.slow); n != 0 {
				t.Errorf("%d keys reset by a process with the slower limit", n)
			}
			if n := h.reset(t, h.fast); n != 1 {
				t.Errorf("%d keys reset, want 1", n)
			}
			h.requireNext(t, 0, 1)
			h.reserve(t, Key{ID: h.fast.ID, Rate: Rate{Count: 50, Per: time.Second}}, 1000)
			if n := h.reset(t, h.fast); h.fast.Rate.Limited() && n != 0 {
				t.Errorf("%d keys reset again", n)
			}
		})
	}
}

// TestResetSlowPassed waits for the slots of the slower limit: nothing is left to drop.
func TestResetSlowPassed(t *testing.T) {
	h := newResetHarness(t)
	h.reserve(t, h.fast, 10)
	h.clock.move(time.Minute)
	h.reserve(t, h.fast, 500)
	if n := h.reset(t, h.fast); n != 0 {
		t.Errorf("%d keys reset", n)
	}
	h.requireNext(t, 510*h.fast.Rate.Interval(), 0)
}

// TestResetSlowBehindPause raises a limit while its key is paused: the pause stays, and the
// slots behind it are dropped.
func TestResetSlowBehindPause(t *testing.T) {
	h := newResetHarness(t)
	if err := h.Pause(t.Context(), h.slow, h.clock.Add(time.Hour), "http_429"); err != nil {
		t.Fatal(err)
	}
	h.reserve(t, h.fast, 1)
	if n := h.reset(t, h.fast); n != 1 {
		t.Errorf("%d keys reset, want 1", n)
	}
	h.requireNext(t, time.Hour, 1)
}

// TestResetSlowFails has the release fail after the slots were dropped: the next start
// releases, and keeps the slots that were reserved since.
func TestResetSlowFails(t *testing.T) {
	h := newResetHarness(t)
	h.err = errGone
	h.reset(t, h.fast)
	h.requireNext(t, 0, 1)
	h.reserve(t, h.fast, 500)
	h.err = nil
	if n := h.reset(t, h.fast); n != 1 {
		t.Errorf("%d keys reset, want 1", n)
	}
	h.requireNext(t, 10*time.Second, 2)
	if n := h.reset(t, h.fast); n != 0 {
		t.Errorf("%d keys reset again", n)
	}
}
