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
		c := alert.Config{JobSize: 1, FailoverAfter: time.Second, RepeatAfter: time.Second, FlapWindow: time.Second, Keep: text}
		got, err := c.Retention()
		if want == no && (err == nil || !strings.Contains(err.Error(), "--keep")) || want != no && (err != nil || got != want) {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
		if bounds := c.CheckBounds(); (bounds == nil) != (err == nil) {
			t.Errorf("%q: %v", text, bounds)
		}
	}
}

// TestConfigIncidents checks the bounds of the settings of incidents.
func TestConfigIncidents(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*alert.Config)
		want   string // in the error; empty for none
	}{
		"the shortest":           {func(c *alert.Config) { c.RepeatAfter, c.FlapWindow = time.Second, time.Second }, ""},
		"the longest":            {func(c *alert.Config) { c.RepeatAfter, c.FlapWindow = 720*time.Hour, 24*time.Hour }, ""},
		"repeat-after too short": {func(c *alert.Config) { c.RepeatAfter = time.Second - 1 }, "--repeat-after"},
		"repeat-after too long":  {func(c *alert.Config) { c.RepeatAfter = 720*time.Hour + 1 }, "--repeat-after"},
		"flap-window too short":  {func(c *alert.Config) { c.FlapWindow = time.Second - 1 }, "--flap-window"},
		"flap-window too long":   {func(c *alert.Config) { c.FlapWindow = 24*time.Hour + 1 }, "--flap-window"},
		"a detail":               {func(c *alert.Config) { c.RepeatFields = []string{"severity", "details.host name"} }, ""},
		"an unknown field":       {func(c *alert.Config) { c.RepeatFields = []string{"title", "key"} }, `--repeat-fields: invalid repeat field "key"`},
		"a detail without name":  {func(c *alert.Config) { c.RepeatFields = []string{"details."} }, "--repeat-fields"},
	} {
		config := alert.Config{JobSize: 1, FailoverAfter: time.Second, RepeatAfter: time.Hour, FlapWindow: time.Minute, Keep: "forever"}
		c.change(&config)
		err := config.CheckBounds()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
