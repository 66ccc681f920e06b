package ratelimit

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A manualClock is a clock that a test sets.
type manualClock struct{ time.Time }

func (c *manualClock) now() time.Time       { return c.Time }
func (c *manualClock) move(d time.Duration) { c.Time = c.Add(d) }

// TestClockCorrected corrects a clock that was an hour ahead, with and without a restart
// of the process: slots are reserved at once, at the rate, and one error is logged for
// all keys.
func TestClockCorrected(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		for _, ahead := range []time.Duration{time.Hour, 15 * time.Minute, 10 * time.Second} {
			t.Run(fmt.Sprintf("restarted %t, %s ahead", restarted, ahead), func(t *testing.T) {
				b, clock := newMemoryBucket(), &manualClock{time.Unix(1_700_000_000, 0)}
				var logged bytes.Buffer
				log := slog.New(slog.NewTextHandler(&logged, nil))
				l := New(b, clock.now, log)
				keys := make([]Key, 100)
				slots := make([]Slot, len(keys))
				clock.move(ahead)
				for i := range keys {
					keys[i] = Key{ID: fmt.Sprintf("service.account.%d", i), Rate: key.Rate}
					slots[i] = reserveOne(t, l, keys[i])
				}
				clock.move(-ahead)
				if restarted {
					l = New(b, clock.now, log)
				}
				for i, k := range keys {
					if err := l.Load(t.Context(), k); err != nil {
						t.Fatal(err)
					}
					if at, ok := l.View(k).When(slots[i]); ok {
						t.Fatalf("a slot of the wrong clock is valid, in %s", at.Sub(clock.Time))
					}
					if next := l.View(k).NextSlot().Sub(clock.Time); next > 0 {
						t.Fatalf("next slot in %s, want now", next)
					}
					for n := range 3 {
						at, ok := l.View(k).When(reserveOne(t, l, k))
						if want := time.Duration(n) * k.Rate.Interval(); !ok || at.Sub(clock.Time) != want {
							t.Fatalf("slot %d is in %s, want %s", n, at.Sub(clock.Time), want)
						}
					}
				}
				if n := strings.Count(logged.String(), "level=ERROR"); n != 1 {
					t.Errorf("%d errors logged, want 1", n)
				}
			})
		}
	}
}

func reserveOne(t *testing.T, l *Limiter, k Key) Slot {
	t.Helper()
	slots, err := l.Reserve(t.Context(), k, 1, false)
	if err != nil || len(slots) != 1 {
		t.Fatalf("%d slots, %v", len(slots), err)
	}
	return slots[0]
}

// TestPausesOfAWrongClock sets pauses by a correct clock and by one that is an hour
// ahead, and then corrects it: a pause of any length lasts as long as requested,
// from when it was set or from when the skew is detected.
func TestPausesOfAWrongClock(t *testing.T) {
	for _, c := range []struct {
		name         string
		ahead, pause time.Duration
		want         time.Duration // after the clock is corrected
	}{
		{"a right clock, 30 s", 0, 30 * time.Second, 30 * time.Second},
		{"a right clock, an hour", 0, time.Hour, time.Hour},
		{"a right clock, 48 h", 0, 48 * time.Hour, 48 * time.Hour},
		{"an hour ahead, 30 s", time.Hour, 30 * time.Second, 30 * time.Second},
		{"an hour ahead, 2 h", time.Hour, 2 * time.Hour, 2 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, clock := newMemoryBucket(), &manualClock{time.Unix(1_700_000_000, 0)}
			l := New(b, clock.now, slog.New(slog.DiscardHandler))
			clock.move(c.ahead)
			if err := l.Pause(t.Context(), key, clock.Add(c.pause), "http_429"); err != nil {
				t.Fatal(err)
			}
			clock.move(-c.ahead)
			clock.move(time.Second)
			if c.ahead == 0 { // the pause is set before the clock goes wrong, and outlasts that
				clock.move(time.Hour)
				_, _ = l.Reserve(t.Context(), key, 1, false)
				clock.move(-time.Hour)
				c.want -= time.Second
			}
			l = New(b, clock.now, slog.New(slog.DiscardHandler))
			if err := l.Load(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			for range 2 { // reading does not extend the pause
				status := l.View(key).Status()
				if got := status.PausedUntil.Sub(clock.Time); got != c.want {
					t.Errorf("paused for %s, want %s", got, c.want)
				}
				clock.move(time.Second)
				c.want -= time.Second
			}
			at, ok := l.View(key).When(reserveOne(t, l, key))
			if got := at.Sub(clock.Time); !ok || got < c.want || got > c.want+time.Second {
				t.Errorf("next slot in %s", got)
			}
		})
	}
}

// TestRefusalOfAWrongClock refuses a key by a clock that is an hour ahead: after
// its correction one process probes the key.
func TestRefusalOfAWrongClock(t *testing.T) {
	clock := &manualClock{time.Unix(1_700_000_000, 0)}
	l := New(newMemoryBucket(), clock.now, slog.New(slog.DiscardHandler))
	clock.move(time.Hour)
	if _, err := l.MarkRefused(t.Context(), key, "invalid_auth", clock.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	clock.move(-time.Hour)
	if status := l.View(key).Status(); !status.RefusedUntil.IsZero() || status.Code != "invalid_auth" {
		t.Errorf("status %+v", status)
	}
	if mine, err := l.AcquireProbe(t.Context(), key, clock.Add(time.Minute)); err != nil || !mine {
		t.Errorf("probe not acquired: %v", err)
	}
}

// TestClocksMayDiffer has two limiters whose clocks differ by four seconds: they share one
// state.
func TestClocksMayDiffer(t *testing.T) {
	b, clock := newMemoryBucket(), &manualClock{time.Unix(1_700_000_000, 0)}
	one := New(b, clock.now, slog.New(slog.DiscardHandler))
	slot := reserveOne(t, one, key)
	clock.move(-4 * time.Second)
	other := New(b, clock.now, slog.New(slog.DiscardHandler))
	if err := other.Load(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, ok := other.View(key).When(slot); !ok {
		t.Error("slot is void")
	}
}

// TestPreviousVersionState decodes states of the previous version, which lack the write time: slots
// within the horizon stay valid, a state with slots beyond it is ahead.
func TestPreviousVersionState(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		name  string
		state state
		want  bool // ahead
	}{
		{"up to the horizon", state{Generation: "abcdefgh", Interval: 1_000_000, Next: now.Add(maxAhead).UnixMicro()}, false},
		{"an hour ahead", state{Generation: "abcdefgh", Interval: 1_000_000, Next: now.Add(time.Hour).UnixMicro()}, true},
		{"behind a pause of a day", state{Generation: "abcdefgh", Interval: 1_000_000, Next: now.Add(24*time.Hour + maxAhead).UnixMicro(), PausedUntil: now.Add(24 * time.Hour).UnixMicro()}, false},
		{"one slot an hour", state{Generation: "abcdefgh", Interval: time.Hour.Microseconds(), Next: now.Add(time.Hour).UnixMicro()}, false},
		{"a pause of three years", state{Generation: "abcdefgh", PausedUntil: now.Add(3 * 365 * 24 * time.Hour).UnixMicro()}, true},
	} {
		value := c.state.encodeAs(previousVersion)
		got, err := decodeState(value)
		if err != nil || got != c.state {
			t.Fatalf("%s: %+v, %v", c.name, got, err)
		}
		if got.isFromFuture(now.UnixMicro()) != c.want {
			t.Errorf("%s: ahead is %t", c.name, !c.want)
		}
	}
}
