package quiethours_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// on returns an interval on weekdays, empty for all, with times such as 22:00-24:00.
func on(weekdays string, times ...string) quiethours.Interval {
	var in quiethours.Interval
	if weekdays != "" {
		in.Weekdays = []string{weekdays}
	}
	for _, text := range times {
		in.Times = append(in.Times, quiethours.TimeRange{Start: text[:5], End: text[6:]})
	}
	return in
}

func hours(zone string, intervals ...quiethours.Interval) quiethours.Hours {
	return quiethours.Hours{Intervals: intervals, TimeZone: zone}
}

// TestEnd checks when quiet hours end. Times are local, with the offset where it is ambiguous.
func TestEnd(t *testing.T) {
	nights := func(zone string) quiethours.Hours { return hours(zone, on("", "00:00-07:00", "22:00-24:00")) }
	office := hours("Asia/Seoul",
		on("monday:friday", "22:00-24:00"), on("monday:friday", "00:00-07:00"), on("saturday:sunday"))
	for _, c := range []struct {
		name    string
		hours   quiethours.Hours
		at, end string // end is empty if at is not quiet
	}{
		{"in the evening", nights("Asia/Seoul"), "2026-11-30T23:15:07+09:00", "2026-12-01T07:00:00+09:00"},
		{"at the first moment", nights("Asia/Seoul"), "2026-11-30T22:00:00+09:00", "2026-12-01T07:00:00+09:00"},
		{"before it", nights("Asia/Seoul"), "2026-11-30T21:59:59.999999999+09:00", ""},
		{"at the last moment", nights("Asia/Seoul"), "2026-12-01T06:59:59.999999999+09:00", "2026-12-01T07:00:00+09:00"},
		{"at the end", nights("Asia/Seoul"), "2026-12-01T07:00:00+09:00", ""},
		{"midnight is joined", nights("Asia/Seoul"), "2026-12-01T00:00:00+09:00", "2026-12-01T07:00:00+09:00"},
		{"of another zone", nights("America/New_York"), "2026-12-01T07:30:00+09:00", ""},
		{"of a zone of half an hour", nights("Asia/Kathmandu"), "2026-12-01T03:00:00+05:45", "2026-12-01T07:00:00+05:45"},

		{"a weekend", office, "2026-11-28T12:00:00+09:00", "2026-11-30T07:00:00+09:00"},
		{"a Friday night is joined to the weekend", office, "2026-11-27T22:30:00+09:00", "2026-11-30T07:00:00+09:00"},
		{"a Thursday night", office, "2026-11-26T22:30:00+09:00", "2026-11-27T07:00:00+09:00"},
		{"a working day", office, "2026-11-27T12:00:00+09:00", ""},
		{"adjacent ranges", hours("UTC", on("", "10:00-11:00", "11:00-12:00", "12:01-13:00")), "2026-12-01T10:30:00Z", "2026-12-01T12:00:00Z"},
		{"overlapping intervals", hours("UTC", on("", "10:00-11:30"), on("tuesday", "11:00-12:00")), "2026-12-01T10:30:00Z", "2026-12-01T12:00:00Z"},
		{"one weekday only", hours("UTC", on("monday", "22:00-24:00")), "2026-12-01T22:30:00Z", ""},
		{"a range of weekdays around the week", hours("UTC", on("friday:monday")), "2026-11-27T00:00:00Z", "2026-12-01T00:00:00Z"},

		{"the clocks go forward in the night", nights("Europe/Berlin"), "2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"},
		{"the clocks go back in the night", nights("Europe/Berlin"), "2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"},
		{"an end that is skipped", hours("Europe/Berlin", on("", "01:00-02:30")), "2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"a start that is skipped", hours("Europe/Berlin", on("", "02:00-04:00")), "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"},
		{"an end that comes twice, the first", hours("Europe/Berlin", on("", "01:00-02:30")), "2026-10-25T02:10:00+02:00", "2026-10-25T02:30:00+02:00"},
		{"an end that comes twice, the second", hours("Europe/Berlin", on("", "01:00-02:30")), "2026-10-25T02:10:00+01:00", "2026-10-25T02:30:00+01:00"},
		{"a start that comes twice", hours("Europe/Berlin", on("", "02:30-05:00")), "2026-10-25T02:40:00+02:00", "2026-10-25T02:00:00+01:00"},
		{"midnight that is skipped", hours("America/Santiago", on("saturday")), "2026-09-05T12:00:00-04:00", "2026-09-06T01:00:00-03:00"},
		{"a gap that the clocks skip: at most a week", hours("Europe/Berlin", on("monday:saturday"), on("sunday", "00:00-02:00", "03:00-24:00")),
			"2026-03-28T12:00:00+01:00", "2026-04-04T13:00:00+02:00"},
		{"a gap of a minute", hours("UTC", on("monday:saturday"), on("sunday", "00:00-23:59")), "2026-12-06T23:59:59Z", ""},
		{"all week but a minute", hours("UTC", on("monday:saturday"), on("sunday", "00:00-23:59")), "2026-12-07T00:00:00Z", "2026-12-13T23:59:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := quiethours.Parse(c.hours)
			kittest.NoError(t, err)
			at, err := time.Parse(time.RFC3339Nano, c.at)
			kittest.NoError(t, err)
			end, quiet := s.End(at)
			kittest.Equal(t, quiet, c.end != "")
			if c.end == "" {
				kittest.Equal(t, end.IsZero(), true)
				return
			}
			want, err := time.Parse(time.RFC3339, c.end)
			kittest.NoError(t, err)
			kittest.Equal(t, end.UTC(), want.UTC())
		})
	}
}

