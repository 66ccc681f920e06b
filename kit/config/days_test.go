package config_test

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/config"
)

func TestParseDays(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "1d12h": 36 * time.Hour, "720h": 30 * day, "0": 0, "0d": 0, "1d0s": day, "36500d": 36500 * day,
	} {
		if got, err := config.ParseDays(text); err != nil || got != want {
			t.Errorf("ParseDays(%q): %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "d1h", "-1d", "1.5d", "30 d", "30days", "1d-1h", "-1h", "36501d", "900000h", "forever", "1w", "1d1d"} {
		if got, err := config.ParseDays(text); err == nil {
			t.Errorf("ParseDays(%q): %s", text, got)
		}
	}
}

// FuzzParseDays checks that a parsed value is within its bounds.
func FuzzParseDays(f *testing.F) {
	f.Add("1d12h")
	f.Add("720h")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := config.ParseDays(text); err == nil && (got < 0 || got > 2*36500*24*time.Hour) {
			t.Errorf("ParseDays(%q): %s", text, got)
		}
	})
}
