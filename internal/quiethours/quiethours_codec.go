package quiethours

import (
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// ToWire converts quiet hours; nil for none.
func ToWire(h *Hours) *userv1.QuietHours {
	if h == nil {
		return nil
	}
	wire := &userv1.QuietHours{TimeZone: h.TimeZone, MinSeverity: h.MinSeverity}
	for _, in := range h.Intervals {
		interval := &userv1.TimeInterval{Weekdays: in.Weekdays}
		for _, r := range in.Times {
			interval.Times = append(interval.Times, &userv1.TimeRange{StartTime: r.Start, EndTime: r.End})
		}
		wire.Intervals = append(wire.Intervals, interval)
	}
	return wire
}

// FromWire converts quiet hours; nil for none, which are unset or have no intervals. It does not
// validate them.
func FromWire(wire *userv1.QuietHours) *Hours {
	if len(wire.GetIntervals()) == 0 {
		return nil
	}
	h := &Hours{TimeZone: wire.GetTimeZone(), MinSeverity: wire.GetMinSeverity()}
	for _, in := range wire.GetIntervals() {
		interval := Interval{Weekdays: in.GetWeekdays()}
		for _, r := range in.GetTimes() {
			interval.Times = append(interval.Times, TimeRange{Start: r.GetStartTime(), End: r.GetEndTime()})
		}
		h.Intervals = append(h.Intervals, interval)
	}
	return h
}
