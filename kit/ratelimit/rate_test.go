package ratelimit

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

func TestRateKeeps(t *testing.T) {
	ten, burst := Rate{Count: 10, Per: time.Second}, Rate{Count: 10, Per: time.Second, Burst: 3}
	for _, c := range []struct {
		r, other Rate
		want     bool
	}{
		{ten, Rate{}, true},
		{Rate{}, Rate{}, true},
		{Rate{}, ten, false},
		{ten, ten, true},
		{ten, Rate{Count: 600, Per: time.Minute}, true},
		{ten, Rate{Count: 11, Per: time.Second}, true},
		{ten, Rate{Count: 9, Per: time.Second}, false},
		{ten, burst, true},
		{burst, ten, false},
		{burst, burst, true},
	} {
		if got := c.r.Implies(c.other); got != c.want {
			t.Errorf("%+v keeps %+v: %t, want %t", c.r, c.other, got, c.want)
		}
	}
}
