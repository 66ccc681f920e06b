package schedule

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/examples/school/seoul"
	schedulev1 "github.com/bongsu-project/bongsu/gen/go/school/schedule/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/schedule/v1/schedulev1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/page"
)

// importCalls is the number of concurrent calls to the source of an import.
const importCalls = 4

// A Handler serves ScheduleService.
type Handler struct {
	store  *Store
	source TimetableSource
	log    *slog.Logger
}

var _ schedulev1connect.ScheduleServiceHandler = (*Handler)(nil)

// GetTimetable returns the lessons of a class.
func (h *Handler) GetTimetable(ctx context.Context, req *schedulev1.GetTimetableRequest) (*schedulev1.GetTimetableResponse, error) {
	to := req.GetTo()
	if to == "" {
		to = req.GetFrom()
	}
	if _, err := seoul.ParseDays(req.GetFrom(), to, maxDays); err != nil {
		return nil, err
	}
	grade, class, err := h.class(ctx, int(req.GetGrade()), int(req.GetClass()))
	if err != nil {
		return nil, err
	}
	days, err := h.store.Days(ctx, grade, class, req.GetFrom(), to)
	if err != nil {
		return nil, err
	}
	res := &schedulev1.GetTimetableResponse{}
	for _, d := range days {
		res.Days = append(res.Days, dayToProto(d))
	}
	return res, nil
}

// class returns the class that a request names: that of a student, who may see no other, or the named
// one.
func (h *Handler) class(ctx context.Context, grade, class int) (int, int, error) {
	caller, _ := auth.CallerOf(ctx)
	if !slices.Contains(caller.Roles, people.Student) {
		switch {
		case grade == 0:
			return 0, 0, fault.InvalidField("grade", "is required: only a student has a class")
		case class == 0:
			return 0, 0, fault.InvalidField("class", "is required: only a student has a class")
		}
		return grade, class, nil
	}
	student, err := h.store.Person(ctx, caller.Nickname)
	if err != nil {
		return 0, 0, err
	}
	if grade != 0 && grade != student.Grade || class != 0 && class != student.Class {
		return 0, 0, fault.Deniedf("a student sees the timetable of the own class only: %d-%d", student.Grade, student.Class)
	}
	return student.Grade, student.Class, nil
}

// SetLessons replaces the lessons of a day.
func (h *Handler) SetLessons(ctx context.Context, req *schedulev1.SetLessonsRequest) (*schedulev1.SetLessonsResponse, error) {
	if _, err := seoul.ParseDay("date", req.GetDate()); err != nil {
		return nil, err
	}
	d := Day{req.GetDate(), int(req.GetGrade()), int(req.GetClass()), req.GetLessons()}
	if err := h.store.SetDays(ctx, d); err != nil {
		return nil, err
	}
	return &schedulev1.SetLessonsResponse{Day: dayToProto(d)}, nil
}

// ImportTimetable reads the lessons of all classes from the source. What it cannot read stays as it is.
func (h *Handler) ImportTimetable(ctx context.Context, req *schedulev1.ImportTimetableRequest) (*schedulev1.ImportTimetableResponse, error) {
	days, err := seoul.ParseDays(req.GetFrom(), req.GetTo(), maxImportDays)
	if err != nil {
		return nil, err
	}
	var read, failed atomic.Int32
	calls, callsCtx := errgroup.WithContext(ctx)
	calls.SetLimit(importCalls)
	for _, date := range days {
		for n := range grades * classes {
			calls.Go(func() error {
				grade, class := n/classes+1, n%classes+1
				lessons, err := h.source.Lessons(callsCtx, grade, class, date)
				if err != nil {
					failed.Add(1)
					h.log.WarnContext(ctx, "timetable not read", "grade", grade, "class", class, "date", date, "error", err)
					return ctx.Err()
				}
				read.Add(1)
				return h.store.SetDays(callsCtx, Day{date, grade, class, lessons})
			})
		}
	}
	if err := calls.Wait(); err != nil {
		return nil, err
	}
	if read.Load() == 0 {
		return nil, fault.Unavailablef("the education office does not respond; the timetable is unchanged")
	}
	return &schedulev1.ImportTimetableResponse{Read: read.Load(), Failed: failed.Load()}, nil
}

// ListEntries returns a page of the calendar.
func (h *Handler) ListEntries(ctx context.Context, req *schedulev1.ListEntriesRequest) (*schedulev1.ListEntriesResponse, error) {
	if err := checkRange(req.GetFrom(), req.GetTo()); err != nil {
		return nil, err
	}
	all, next, err := page.Of(req, func(e Entry) Cursor { return Cursor{e.From, e.ID} }, func(after Cursor, limit int) ([]Entry, error) {
		return h.store.Entries(ctx, Query{From: req.GetFrom(), To: req.GetTo(), Text: req.GetQuery(), After: after, Limit: limit})
	})
	if err != nil {
		return nil, err
	}
	res := &schedulev1.ListEntriesResponse{NextPageToken: next}
	for _, e := range all {
		res.Entries = append(res.Entries, entryToProto(e))
	}
	return res, nil
}

// checkRange returns fault.ErrInvalid, with the field, unless both are days in order.
func checkRange(from, to string) error {
	const years = 10 * 366
	_, err := seoul.ParseDays(from, to, years)
	return err
}

// CreateEntry adds an entry.
func (h *Handler) CreateEntry(ctx context.Context, req *schedulev1.CreateEntryRequest) (*schedulev1.CreateEntryResponse, error) {
	if err := checkRange(req.GetFrom(), req.GetTo()); err != nil {
		return nil, err
	}
	caller, _ := auth.CallerOf(ctx)
	e := Entry{uuid.NewString(), req.GetText(), req.GetFrom(), req.GetTo(), caller.Nickname}
	if err := h.store.AddEntry(ctx, e); err != nil {
		return nil, err
	}
	return &schedulev1.CreateEntryResponse{Entry: entryToProto(e)}, nil
}

// UpdateEntry replaces an entry.
func (h *Handler) UpdateEntry(ctx context.Context, req *schedulev1.UpdateEntryRequest) (*schedulev1.UpdateEntryResponse, error) {
	if err := checkRange(req.GetFrom(), req.GetTo()); err != nil {
		return nil, err
	}
	caller, _ := auth.CallerOf(ctx)
	e := Entry{req.GetId(), req.GetText(), req.GetFrom(), req.GetTo(), caller.Nickname}
	if err := h.store.SetEntry(ctx, e); err != nil {
		return nil, err
	}
	return &schedulev1.UpdateEntryResponse{Entry: entryToProto(e)}, nil
}

// DeleteEntry deletes an entry.
func (h *Handler) DeleteEntry(ctx context.Context, req *schedulev1.DeleteEntryRequest) (*schedulev1.DeleteEntryResponse, error) {
	if err := h.store.DeleteEntry(ctx, req.GetId()); err != nil {
		return nil, err
	}
	return &schedulev1.DeleteEntryResponse{}, nil
}

func dayToProto(d Day) *schedulev1.Day {
	return &schedulev1.Day{Date: d.Date, Grade: int32(d.Grade), Class: int32(d.Class), Lessons: d.Lessons}
}

func entryToProto(e Entry) *schedulev1.Entry {
	return &schedulev1.Entry{Id: e.ID, Text: e.Text, From: e.From, To: e.To, Writer: e.Writer}
}
