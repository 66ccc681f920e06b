package ratelimit

import (
	"bytes"
	"testing"
)

func TestStateCodec(t *testing.T) {
	for name, s := range map[string]state{
		"empty":              {},
		"without slow slots": {Generation: "abcdefgh", Interval: 20_000, Next: 1_700_000_000_000_000, WriteTime: 14},
		"full": {
			Generation: "abcdefgh", Interval: 100_000, Next: 1_700_000_000_000_000, PauseShift: -1, RunShift: 700_000, Start: 5, Urgent: 6, Phase: 7, Last: 8, Streak: 9,
			PausedUntil: 10, Resume: 11, PauseCode: "rate_limited", BrokenUntil: 12, RefusedUntil: 13, Code: "invalid_auth", ProbeUntil: 1 << 62, WriteTime: 14, PausedFrom: 9,
			SlowInterval: 1_000_000, SlowUntil: 1_700_000_060_000_000,
		},
	} {
		if got, err := decodeState(s.encode()); err != nil || got != s {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if want := s.SlowUntil != 0; (s.encode()[0] == slowVersion) != want {
			t.Errorf("%s: encoded as version %d", name, s.encode()[0])
		}
	}
}

// FuzzDecode decodes arbitrary values: each returns an error, or a state that encodes to
// an equal one.
func FuzzDecode(f *testing.F) {
	valid := (&state{Generation: "abcdefgh", Next: 1_700_000_000_000_000, PauseCode: "rate_limited"}).encode()
	f.Add(valid)
	f.Add(valid[:len(valid)-1])
	f.Add(append(bytes.Clone(valid), 0))
	f.Add((&state{Generation: "abcdefgh", Next: 1_700_000_000_000_000}).encodeAs(previousVersion))
	f.Add((&state{Generation: "abcdefgh", Next: 1_700_000_000_000_000, SlowInterval: 1_000_000, SlowUntil: 1_700_000_060_000_000}).encode())
	f.Add([]byte(`{"life":"abcdefgh"}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		s, err := decodeState(value)
		if err != nil {
			if s != (state{}) {
				t.Errorf("error with a state: %+v", s)
			}
			return
		}
		if again, err := decodeState(s.encode()); err != nil || again != s {
			t.Errorf("%+v encodes to %x, which decodes to %+v, %v", s, s.encode(), again, err)
		}
	})
}
