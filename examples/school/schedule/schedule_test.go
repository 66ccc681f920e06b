package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/examples/school/schooltest"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	schedulev1 "github.com/bongsu-project/bongsu/gen/go/school/schedule/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

func TestMain(m *testing.M) { schooltest.Main(m) }

// office is a server of the education office: each class has one lesson a day, and one day fails.
func office(t *testing.T, failing string) NEIS {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.URL.Path != "/hub/hisTimetable" || q.Get("Type") != "json" || q.Get("ATPT_OFCDC_SC_CODE") != "G10" || q.Get("SD_SCHUL_CODE") != "7430310" {
			t.Errorf("request %s", r.URL)
		}
		switch day := q.Get("ALL_TI_YMD"); day {
		case failing:
			http.Error(w, "busy", http.StatusServiceUnavailable)
		case "20260301":
			fmt.Fprint(w, `{"RESULT":{"CODE":"INFO-200","MESSAGE":"해당하는 데이터가 없습니다."}}`)
		default:
			fmt.Fprintf(w, `{"hisTimetable":[{"head":[{"list_total_count":2}]},{"row":[{"PERIO":"3","ITRT_CNTNT":"국어 %s-%s"},{"PERIO":"1","ITRT_CNTNT":"%s"}]}]}`,
				q.Get("GRADE"), q.Get("CLASS_NM"), strings.Repeat("가", maxSubject+1))
		}
	}))
	t.Cleanup(server.Close)
	return NEIS{URL: server.URL, Key: "secret-key", Office: "G10", School: "7430310", Client: server.Client()}
}

// each runs a test in SQLite and PostgreSQL.
func each(t *testing.T, test func(t *testing.T, h *Handler)) {
	t.Helper()
	schooltest.Each(t, Schema, func(t *testing.T, service *schooltest.Service) {
		service.AddPeople(t, &eventv1.AccountApproved{Id: "chulsu", Role: people.Student, Name: "김철수", Grade: 2, Class: 3, Number: 7})
		test(t, &Handler{store: &Store{service.DB}, log: slog.New(slog.DiscardHandler)})
	})
}

func TestTimetable(t *testing.T) {
	each(t, func(t *testing.T, h *Handler) {
		teacher, student := schooltest.As(t, "homeroom", people.Teacher), schooltest.As(t, "chulsu", people.Student)
		set := func(date string, lessons ...string) error {
			return kittest.ErrorOf(h.SetLessons(teacher, &schedulev1.SetLessonsRequest{Grade: 2, Class: 3, Date: date, Lessons: lessons}))
		}
		kittest.NoError(t, set("2026-03-02", "국어", "", "수학"))
		kittest.NoError(t, set("2026-03-03", "영어"))
		kittest.NoError(t, set("2026-03-02", "과학"))
		kittest.Error(t, set("2026-02-30", "국어"), fault.ErrInvalid, "date")
		get := func(ctx context.Context, req *schedulev1.GetTimetableRequest) (string, error) {
			res, err := h.GetTimetable(ctx, req)
			var text []string
			for _, d := range res.GetDays() {
				text = append(text, d.GetDate()+" "+strings.Join(d.GetLessons(), ","))
			}
			return strings.Join(text, "; "), err
		}
		for name, c := range map[string]struct {
			ctx  context.Context //nolint:containedctx // of the caller
			req  *schedulev1.GetTimetableRequest
			want string
			kind error
		}{
			"own class":          {student, &schedulev1.GetTimetableRequest{From: "2026-03-01", To: "2026-03-31"}, "2026-03-02 과학; 2026-03-03 영어", nil},
			"own class by name":  {student, &schedulev1.GetTimetableRequest{Grade: 2, Class: 3, From: "2026-03-03"}, "2026-03-03 영어", nil},
			"another class":      {student, &schedulev1.GetTimetableRequest{Grade: 2, Class: 4, From: "2026-03-02"}, "", fault.ErrDenied},
			"another grade":      {student, &schedulev1.GetTimetableRequest{Grade: 1, From: "2026-03-02"}, "", fault.ErrDenied},
			"teacher":            {teacher, &schedulev1.GetTimetableRequest{Grade: 2, Class: 3, From: "2026-03-02"}, "2026-03-02 과학", nil},
			"teacher, no class":  {teacher, &schedulev1.GetTimetableRequest{Grade: 2, From: "2026-03-02"}, "", fault.ErrInvalid},
			"teacher, no grade":  {teacher, &schedulev1.GetTimetableRequest{Class: 3, From: "2026-03-02"}, "", fault.ErrInvalid},
			"31 days":            {student, &schedulev1.GetTimetableRequest{From: "2026-03-03", To: "2026-04-02"}, "2026-03-03 영어", nil},
			"32 days":            {student, &schedulev1.GetTimetableRequest{From: "2026-03-01", To: "2026-04-01"}, "", fault.ErrInvalid},
			"nobody of the copy": {schooltest.As(t, "stranger", people.Student), &schedulev1.GetTimetableRequest{From: "2026-03-02"}, "", fault.ErrNotFound},
		} {
			if got, err := get(c.ctx, c.req); got != c.want || !errors.Is(err, c.kind) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		kittest.NoError(t, set("2026-03-02"))
		text, err := get(student, &schedulev1.GetTimetableRequest{From: "2026-03-02"})
		kittest.NoError(t, err)
		kittest.Equal(t, text, "")
	})
}

// TestImport keeps the lessons of a day that cannot be read.
func TestImport(t *testing.T) {
	each(t, func(t *testing.T, h *Handler) {
		teacher := schooltest.As(t, "homeroom", people.Teacher)
		kittest.NoError(t, h.store.SetDays(t.Context(), Day{"2026-03-03", 2, 3, []string{"수학"}}, Day{"2026-03-01", 2, 3, []string{"보강"}}))
		h.source = office(t, "20260303")
		res, err := h.ImportTimetable(teacher, &schedulev1.ImportTimetableRequest{From: "2026-03-01", To: "2026-03-03"})
		kittest.NoError(t, err)
		kittest.Equal(t, res.GetRead(), int32(2*grades*classes))
		kittest.Equal(t, res.GetFailed(), int32(grades*classes))
		days, err := h.store.Days(t.Context(), 2, 3, "2026-03-01", "2026-03-31")
		kittest.NoError(t, err)
		kittest.Equal(t, days, []Day{
			{"2026-03-02", 2, 3, []string{strings.Repeat("가", maxSubject), "", "국어 2-3"}},
			{"2026-03-03", 2, 3, []string{"수학"}},
		})
		_, err = h.ImportTimetable(teacher, &schedulev1.ImportTimetableRequest{From: "2026-03-03", To: "2026-03-03"})
		kittest.Error(t, err, fault.ErrUnavailable, "unchanged")
	})
}

// TestNEIS checks that no error of the office has its key.
func TestNEIS(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON":   "<html>",
		"refused":   `{"RESULT":{"CODE":"ERROR-290","MESSAGE":"인증키가 유효하지 않습니다."}}`,
		"period 8":  `{"hisTimetable":[{"row":[{"PERIO":"8","ITRT_CNTNT":"국어"}]}]}`,
		"no period": `{"hisTimetable":[{"row":[{"ITRT_CNTNT":"국어"}]}]}`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		n := NEIS{URL: server.URL, Key: "secret-key", Client: server.Client()}
		_, err := n.Lessons(t.Context(), 1, 1, "2026-03-02")
		server.Close()
		_, closed := n.Lessons(t.Context(), 1, 1, "2026-03-02")
		if err == nil || closed == nil || strings.Contains(err.Error()+closed.Error(), "secret-key") {
			t.Errorf("%s: %v; closed: %v", name, err, closed)
		}
	}
}