// TestHeldUntil checks which ranks get through.
func TestHeldUntil(t *testing.T) {
	at := time.Date(2026, time.December, 1, 3, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		minSeverity string
		held        []job.Rank
	}{
		{"", []job.Rank{job.High, job.Normal, job.Low}},
		{"critical", []job.Rank{job.High, job.Normal, job.Low}},
		{"high", []job.Rank{job.Normal, job.Low}},
		{"normal", []job.Rank{job.Low}},
	} {
		h := hours("UTC", on("", "00:00-07:00"))
		h.MinSeverity = c.minSeverity
		s, err := quiethours.Parse(h)
		kittest.NoError(t, err)
		var held []job.Rank
		for _, rank := range job.Ranks {
			if end, ok := s.HeldUntil(at, rank); ok {
				held = append(held, rank)
				kittest.Equal(t, end, at.Add(4*time.Hour))
			}
			_, ok := s.HeldUntil(at.Add(4*time.Hour), rank)
			kittest.Equal(t, ok, false)
		}
		kittest.Equal(t, held, c.held)
	}
}

// TestParseRefuses checks that invalid hours are refused with their field.
func TestParseRefuses(t *testing.T) {
	night := on("", "00:00-07:00")
	for _, c := range []struct {
		hours quiethours.Hours
		field string
	}{
		{hours("", night), "time_zone"},
		{hours("Local", night), "time_zone"},
		{hours("Asia/Pyeongchang", night), "time_zone"},
		{hours("../Asia/Seoul", night), "time_zone"},
		{hours("/etc/localtime", night), "time_zone"},
		{hours("UTC"), "intervals"},
		{hours("UTC", slices.Repeat([]quiethours.Interval{night}, quiethours.MaxIntervals+1)...), "intervals"},
		{hours("UTC", quiethours.Interval{}), "intervals"},
		{hours("UTC", on("monday:sunday")), "intervals"},
		{hours("UTC", on("", "00:00-24:00")), "intervals"},
		{hours("UTC", on("monday:friday"), on("saturday:sunday", "00:00-12:00", "12:00-24:00")), "intervals"},
		{hours("UTC", night, on("mon")), "intervals[1].weekdays[0]"},
		{hours("UTC", on("monday:friday:sunday")), "intervals[0].weekdays[0]"},
		{hours("UTC", on("", "22:00-07:00")), "intervals[0].times[0]"},
		{hours("UTC", on("", "07:00-07:00")), "intervals[0].times[0]"},
		{hours("UTC", on("", "07:00-24:01")), "intervals[0].times[0]"},
		{hours("UTC", on("", "07:00-08:00", "7:00 -08:00")), "intervals[0].times[1]"},
		{hours("UTC", quiethours.Interval{Times: []quiethours.TimeRange{{Start: "07:00"}}}), "intervals[0].times[0]"},
		{hours("UTC", quiethours.Interval{Times: make([]quiethours.TimeRange, quiethours.MaxTimes+1)}), "intervals[0].times"},
		{hours("UTC", quiethours.Interval{Weekdays: make([]string, quiethours.MaxWeekdays+1)}), "intervals[0].weekdays"},
		{quiethours.Hours{Intervals: []quiethours.Interval{night}, TimeZone: "UTC", MinSeverity: "low"}, "min_severity"},
		{quiethours.Hours{Intervals: []quiethours.Interval{night}, TimeZone: "UTC", MinSeverity: "page"}, "min_severity"},
	} {
		_, err := c.hours.Accept()
		kittest.Error(t, err, fault.ErrInvalid, c.field)
		fields := fault.Fields(err)
		kittest.Equal(t, len(fields), 1)
		kittest.Equal(t, fields[0].Path, c.field)
	}
}

