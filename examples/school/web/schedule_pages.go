package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/seoul"
	schedulev1 "github.com/bongsu-project/bongsu/gen/go/school/schedule/v1"
)

const (
	periods     = 7   // of a day
	entriesSize = 100 // entries of the calendar on a page: more than a month has
)

var weekdays = []string{"일", "월", "화", "수", "목", "금", "토"}

// TimetablePage is the content of the page of a timetable.
type TimetablePage struct {
	Grade, Class   int32
	Days           []TimetableDay
	Before, After  string // the paths of the weeks before and after
	Choose, Change bool   // whether the person names the class, and may change lessons
	Form           *Form
}

// TimetableDay is a day of a timetable.
type TimetableDay struct {
	Date, Weekday string
	Today         bool
	Lessons       []string // of all periods
}

// timetable shows the lessons of a week: students see those of their class, others name one.
func (v *visit) timetable() error {
	return v.showTimetable(http.StatusOK, newForm("date", seoul.Day(v.dayOf(v.query("week"))), "grade", v.query("grade"), "class", v.query("class")))
}

func (v *visit) showTimetable(status int, f *Form) error {
	p := TimetablePage{Form: f, Choose: !v.isStudent(), Change: v.isTeacher()}
	monday := mondayOf(v.dayOf(f.Value("date")))
	if p.Choose {
		p.Grade = cmp.Or(f.number("grade"), v.session.account.GetGrade(), 1)
		p.Class = cmp.Or(f.number("class"), v.session.account.GetClass(), 1)
	}
	res, err := v.api.schedule.GetTimetable(v.ctx(), &schedulev1.GetTimetableRequest{
		Grade: p.Grade, Class: p.Class, From: seoul.Day(monday), To: seoul.Day(monday.AddDate(0, 0, 6)),
	})
	if err != nil {
		return err
	}
	lessons := map[string][]string{}
	for _, day := range res.GetDays() {
		lessons[day.GetDate()] = day.GetLessons()
	}
	for i := range 7 {
		day := monday.AddDate(0, 0, i)
		date := seoul.Day(day)
		if i >= 5 && len(lessons[date]) == 0 { // a weekend
			continue
		}
		p.Days = append(p.Days, TimetableDay{
			date, weekdays[day.Weekday()], date == v.today(), append(lessons[date], make([]string, periods)...)[:periods],
		})
	}
	if !f.values.Has("lessons") {
		f.values["lessons"] = lessons[f.Value("date")]
	}
	p.Before, p.After = p.Week(seoul.Day(monday.AddDate(0, 0, -7))), p.Week(seoul.Day(monday.AddDate(0, 0, 7)))
	v.show(status, "timetable", "시간표", p)
	return nil
}

// Week returns the path of the timetable of the week of a day, whose lessons are in the form.
func (p TimetablePage) Week(date string) string {
	values := url.Values{"week": {date}}
	if p.Choose {
		values.Set("grade", strconv.Itoa(int(p.Grade)))
		values.Set("class", strconv.Itoa(int(p.Class)))
	}
	return "/timetable?" + values.Encode()
}

// dayOf returns the day of a text, by default today.
func (v *visit) dayOf(text string) time.Time {
	day, err := time.ParseInLocation(time.DateOnly, text, seoul.Zone)
	if err != nil {
		return v.pages.now().In(seoul.Zone)
	}
	return day
}

func mondayOf(day time.Time) time.Time { return day.AddDate(0, 0, -(int(day.Weekday())+6)%7) }

// setLessons replaces the lessons of a day.
func (v *visit) setLessons() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	req := &schedulev1.SetLessonsRequest{Grade: f.number("grade"), Class: f.number("class"), Date: f.text("date"), Lessons: f.values["lessons"]}
	for len(req.GetLessons()) > 0 && req.Lessons[len(req.Lessons)-1] == "" {
		req.Lessons = req.Lessons[:len(req.Lessons)-1]
	}
	if _, err := v.api.schedule.SetLessons(v.ctx(), req); err != nil {
		if !answers(err) {
			return err
		}
		return v.showTimetable(f.fail(err, "lessons"), f)
	}
	return v.done("/timetable?"+url.Values{"grade": {f.text("grade")}, "class": {f.text("class")}, "week": {f.text("date")}}.Encode(), "시간표를 바꾸었습니다.")
}

