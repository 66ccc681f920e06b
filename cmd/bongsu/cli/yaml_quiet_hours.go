package cli

import (
	"go.yaml.in/yaml/v3"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// quietHoursNode returns quiet hours as YAML.
func quietHoursNode(hours *userv1.QuietHours) *yaml.Node {
	intervals := list()
	for _, in := range hours.GetIntervals() {
		interval, weekdays, times := mapping(), list(), list()
		for _, day := range in.GetWeekdays() {
			weekdays.Content = append(weekdays.Content, text(day))
		}
		for _, r := range in.GetTimes() {
			times.Content = append(times.Content, timeRangeNode(r))
		}
		if len(weekdays.Content) > 0 {
			put(interval, "weekdays", weekdays)
		}
		if len(times.Content) > 0 {
			put(interval, "times", times)
		}
		intervals.Content = append(intervals.Content, interval)
	}
	node := mapping()
	put(node, "intervals", intervals)
	put(node, "time_zone", text(hours.GetTimeZone()))
	put(node, "min_severity", text(hours.GetMinSeverity()))
	return node
}

func timeRangeNode(r *userv1.TimeRange) *yaml.Node {
	node := mapping()
	put(node, "start_time", quoted(r.GetStartTime()))
	put(node, "end_time", quoted(r.GetEndTime()))
	return node
}

// quoted returns a text in quotes: YAML 1.1 reads 22:00 as a number.
func quoted(value string) *yaml.Node {
	node := text(value)
	node.Style = yaml.DoubleQuotedStyle
	return node
}

// quietHours parses quiet hours. Without intervals they remove those of the user.
func (r *yamlReader) quietHours(n *yaml.Node) *userv1.QuietHours {
	hours := &userv1.QuietHours{}
	r.mapping(n, "quiet_hours", map[string]func(*yaml.Node){
		"intervals": func(n *yaml.Node) {
			r.list(n, "intervals", func(n *yaml.Node) { hours.Intervals = append(hours.Intervals, r.timeInterval(n)) })
		},
		"time_zone":    func(n *yaml.Node) { hours.TimeZone = r.text(n, "time_zone") },
		"min_severity": func(n *yaml.Node) { hours.MinSeverity = r.text(n, "min_severity") },
	})
	return hours
}

func (r *yamlReader) timeInterval(n *yaml.Node) *userv1.TimeInterval {
	in := &userv1.TimeInterval{}
	r.mapping(n, "an interval", map[string]func(*yaml.Node){
		"weekdays": func(n *yaml.Node) {
			r.list(n, "weekdays", func(n *yaml.Node) { in.Weekdays = append(in.Weekdays, r.text(n, "a weekday")) })
		},
		"times": func(n *yaml.Node) {
			r.list(n, "times", func(n *yaml.Node) { in.Times = append(in.Times, r.timeRange(n)) })
		},
	})
	return in
}

func (r *yamlReader) timeRange(n *yaml.Node) *userv1.TimeRange {
	out := &userv1.TimeRange{}
	r.mapping(n, "a time range", map[string]func(*yaml.Node){
		"start_time": func(n *yaml.Node) { out.StartTime = r.text(n, "start_time") },
		"end_time":   func(n *yaml.Node) { out.EndTime = r.text(n, "end_time") },
	})
	return out
}
