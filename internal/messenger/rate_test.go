package messenger

import (
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"10/s":   {Count: 10, Per: time.Second},
		"600/m":  {Count: 600, Per: time.Minute},
		"1000/h": {Count: 1000, Per: time.Hour},
		"off":    {},
	} {
		got, err := ParseRate(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q is %+v (%v), which prints as %q", text, got, err, got)
		}
	}
	for _, text := range []string{"", "10", "0/s", "-1/s", "10/d", "/s", "x/s", "100001/s", "10/s "} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func TestInterval(t *testing.T) {
	if got := (Rate{Count: 50, Per: time.Second}).Interval(); got != 20*time.Millisecond {
		t.Errorf("50/s has an interval of %s", got)
	}
	if got := (Rate{}).Interval(); got != 0 {
		t.Errorf("no rate has an interval of %s", got)
	}
}
