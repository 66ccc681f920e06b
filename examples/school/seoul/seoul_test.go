package seoul_test

import (
	"errors"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/seoul"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

func TestDay(t *testing.T) {
	kittest.Equal(t, seoul.Day(time.Date(2026, 3, 1, 14, 59, 59, 0, time.UTC)), "2026-03-01")
	kittest.Equal(t, seoul.Day(time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC)), "2026-03-02")
}

func TestParseDays(t *testing.T) {
	for _, c := range []struct {
		from, to string
		days     []string
		field    string
	}{
		{"2026-02-27", "2026-03-01", []string{"2026-02-27", "2026-02-28", "2026-03-01"}, ""},
		{"2026-03-02", "2026-03-02", []string{"2026-03-02"}, ""},
		{"2026-03-02", "2026-03-01", nil, "to"},
		{"2026-03-01", "2026-03-04", nil, "to"},
		{"2026-02-29", "2026-03-01", nil, "from"},
		{"2026-02-28", "2026-2-28", nil, "to"},
	} {
		days, err := seoul.ParseDays(c.from, c.to, 3)
		if c.field == "" {
			kittest.NoError(t, err)
			kittest.Equal(t, days, c.days)
			continue
		}
		if fields := fault.Fields(err); !errors.Is(err, fault.ErrInvalid) || len(fields) != 1 || fields[0].Path != c.field {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
	}
}
