package edge

import (
	"testing"
	"time"
)

// TestRefusalWindow counts the refusals of the last ten seconds, and forgets earlier ones.
func TestRefusalWindow(t *testing.T) {
	start := time.Unix(1_000_000_000, 0)
	for name, c := range map[string]struct {
		after []time.Duration // since the start
		want  int             // of the last
	}{
		"one":                             {[]time.Duration{0}, 1},
		"in one second":                   {[]time.Duration{0, 1, 2}, 3},
		"in ten seconds":                  {[]time.Duration{0, 9 * time.Second}, 2},
		"across two windows":              {[]time.Duration{9 * time.Second, 9 * time.Second, 12 * time.Second}, 3},
		"beyond ten seconds":              {[]time.Duration{0, 10 * time.Second}, 1},
		"some beyond ten seconds":         {[]time.Duration{0, 5 * time.Second, 12 * time.Second}, 2},
		"after hours":                     {[]time.Duration{0, 0, 3 * time.Hour}, 1},
		"a clock that is set back":        {[]time.Duration{time.Hour, 0, 0}, 3},
		"a clock that is set back, later": {[]time.Duration{time.Hour, 0, time.Hour + 11*time.Second}, 1},
	} {
		var w refusalWindow
		got := 0
		for _, after := range c.after {
			got = w.add(start.Add(after))
		}
		if got != c.want {
			t.Errorf("%s: %d refusals, want %d", name, got, c.want)
		}
	}
}