// TestEncode checks that hours are the same after they were stored.
func TestEncode(t *testing.T) {
	h := hours("Asia/Seoul", on("monday:friday", "22:00-24:00"), on("saturday"))
	h.MinSeverity = "high"
	for _, want := range []*quiethours.Hours{nil, &h} {
		got, err := quiethours.Decode(quiethours.Encode(want))
		kittest.NoError(t, err)
		kittest.Equal(t, got, want)
	}
	_, err := quiethours.Decode("[]")
	kittest.Equal(t, err != nil, true)
}

// FuzzEnd compares End with a search minute by minute.
func FuzzEnd(f *testing.F) {
	for _, zone := range []string{"UTC", "Asia/Seoul", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		f.Add(zone, int64(1_774_742_400), uint16(1320), uint16(1440), uint16(0), uint16(420), uint8(1), uint8(5))
		f.Add(zone, int64(1_792_886_400), uint16(60), uint16(150), uint16(150), uint16(170), uint8(6), uint8(0))
		f.Add(zone, int64(1_788_652_800), uint16(0), uint16(1440), uint16(100), uint16(101), uint8(2), uint8(6))
	}
	f.Fuzz(func(t *testing.T, zone string, unix int64, start, end, start2, end2 uint16, first, last uint8) {
		clock := func(minute uint16) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
		days := [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
		h := hours(zone,
			on(days[first%7]+":"+days[last%7], clock(start%1441)+"-"+clock(end%1441)),
			on("", clock(start2%1441)+"-"+clock(end2%1441)))
		s, err := quiethours.Parse(h)
		if err != nil {
			kittest.Error(t, err, fault.ErrInvalid, "")
			return
		}
		at := time.Unix(unix%4_000_000_000, 0)
		got, quiet := s.End(at)
		if !quiet {
			return
		}
		if !got.After(at) || got.Sub(at) > quiethours.MaxHold {
			t.Fatalf("the quiet hours of %s end at %s", at, got)
		}
		if _, still := s.End(got); still && got.Sub(at) < quiethours.MaxHold {
			t.Fatalf("%s is still quiet", got)
		}
		for next := at; next.Before(got); next = next.Add(time.Minute) {
			if _, quiet := s.End(next); !quiet {
				t.Fatalf("%s is not quiet, before %s", next, got)
			}
		}
	})
}