func TestCalendar(t *testing.T) {
	each(t, func(t *testing.T, h *Handler) {
		teacher := schooltest.As(t, "homeroom", people.Teacher)
		create := func(text, from, to string) (string, error) {
			res, err := h.CreateEntry(teacher, &schedulev1.CreateEntryRequest{Text: text, From: from, To: to})
			return res.GetEntry().GetId(), err
		}
		exam, err := create("중간고사", "2026-04-27", "2026-05-01")
		kittest.NoError(t, err)
		holiday, err := create("어린이날", "2026-05-05", "2026-05-05")
		kittest.NoError(t, err)
		kittest.Error(t, kittest.ErrorOf(create("시험", "2026-05-02", "2026-05-01")), fault.ErrInvalid, "to")
		list := func(req *schedulev1.ListEntriesRequest) (texts string) {
			t.Helper()
			for {
				res, err := h.ListEntries(teacher, req)
				kittest.NoError(t, err)
				for _, e := range res.GetEntries() {
					texts += e.GetText() + " "
				}
				if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
					return strings.TrimSpace(texts)
				}
			}
		}
		kittest.Equal(t, list(&schedulev1.ListEntriesRequest{From: "2026-05-01", To: "2026-05-31", PageSize: 1}), "중간고사 어린이날")
		kittest.Equal(t, list(&schedulev1.ListEntriesRequest{From: "2026-05-02", To: "2026-05-04"}), "")
		kittest.Equal(t, list(&schedulev1.ListEntriesRequest{From: "2026-04-01", To: "2026-04-27"}), "중간고사")
		kittest.Equal(t, list(&schedulev1.ListEntriesRequest{From: "2026-01-01", To: "2026-12-31", Query: "날"}), "어린이날")
		kittest.NoError(t, kittest.ErrorOf(h.UpdateEntry(teacher, &schedulev1.UpdateEntryRequest{Id: exam, Text: "기말고사", From: "2026-07-01", To: "2026-07-03"})))
		kittest.NoError(t, kittest.ErrorOf(h.DeleteEntry(teacher, &schedulev1.DeleteEntryRequest{Id: holiday})))
		kittest.Equal(t, list(&schedulev1.ListEntriesRequest{From: "2026-01-01", To: "2026-12-31"}), "기말고사")
		kittest.Error(t, kittest.ErrorOf(h.DeleteEntry(teacher, &schedulev1.DeleteEntryRequest{Id: holiday})), fault.ErrNotFound)
		kittest.Error(t, kittest.ErrorOf(h.UpdateEntry(teacher, &schedulev1.UpdateEntryRequest{Id: holiday, Text: "x", From: "2026-07-01", To: "2026-07-03"})), fault.ErrNotFound)
	})
}
