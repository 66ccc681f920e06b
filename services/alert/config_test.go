package alert_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/alert"
)

// TestConfigRetention checks retention values, and that malformed ones and those shorter than
// idempotency keys live are errors.
func TestConfigRetention(t *testing.T) {
	const day, no = 24 * time.Hour, -1
	for text, want := range map[string]time.Duration{
		"forever": 0, "0": 0,
		"2d": 2 * day, "30d": 30 * day, "48h": 2 * day, "1d24h": 2 * day, "2d90m": 2*day + 90*time.Minute, "36500d": 36500 * day,
		"": no, "30": no, "d": no, "-30d": no, "-720h": no, "30d-1h": no, "1.5d": no, "30 d": no, "36501d": no, "99999999999999999999d": no, "month": no,
		"1d": no, "47h59m": no, "0d": no, "0s": no, "1s": no,
	} {
		c := alert.Config{JobSize: 1, FailoverAfter: time.Second, Keep: text}
		got, err := c.Retention()
		if want == no && (err == nil || !strings.Contains(err.Error(), "--keep")) || want != no && (err != nil || got != want) {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
		if bounds := c.CheckBounds(); (bounds == nil) != (err == nil) {
			t.Errorf("%q: %v", text, bounds)
		}
	}
}
