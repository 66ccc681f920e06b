// Package seoul has the days of the school, which are those of Asia/Seoul.
package seoul

import (
	"time"
	_ "time/tzdata" // the zone, also where the machine has none

	"github.com/bongsu-project/bongsu/kit/fault"
)

// Zone is the time zone of the school.
var Zone = mustLoad("Asia/Seoul")

func mustLoad(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zones are linked
	}
	return zone
}

// Day returns the day of an instant, such as 2026-03-02. Days sort as texts.
func Day(t time.Time) string { return t.In(Zone).Format(time.DateOnly) }

// ParseDay returns the beginning of a day, or fault.ErrInvalid with the field.
func ParseDay(field, day string) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, day, Zone)
	if err != nil {
		return time.Time{}, fault.InvalidField(field, "is not a day, such as 2026-03-02")
	}
	return t, nil
}

// ParseDays returns the days from the first to the last. It returns fault.ErrInvalid, with the field
// from or to, for an invalid day, for a last day before the first, and for more than most days.
func ParseDays(from, to string, most int) ([]string, error) {
	first, err := ParseDay("from", from)
	if err != nil {
		return nil, err
	}
	last, err := ParseDay("to", to)
	if err != nil {
		return nil, err
	}
	if last.Before(first) {
		return nil, fault.InvalidField("to", "is before from")
	}
	var days []string
	for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
		if len(days) == most {
			return nil, fault.InvalidField("to", "is more than %d days after from", most-1)
		}
		days = append(days, Day(day))
	}
	return days, nil
}
