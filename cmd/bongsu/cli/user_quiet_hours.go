package cli

import (
	"context"
	"strings"
	"time"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// userQuietHoursSet is the command bongsu user quiet-hours set.
type userQuietHoursSet struct {
	userArg
	From        string   `placeholder:"HH:MM" help:"When the quiet hours begin."`
	To          string   `placeholder:"HH:MM" help:"When they end: on the next day if it is before --from."`
	Days        []string `placeholder:"DAYS" help:"The days on which they begin, such as mon-fri or sat; repeatable or separated by commas. Every day by default."`
	AllDay      []string `placeholder:"DAYS" help:"Days that are quiet as a whole, such as sat-sun; repeatable or separated by commas."`
	Zone        string   `required:"" placeholder:"ZONE" help:"The time zone of the user: a name of the IANA database, such as Asia/Seoul."`
	MinSeverity string   `placeholder:"RANK" help:"The rank from which alerts are sent also in quiet hours: critical, high or normal. critical by default."`
}

// Help returns the long help.
func (userQuietHoursSet) Help() string {
	return `In quiet hours only urgent alerts are sent to the user. The others wait until the quiet hours end, at most 7 days. Adjacent quiet hours are joined: a Friday night followed by a quiet weekend ends on Monday.

The command replaces the quiet hours of the user. Other intervals can be set by the API or by bongsu import.

Examples:

	bongsu user quiet-hours set user1 --from=22:00 --to=07:00 --zone=Asia/Seoul
	bongsu user quiet-hours set user1 --from=22:00 --to=07:00 --days=mon-fri --zone=Europe/Berlin --min-severity=high
	bongsu user quiet-hours set user1 --from=19:00 --to=08:00 --days=sun-thu --all-day=fri-sat --zone=Asia/Dubai`
}

// Run executes bongsu user quiet-hours set.
func (c userQuietHoursSet) Run(ctx context.Context, con *console) error {
	hours, err := c.hours()
	if err != nil {
		return err
	}
	return c.update(ctx, con, hours)
}

// hours returns the quiet hours that the flags describe.
func (c userQuietHoursSet) hours() (*userv1.QuietHours, error) {
	days, err := parseDays("--days", c.Days)
	if err != nil {
		return nil, err
	}
	wholeDays, err := parseDays("--all-day", c.AllDay)
	if err != nil {
		return nil, err
	}
	hours := &userv1.QuietHours{TimeZone: c.Zone, MinSeverity: c.MinSeverity}
	switch {
	case (c.From == "") != (c.To == ""), c.From == "" && len(wholeDays) == 0:
		return nil, usagef("missing flags: --from and --to, or --all-day")
	case c.From == "" && len(days) > 0:
		return nil, usagef("--days needs --from and --to; use --all-day for whole days")
	case c.From != "":
		if hours.Intervals, err = nightIntervals(c.From, c.To, days); err != nil {
			return nil, err
		}
	}
	if len(wholeDays) > 0 {
		hours.Intervals = append(hours.Intervals, &userv1.TimeInterval{Weekdays: weekdayTexts(wholeDays, 0)})
	}
	return hours, nil
}

// nightIntervals returns the intervals from one time of a day to another one, on the next day if
// that is earlier. days are those on which they begin; empty for all.
func nightIntervals(from, to string, days []dayRange) ([]*userv1.TimeInterval, error) {
	begin, err := time.Parse("15:04", from)
	if err != nil {
		return nil, usagef("invalid --from %q: want a time such as 22:00", from)
	}
	endOfDay := to == "24:00" || to == "00:00"
	end, err := time.Parse("15:04", to)
	if err != nil && !endOfDay {
		return nil, usagef("invalid --to %q: want a time such as 07:00", to)
	}
	start, stop := begin.Format("15:04"), end.Format("15:04")
	interval := func(shift int, start, stop string) *userv1.TimeInterval {
		return &userv1.TimeInterval{Weekdays: weekdayTexts(days, shift), Times: []*userv1.TimeRange{{StartTime: start, EndTime: stop}}}
	}
	switch {
	case endOfDay:
		return []*userv1.TimeInterval{interval(0, start, "24:00")}, nil
	case begin.Equal(end):
		return nil, usagef("--from and --to are the same time; use --all-day for whole days")
	case begin.Before(end):
		return []*userv1.TimeInterval{interval(0, start, stop)}, nil
	}
	return []*userv1.TimeInterval{interval(0, start, "24:00"), interval(1, "00:00", stop)}, nil
}

// A dayRange is a range of weekdays, including both.
type dayRange struct{ first, last time.Weekday }

// parseDays parses days such as mon-fri or saturday.
func parseDays(flag string, texts []string) ([]dayRange, error) {
	ranges := make([]dayRange, 0, len(texts))
	for _, text := range texts {
		first, last, isRange := strings.Cut(text, "-")
		if !isRange {
			last = first
		}
		from, ok := weekdayOf(first)
		to, alsoOK := weekdayOf(last)
		if !ok || !alsoOK {
			return nil, usagef("invalid %s %q: want days such as mon-fri or sat", flag, text)
		}
		ranges = append(ranges, dayRange{from, to})
	}
	return ranges, nil
}

// weekdayOf returns the weekday with a name, which may be cut to three letters or more.
func weekdayOf(name string) (time.Weekday, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	for day := time.Sunday; day <= time.Saturday; day++ {
		if len(name) >= 3 && strings.HasPrefix(strings.ToLower(day.String()), name) {
			return day, true
		}
	}
	return 0, false
}

// weekdayTexts returns ranges, shifted by a number of days, as the API has them.
func weekdayTexts(days []dayRange, shift int) []string {
	var texts []string
	for _, d := range days {
		name := func(day time.Weekday) string {
			return strings.ToLower(time.Weekday((int(day) + shift) % 7).String())
		}
		text := name(d.first)
		if d.last != d.first {
			text += ":" + name(d.last)
		}
		texts = append(texts, text)
	}
	return texts
}

// userQuietHoursClear is the command bongsu user quiet-hours clear.
type userQuietHoursClear struct {
	userArg
}

// Help returns the long help.
func (userQuietHoursClear) Help() string {
	return "Alerts that are held back already still wait until the end of the quiet hours.\n\nExample:\n\n\tbongsu user quiet-hours clear user1"
}

// Run executes bongsu user quiet-hours clear.
func (c userQuietHoursClear) Run(ctx context.Context, con *console) error {
	return c.update(ctx, con, &userv1.QuietHours{})
}

// update replaces the quiet hours of the user and prints them.
func (u userArg) update(ctx context.Context, con *console, hours *userv1.QuietHours) error {
	res, err := u.users().UpdateUser(ctx, &userv1.UpdateUserRequest{NickName: u.name(), QuietHours: hours})
	if err != nil {
		return err
	}
	return con.show(u.JSON, res, func(p *page) { printQuietHours(p, res.GetUser()) })
}

// userQuietHoursShow is the command bongsu user quiet-hours show.
type userQuietHoursShow struct {
	userArg
}

// Help returns the long help.
func (userQuietHoursShow) Help() string {
	return "Example:\n\n\tbongsu user quiet-hours show user1"
}

// Run executes bongsu user quiet-hours show.
func (c userQuietHoursShow) Run(ctx context.Context, con *console) error {
	res, err := c.users().GetUser(ctx, &userv1.GetUserRequest{NickName: c.name()})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { printQuietHours(p, res.GetUser()) })
}

