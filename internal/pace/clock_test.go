package pace

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A hand is a clock that a test moves.
type hand struct{ time.Time }

func (h *hand) now() time.Time       { return h.Time }
func (h *hand) move(d time.Duration) { h.Time = h.Add(d) }

// TestClockPutRight has a clock an hour ahead that is put right, while the process runs
// and where it was restarted: slots are given at once again, at the rate, and it is logged
// once for all keys.
func TestClockPutRight(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		for _, ahead := range []time.Duration{time.Hour, 15 * time.Minute, 10 * time.Second} {
			t.Run(fmt.Sprintf("restarted %t, %s ahead", restarted, ahead), func(t *testing.T) {
				s, clock := newShelf(), &hand{time.Unix(1_700_000_000, 0)}
				var logged bytes.Buffer
				log := slog.New(slog.NewTextHandler(&logged, nil))
				p := New(s, clock.now, log)
				keys := make([]Key, 100)
				slots := make([]Slot, len(keys))
				clock.move(ahead)
				for i := range keys {
					keys[i] = Key{ID: fmt.Sprintf("slack.credential.%d", i), Rate: key.Rate}
					slots[i] = reserveOne(t, p, keys[i])
				}
				clock.move(-ahead)
				if restarted {
					p = New(s, clock.now, log)
				}
				for i, k := range keys {
					if err := p.Know(t.Context(), k); err != nil {
						t.Fatal(err)
					}
					if at, ok := p.View(k).When(slots[i]); ok {
						t.Fatalf("a slot of the wrong clock holds, for %s", at.Sub(clock.Time))
					}
					if next := p.View(k).NextSlot().Sub(clock.Time); next > 0 {
						t.Fatalf("the next slot is in %s", next)
					}
					for n := range 3 {
						at, ok := p.View(k).When(reserveOne(t, p, k))
						if want := time.Duration(n) * k.Rate.Interval(); !ok || at.Sub(clock.Time) != want {
							t.Fatalf("slot %d is in %s, want %s", n, at.Sub(clock.Time), want)
						}
					}
				}
				if lines := strings.Count(logged.String(), "level=ERROR"); lines != 1 {
					t.Errorf("it is logged %d times", lines)
				}
			})
		}
	}
}

func reserveOne(t *testing.T, p *Pacer, k Key) Slot {
	t.Helper()
	slots, err := p.Reserve(t.Context(), k, 1, false)
	if err != nil || len(slots) != 1 {
		t.Fatalf("%d slots, %v", len(slots), err)
	}
	return slots[0]
}

// TestPausesOfAWrongClock tells pauses by a clock that is right and by one that is an hour
// ahead, and puts it right: a pause lasts as long as the provider asked for, from when it
// was told or from when the fault is seen, however long that is.
func TestPausesOfAWrongClock(t *testing.T) {
	for _, c := range []struct {
		name         string
		ahead, pause time.Duration
		want         time.Duration // from when the clock is right again
	}{
		{"a right clock, 30 s", 0, 30 * time.Second, 30 * time.Second},
		{"a right clock, an hour", 0, time.Hour, time.Hour},
		{"a right clock, 48 h", 0, 48 * time.Hour, 48 * time.Hour},
		{"an hour ahead, 30 s", time.Hour, 30 * time.Second, 30 * time.Second},
		{"an hour ahead, 2 h", time.Hour, 2 * time.Hour, 2 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, clock := newShelf(), &hand{time.Unix(1_700_000_000, 0)}
			p := New(s, clock.now, slog.New(slog.DiscardHandler))
			clock.move(c.ahead)
			if err := p.Pause(t.Context(), key, clock.Add(c.pause), "http_429"); err != nil {
				t.Fatal(err)
			}
			clock.move(-c.ahead)
			clock.move(time.Second)
			if c.ahead == 0 { // it is told before the clock goes wrong, and lasts beyond that
				clock.move(time.Hour)
				_, _ = p.Reserve(t.Context(), key, 1, false)
				clock.move(-time.Hour)
				c.want -= time.Second
			}
			p = New(s, clock.now, slog.New(slog.DiscardHandler))
			if err := p.Know(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			for range 2 { // it does not move on with those who look
				status := p.View(key).Status()
				if got := status.PausedUntil.Sub(clock.Time); got != c.want {
					t.Errorf("it is paused for %s, want %s", got, c.want)
				}
				clock.move(time.Second)
				c.want -= time.Second
			}
			at, ok := p.View(key).When(reserveOne(t, p, key))
			if got := at.Sub(clock.Time); !ok || got < c.want || got > c.want+time.Second {
				t.Errorf("the next slot is in %s", got)
			}
		})
	}
}

// TestRefusalOfAWrongClock refuses a credential by a clock that is an hour ahead: when it
// is right, one sender tries the credential again.
func TestRefusalOfAWrongClock(t *testing.T) {
	clock := &hand{time.Unix(1_700_000_000, 0)}
	p := New(newShelf(), clock.now, slog.New(slog.DiscardHandler))
	clock.move(time.Hour)
	if _, err := p.Refuse(t.Context(), key, "invalid_auth", clock.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	clock.move(-time.Hour)
	if status := p.View(key).Status(); !status.RefusedUntil.IsZero() || status.Code != "invalid_auth" {
		t.Errorf("it stands as %+v", status)
	}
	if mine, err := p.Probe(t.Context(), key, clock.Add(time.Minute)); err != nil || !mine {
		t.Errorf("nobody may try it: %v", err)
	}
}

// TestClocksMayDiffer has two senders whose clocks differ by four seconds: they keep one
// line.
func TestClocksMayDiffer(t *testing.T) {
	s, clock := newShelf(), &hand{time.Unix(1_700_000_000, 0)}
	one := New(s, clock.now, slog.New(slog.DiscardHandler))
	slot := reserveOne(t, one, key)
	clock.move(-4 * time.Second)
	other := New(s, clock.now, slog.New(slog.DiscardHandler))
	if err := other.Know(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, ok := other.View(key).When(slot); !ok {
		t.Error("its slot does not hold")
	}
}

// TestOldLines reads lines of the version before, which do not say who wrote them: what
// lies within the horizon stays, and what lies beyond it begins anew.
func TestOldLines(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		name string
		line line
		want bool // it is ahead
	}{
		{"a full line", line{Life: "abcdefgh", Interval: 1_000_000, Next: now.Add(horizon).UnixMicro()}, false},
		{"an hour ahead", line{Life: "abcdefgh", Interval: 1_000_000, Next: now.Add(time.Hour).UnixMicro()}, true},
		{"behind a pause of a day", line{Life: "abcdefgh", Interval: 1_000_000, Next: now.Add(24*time.Hour + horizon).UnixMicro(), PausedUntil: now.Add(24 * time.Hour).UnixMicro()}, false},
		{"a slow one", line{Life: "abcdefgh", Interval: time.Hour.Microseconds(), Next: now.Add(time.Hour).UnixMicro()}, false},
		{"a pause of three years", line{Life: "abcdefgh", PausedUntil: now.Add(3 * 365 * 24 * time.Hour).UnixMicro()}, true},
	} {
		value := c.line.encodeAs(oldVersion)
		got, err := decode(value)
		if err != nil || got != c.line {
			t.Fatalf("%s: %+v, %v", c.name, got, err)
		}
		if got.ahead(now.UnixMicro()) != c.want {
			t.Errorf("%s is ahead: %t", c.name, !c.want)
		}
	}
}
