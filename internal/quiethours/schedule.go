package quiethours

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // for images and systems without time zones; about 450 kB

	"github.com/prometheus/alertmanager/timeinterval"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// MaxHold is the longest time for which quiet hours hold back an alert.
const MaxHold = 7 * 24 * time.Hour

// minutesOfDay is the minute at which a day ends.
const minutesOfDay = 24 * 60

// A Schedule is parsed quiet hours. It is safe for concurrent use.
type Schedule struct {
	location  *time.Location
	minRank   job.Rank
	intervals []timeinterval.TimeInterval
	ends      []int // the minutes of a day at which a time range or the day ends, sorted
}

// Parse parses quiet hours. It returns fault.ErrInvalid, with the field, for an unknown time zone
// or severity, for an interval that Alertmanager's library refuses, and for hours that never end.
func Parse(h Hours) (*Schedule, error) {
	rank, err := h.minRank()
	if err != nil {
		return nil, err
	}
	location, err := loadLocation(h.TimeZone)
	if err != nil {
		return nil, err
	}
	if len(h.Intervals) == 0 || len(h.Intervals) > MaxIntervals {
		return nil, fault.InvalidField("intervals", "must have 1 to %d items", MaxIntervals)
	}
	s := &Schedule{location: location, minRank: rank, ends: []int{minutesOfDay}}
	for i, in := range h.Intervals {
		parsed, err := parseInterval(in)
		if err != nil {
			return nil, fault.Within(fmt.Sprintf("intervals[%d]", i), err)
		}
		s.intervals = append(s.intervals, parsed)
		for _, r := range parsed.Times {
			s.ends = append(s.ends, r.EndMinute)
		}
	}
	slices.Sort(s.ends)
	s.ends = slices.Compact(s.ends)
	if s.neverEnds() {
		return nil, fault.InvalidField("intervals", "must leave out a minute of the week: these quiet hours never end")
	}
	return s, nil
}

// loadLocation returns the location of an IANA time zone. Local, the zone of the server, is none.
func loadLocation(name string) (*time.Location, error) {
	if name == "" {
		return nil, fault.InvalidField("time_zone", "required, such as Asia/Seoul")
	}
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fault.InvalidField("time_zone", "unknown time zone %q, use an IANA name such as Asia/Seoul", name)
	}
	return location, nil
}

// parseInterval parses an interval with Alertmanager's library.
func parseInterval(in Interval) (out timeinterval.TimeInterval, err error) {
	if len(in.Weekdays) > MaxWeekdays {
		return out, fault.InvalidField("weekdays", "must have at most %d items", MaxWeekdays)
	}
	if len(in.Times) > MaxTimes {
		return out, fault.InvalidField("times", "must have at most %d items", MaxTimes)
	}
	for i, text := range in.Weekdays {
		var days timeinterval.WeekdayRange
		if err := unmarshal(&days, text); err != nil {
			return out, fault.InvalidField(fmt.Sprintf("weekdays[%d]", i), "must be a day such as saturday, or a range such as monday:friday, not %q", text)
		}
		out.Weekdays = append(out.Weekdays, days)
	}
	for i, r := range in.Times {
		var times timeinterval.TimeRange
		if err := unmarshal(&times, r); err != nil {
			return out, fault.InvalidField(fmt.Sprintf("times[%d]", i), "must be from 00:00 to 24:00 and end after it starts, not %s to %s: use two intervals for a night", r.Start, r.End)
		}
		out.Times = append(out.Times, times)
	}
	return out, nil
}

// unmarshal unmarshals a value in the notation of Alertmanager.
func unmarshal(to json.Unmarshaler, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return to.UnmarshalJSON(text)
}

// HeldUntil returns when the quiet hours that t is in end, and reports whether an alert of a rank
// is held back until then: it is not if it is urgent enough to get through. The end is at most
// MaxHold after t.
func (s *Schedule) HeldUntil(t time.Time, rank job.Rank) (end time.Time, held bool) {
	if rank <= s.minRank {
		return time.Time{}, false
	}
	return s.End(t)
}

// End returns when the quiet hours that t is in end, and reports whether t is in quiet hours.
// Intervals that follow one another without a gap are joined. The end is at most MaxHold after t.
func (s *Schedule) End(t time.Time) (end time.Time, quiet bool) {
	if !s.contains(t) {
		return time.Time{}, false
	}
	last := t.Add(MaxHold)
	for end = s.nextChange(t); end.Before(last); end = s.nextChange(end) {
		if !s.contains(end) {
			return end.UTC(), true
		}
	}
	return last, true
}

// contains reports whether t is in one of the intervals.
func (s *Schedule) contains(t time.Time) bool {
	local := t.In(s.location)
	return slices.ContainsFunc(s.intervals, func(i timeinterval.TimeInterval) bool { return i.ContainsTime(local) })
}

// nextChange returns the first time after t at which an interval may end: at the end of a time
// range or of the day, or where the clocks change.
func (s *Schedule) nextChange(t time.Time) time.Time {
	local := t.In(s.location)
	minute := local.Hour()*60 + local.Minute()
	i, _ := slices.BinarySearch(s.ends, minute+1)
	next := local.Add(time.Duration(s.ends[i]-minute)*time.Minute - time.Duration(local.Second())*time.Second - time.Duration(local.Nanosecond()))
	if _, change := local.ZoneBounds(); !change.IsZero() && change.Before(next) {
		return change
	}
	return next
}

// neverEnds reports whether each minute of a week without a change of the clocks is quiet.
func (s *Schedule) neverEnds() bool {
	week := *s
	week.location = time.UTC
	from := time.Date(2001, time.January, 1, 0, 0, 0, 0, time.UTC)
	end, quiet := week.End(from)
	return quiet && end.Equal(from.Add(MaxHold))
}