// printQuietHours prints the quiet hours of a user.
func printQuietHours(p *page, u *userv1.User) {
	hours := u.GetQuietHours()
	if len(hours.GetIntervals()) == 0 {
		p.say("user %s has no quiet hours", u.GetNickName())
		return
	}
	p.field("nickname", u.GetNickName())
	p.field("time zone", hours.GetTimeZone())
	p.field("min severity", hours.GetMinSeverity())
	p.say("")
	p.row("WEEKDAYS", "TIMES")
	for _, in := range hours.GetIntervals() {
		p.row(weekdaysText(in), timesText(in))
	}
}

// weekdaysText returns the weekdays of an interval as text.
func weekdaysText(in *userv1.TimeInterval) string {
	if len(in.GetWeekdays()) == 0 {
		return "every day"
	}
	return strings.Join(in.GetWeekdays(), ", ")
}

// timesText returns the times of an interval as text.
func timesText(in *userv1.TimeInterval) string {
	if len(in.GetTimes()) == 0 {
		return "all day"
	}
	texts := make([]string, len(in.GetTimes()))
	for i, r := range in.GetTimes() {
		texts[i] = r.GetStartTime() + "-" + r.GetEndTime()
	}
	return strings.Join(texts, ", ")
}

// quietHoursText returns quiet hours in one line.
func quietHoursText(hours *userv1.QuietHours) string {
	texts := make([]string, len(hours.GetIntervals()))
	for i, in := range hours.GetIntervals() {
		texts[i] = weekdaysText(in) + " " + timesText(in)
	}
	return strings.Join(texts, "; ") + " (" + hours.GetTimeZone() + "), but " + hours.GetMinSeverity()
}