// CalendarPage is the content of the page of a month.
type CalendarPage struct {
	List
	Month         string // such as 2026-03
	Before, After string // the months before and after
	Weeks         [][]CalendarDay
	Entries       []*schedulev1.Entry
	Change        bool
	Form          *Form
}

// CalendarDay is a day in the grid of a month.
type CalendarDay struct {
	Day     int // 0 for a day of another month
	Date    string
	Today   bool
	Entries []*schedulev1.Entry
}

// calendar shows the entries of a month.
func (v *visit) calendar() error {
	return v.showCalendar(http.StatusOK, newForm("from", v.today(), "to", v.today()))
}

func (v *visit) showCalendar(status int, f *Form) error {
	first, err := time.ParseInLocation("2006-01", v.query("month"), seoul.Zone)
	if err != nil {
		now := v.pages.now().In(seoul.Zone)
		first = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, seoul.Zone)
	}
	last := first.AddDate(0, 1, -1)
	res, err := v.api.schedule.ListEntries(v.ctx(), &schedulev1.ListEntriesRequest{
		From: seoul.Day(first), To: seoul.Day(last), Query: v.query("q"), PageSize: entriesSize, PageToken: v.query("page"),
	})
	if err != nil {
		return err
	}
	v.show(status, "calendar", "학사일정", CalendarPage{
		List: v.list(res.GetNextPageToken()), Month: first.Format("2006-01"), Before: first.AddDate(0, -1, 0).Format("2006-01"), After: first.AddDate(0, 1, 0).Format("2006-01"),
		Weeks: monthWeeks(first, v.today(), res.GetEntries()), Entries: res.GetEntries(), Change: v.isTeacher(), Form: f,
	})
	return nil
}

// monthWeeks returns the weeks of a month, from Sunday.
func monthWeeks(first time.Time, today string, entries []*schedulev1.Entry) (weeks [][]CalendarDay) {
	for start := first.AddDate(0, 0, -int(first.Weekday())); start.Before(first.AddDate(0, 1, 0)); start = start.AddDate(0, 0, 7) {
		week := make([]CalendarDay, 7)
		for i := range week {
			day := start.AddDate(0, 0, i)
			if day.Month() != first.Month() {
				continue
			}
			d := CalendarDay{Day: day.Day(), Date: seoul.Day(day), Today: seoul.Day(day) == today}
			for _, e := range entries {
				if e.GetFrom() <= d.Date && d.Date <= e.GetTo() {
					d.Entries = append(d.Entries, e)
				}
			}
			week[i] = d
		}
		weeks = append(weeks, week)
	}
	return weeks
}

// createEntry adds an entry to the calendar.
func (v *visit) createEntry() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	_, err = v.api.schedule.CreateEntry(v.ctx(), &schedulev1.CreateEntryRequest{Text: f.text("text"), From: f.text("from"), To: f.text("to")})
	if err != nil {
		if !answers(err) {
			return err
		}
		return v.showCalendar(f.fail(err, "text", "from", "to"), f)
	}
	return v.done(monthPath(f), "학사일정에 넣었습니다.")
}

// deleteEntry deletes an entry of the calendar.
func (v *visit) deleteEntry() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if _, err := v.api.schedule.DeleteEntry(v.ctx(), &schedulev1.DeleteEntryRequest{Id: v.r.PathValue("id")}); err != nil {
		return err
	}
	return v.done(monthPath(f), "학사일정에서 뺐습니다.")
}

// monthPath returns the path of the month of a form.
func monthPath(f *Form) string {
	from := f.text("from")
	return "/calendar?month=" + url.QueryEscape(from[:min(len(from), len("2006-01"))])
}
