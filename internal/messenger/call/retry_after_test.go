package call

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		"1":                              time.Second,
		" 30 ":                           30 * time.Second,
		"3600":                           time.Hour,
		"86400":                          24 * time.Hour,
		"1.5":                            1500 * time.Millisecond,
		"0.0001":                         time.Millisecond, // rounded up
		"0.3":                            300 * time.Millisecond,
		".5":                             500 * time.Millisecond,
		"-1":                             0,
		"1e3":                            0,
		"0x10":                           0,
		"1_000":                          0,
		"inf":                            0,
		"NaN":                            0,
		".":                              0,
		"1.2.3":                          0,
		"soon":                           0,
		"99999999999":                    maxRetryAfter,
		strings.Repeat("9", 400):         maxRetryAfter,
		"Sun, 01 Mar 2026 12:00:10 GMT":  10 * time.Second,
		"Sun, 01 Mar 2026 13:00:00 GMT":  time.Hour,
		"Sunday, 01-Mar-26 12:00:10 GMT": 10 * time.Second,
		"Sun Mar  1 12:00:10 2026":       10 * time.Second,
		"Sun, 01 Mar 2026 11:59:59 GMT":  0,
		"Fri, 01 Mar 2999 12:00:00 GMT":  maxRetryAfter,
	} {
		if got := RetryAfter(value, noon); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
	if got := RetryAfter("Sun, 01 Mar 2026 12:00:10 GMT", noon.Add(time.Nanosecond)); got != 10*time.Second {
		t.Errorf("a date: %v, want whole milliseconds, rounded up", got)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "1", "1.5", "-1", "99999999999999999999", "Sun, 01 Mar 2026 12:00:10 GMT", "1e9", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := RetryAfter(value, noon)
		if got < 0 || got > maxRetryAfter || got%time.Millisecond != 0 {
			t.Errorf("%q: %v", value, got)
		}
		var seconds int32
		if _, err := fmt.Sscanf(value, "%d", &seconds); err == nil && fmt.Sprint(seconds) == value && seconds >= 0 {
			if want := min(time.Duration(seconds)*time.Second, maxRetryAfter); got != want {
				t.Errorf("%q: %v, want %v", value, got, want)
			}
		}
	})
}
