package outing

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/examples/school/schooltest"
	"github.com/bongsu-project/bongsu/examples/school/seoul"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	outingv1 "github.com/bongsu-project/bongsu/gen/go/school/outing/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

func TestMain(m *testing.M) { schooltest.Main(m) }

// TestTransitions has every allowed step; all others are refused.
func TestTransitions(t *testing.T) {
	allowed := map[State]map[Action]State{
		"requested":       {ParentApproves: "parent_approved", ParentRefuses: "parent_refused", Cancel: "canceled", Expire: "expired"},
		"parent_approved": {TeacherApproves: "approved", TeacherRefuses: "teacher_refused", Cancel: "canceled", Expire: "expired"},
		"approved":        {Start: "out", Cancel: "canceled", Expire: "expired"},
		"out":             {End: "returned"},
	}
	for _, s := range []State{Requested, ParentApproved, ParentRefused, Approved, TeacherRefused, Out, Returned, Canceled, Expired} {
		for _, a := range []Action{ParentApproves, ParentRefuses, TeacherApproves, TeacherRefuses, Start, End, Cancel, Expire} {
			got, err := s.next(a)
			want := allowed[s][a]
			if got != want || (err == nil) != (want != "") || err != nil && (!errors.Is(err, fault.ErrPrecondition) || !strings.Contains(err.Error(), string(s))) {
				t.Errorf("%s, %s: %q, %v, want %q", s, a, got, err, want)
			}
		}
	}
}

// morning is 09:00 in Seoul.
var morning = time.Date(2026, 3, 2, 9, 0, 0, 0, seoul.Zone)

func TestCheck(t *testing.T) {
	midnight := time.Date(2026, 3, 3, 0, 0, 0, 0, seoul.Zone)
	for name, c := range map[string]struct {
		start, end time.Time
		field      string
	}{
		"today":                    {morning.Add(time.Hour), morning.Add(2 * time.Hour), ""},
		"now":                      {morning, morning.Add(time.Second), ""},
		"a clock that is behind":   {morning.Add(-clockSkew), morning.Add(time.Hour), ""},
		"past":                     {morning.Add(-clockSkew - time.Second), morning.Add(time.Hour), "start_time"},
		"until the last second":    {morning, midnight.Add(-time.Second), ""},
		"until midnight":           {morning, midnight, "end_time"},
		"tomorrow":                 {midnight, midnight.Add(time.Hour), "start_time"},
		"no time":                  {morning, morning, "end_time"},
		"end before start":         {morning.Add(time.Hour), morning, "end_time"},
		"the day in UTC is before": {morning.Add(-time.Minute), time.Date(2026, 3, 2, 9, 0, 30, 0, seoul.Zone), ""},
	} {
		err := Outing{Start: c.start, End: c.end}.check(morning)
		fields := fault.Fields(err)
		if c.field == "" && err != nil || c.field != "" && (!errors.Is(err, fault.ErrInvalid) || len(fields) != 1 || fields[0].Path != c.field) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLate(t *testing.T) {
	end := morning.Add(time.Hour)
	for name, c := range map[string]struct {
		o    Outing
		now  time.Time
		late bool
	}{
		"out":             {Outing{State: Out, End: end}, end, false},
		"out too long":    {Outing{State: Out, End: end}, end.Add(1), true},
		"back in time":    {Outing{State: Returned, End: end, Returned: end}, end.Add(time.Hour), false},
		"back too late":   {Outing{State: Returned, End: end, Returned: end.Add(1)}, end.Add(time.Hour), true},
		"never went":      {Outing{State: Expired, End: end}, end.Add(time.Hour), false},
		"not yet decided": {Outing{State: Requested, End: end}, end.Add(time.Hour), false},
	} {
		if got := c.o.Late(c.now); got != c.late {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// A school is a Handler with its store and a clock.
type school struct {
	*Handler
	*schooltest.Service

	clock time.Time
}

// each runs a test in SQLite and PostgreSQL.
func each(t *testing.T, test func(t *testing.T, s *school)) {
	t.Helper()
	schooltest.Each(t, Schema, func(t *testing.T, service *schooltest.Service) {
		s := &school{Service: service, clock: morning}
		now := func() time.Time { return s.clock }
		s.Handler = &Handler{store: &Store{db: service.DB, outbox: service.Outbox, linkTo: "http://school.example/outing/", now: now}, now: now}
		s.AddPeople(t,
			&eventv1.AccountApproved{Id: "chulsu", Role: people.Student, Name: "김철수", Grade: 2, Class: 3, Number: 7},
			&eventv1.AccountApproved{Id: "younghee", Role: people.Student, Name: "이영희", Grade: 1, Class: 1, Number: 1},
			&eventv1.AccountApproved{Id: "mother", Role: people.Parent, Name: "이영자", Children: []string{"chulsu"}},
			&eventv1.AccountApproved{Id: "stranger", Role: people.Parent, Name: "박영자", Children: []string{"other"}},
			&eventv1.AccountApproved{Id: "homeroom", Role: people.Teacher, Name: "박선생", Grade: 2, Class: 3},
			&eventv1.AccountApproved{Id: "headmaster", Role: people.HeadTeacher, Name: "최선생"})
		test(t, s)
	})
}

func (s *school) request(t *testing.T, student string, change func(*outingv1.RequestOutingRequest)) (*outingv1.Outing, error) {
	t.Helper()
	req := &outingv1.RequestOutingRequest{
		StartTime: timestamppb.New(s.clock.Add(time.Hour)), EndTime: timestamppb.New(s.clock.Add(3 * time.Hour)),
		Situation: outingv1.Situation_SITUATION_NORMAL, Place: "병원", Reason: "치과 진료",
	}
	if change != nil {
		change(req)
	}
	res, err := s.RequestOuting(schooltest.As(t, student, people.Student), req)
	return res.GetOuting(), err
}

func (s *school) decide(t *testing.T, id, who, role string, decision outingv1.Decision) error {
	t.Helper()
	return kittest.ErrorOf(s.DecideOuting(schooltest.As(t, who, role), &outingv1.DecideOutingRequest{Id: id, Decision: decision, Comment: "x"}))
}

const (
	approve = outingv1.Decision_DECISION_APPROVE
	refuse  = outingv1.Decision_DECISION_REFUSE
)

// TestOuting follows an outing from its request to the return.
func TestOuting(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		o, err := s.request(t, "chulsu", nil)
		kittest.NoError(t, err)
		kittest.Equal(t, o.GetState(), outingv1.OutingState_OUTING_STATE_REQUESTED)
		asked := schooltest.Wait[eventv1.DecisionRequested](t, s.Service, "school.outing.decision_requested", 1)
		kittest.Equal(t, asked[0].GetAccount()+" "+asked[0].GetRole(), "mother parent")
		kittest.Equal(t, asked[0].GetSummary(), "2학년 3반 7번 김철수, 10:00~12:00, 병원 (치과 진료)")

		kittest.Error(t, s.decide(t, o.GetId(), "homeroom", people.Teacher, approve), fault.ErrPrecondition, "requested")
		kittest.Error(t, s.decide(t, o.GetId(), "stranger", people.Parent, approve), fault.ErrNotFound)
		kittest.NoError(t, s.decide(t, o.GetId(), "mother", people.Parent, approve))
		kittest.Error(t, s.decide(t, o.GetId(), "mother", people.Parent, refuse), fault.ErrPrecondition, "parent_approved")
		kittest.Equal(t, schooltest.Wait[eventv1.DecisionMade](t, s.Service, "school.outing.decision_made", 1)[0].GetAccount(), "mother")
		asked = schooltest.Wait[eventv1.DecisionRequested](t, s.Service, "school.outing.decision_requested", 2)
		kittest.Equal(t, asked[1].GetAccount()+" "+asked[1].GetRole(), "homeroom teacher")
		kittest.NoError(t, s.decide(t, o.GetId(), "homeroom", people.Teacher, approve))

		start := func(student string) error {
			return kittest.ErrorOf(s.StartOuting(schooltest.As(t, student, people.Student), &outingv1.StartOutingRequest{Id: o.GetId()}))
		}
		kittest.Error(t, start("chulsu"), fault.ErrPrecondition, "begins at 10:00")
		s.clock = morning.Add(time.Hour)
		kittest.Error(t, start("younghee"), fault.ErrNotFound)
		kittest.NoError(t, start("chulsu"))
		s.clock = morning.Add(3*time.Hour + time.Minute)
		got, err := s.GetOuting(schooltest.As(t, "mother", people.Parent), &outingv1.GetOutingRequest{Id: o.GetId()})
		kittest.NoError(t, err)
		kittest.Equal(t, got.GetOuting().GetLate(), true)
		end, err := s.EndOuting(schooltest.As(t, "homeroom", people.Teacher), &outingv1.EndOutingRequest{Id: o.GetId()})
		kittest.NoError(t, err)
		kittest.Equal(t, end.GetOuting().GetLate(), true)
		kittest.Equal(t, end.GetOuting().GetParent()+" "+end.GetOuting().GetTeacher(), "mother homeroom")
		kittest.Equal(t, schooltest.Wait[eventv1.OutingChanged](t, s.Service, "school.outing.returned", 1)[0].GetLate(), true)
		kittest.Error(t, kittest.ErrorOf(s.CancelOuting(schooltest.As(t, "chulsu", people.Student), &outingv1.CancelOutingRequest{Id: o.GetId()})), fault.ErrPrecondition)
	})
}

// TestLink decides by the links of the messages: each once, and only until the outing is over.
func TestLink(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		link := func(n int) string {
			return strings.TrimPrefix(schooltest.Wait[eventv1.DecisionRequested](t, s.Service, "school.outing.decision_requested", n)[n-1].GetUrl(), "http://school.example/outing/")
		}
		decide := func(link string, d outingv1.Decision) error {
			return kittest.ErrorOf(s.DecideOutingByLink(t.Context(), &outingv1.DecideOutingByLinkRequest{Link: link, Decision: d}))
		}
		_, err := s.request(t, "chulsu", nil)
		kittest.NoError(t, err)
		parent := link(1)
		seen, err := s.GetOutingByLink(t.Context(), &outingv1.GetOutingByLinkRequest{Link: parent})
		kittest.NoError(t, err)
		kittest.Equal(t, seen.GetAccount()+" "+seen.GetOuting().GetPlace(), "mother 병원")
		kittest.Error(t, decide(parent+"x", approve), fault.ErrUnauthenticated, "link")
		kittest.NoError(t, decide(parent, approve))
		kittest.Error(t, decide(parent, refuse), fault.ErrUnauthenticated, "link")
		teacher := link(2)
		kittest.NoError(t, decide(teacher, refuse))
		refused, err := s.GetOuting(schooltest.As(t, "chulsu", people.Student), &outingv1.GetOutingRequest{Id: seen.GetOuting().GetId()})
		kittest.NoError(t, err)
		kittest.Equal(t, refused.GetOuting().GetState(), outingv1.OutingState_OUTING_STATE_TEACHER_REFUSED)
		kittest.Equal(t, refused.GetOuting().GetTeacher(), "homeroom")

		_, err = s.request(t, "chulsu", nil) // after a refusal another one
		kittest.NoError(t, err)
		late := link(3)
		s.clock = morning.Add(3 * time.Hour)
		kittest.Error(t, decide(late, approve), fault.ErrUnauthenticated, "expired")
		kittest.Error(t, kittest.ErrorOf(s.GetOutingByLink(t.Context(), &outingv1.GetOutingByLinkRequest{Link: late})), fault.ErrUnauthenticated)
	})
}

// TestTwoDecisions lets a parent approve and refuse at the same time: one of both holds.
func TestTwoDecisions(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		o, err := s.request(t, "chulsu", nil)
		kittest.NoError(t, err)
		errs := kittest.Concurrently(6, func(i int) error {
			return s.decide(t, o.GetId(), "mother", people.Parent, []outingv1.Decision{approve, refuse}[i%2])
		})
		refused := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
		kittest.Equal(t, len(refused), 5)
		for _, err := range refused {
			kittest.Error(t, err, fault.ErrPrecondition)
		}
		schooltest.Wait[eventv1.DecisionMade](t, s.Service, "school.outing.decision_made", 1)
	})
}

// TestWhoDecides skips the parent in an emergency and without one.
func TestWhoDecides(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		o, err := s.request(t, "chulsu", func(r *outingv1.RequestOutingRequest) { r.Situation = outingv1.Situation_SITUATION_EMERGENCY })
		kittest.NoError(t, err)
		kittest.Equal(t, o.GetState(), outingv1.OutingState_OUTING_STATE_PARENT_APPROVED)
		o, err = s.request(t, "younghee", nil)
		kittest.NoError(t, err)
		kittest.Equal(t, o.GetState(), outingv1.OutingState_OUTING_STATE_PARENT_APPROVED)
		var accounts []string
		for _, d := range schooltest.Wait[eventv1.DecisionRequested](t, s.Service, "school.outing.decision_requested", 2) {
			accounts = append(accounts, d.GetAccount())
		}
		slices.Sort(accounts)
		kittest.Equal(t, accounts, []string{"headmaster", "homeroom"}) // class 1-1 has no homeroom teacher
	})
}

// TestOneOutingADay refuses the second outing of a day, also of requests at the same time, and repeats
// the response to a repeated request.
func TestOneOutingADay(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		kittest.OneWinner(t, kittest.Concurrently(5, func(int) error { return kittest.ErrorOf(s.request(t, "chulsu", nil)) }))
		keyed := func(place string) (*outingv1.Outing, error) {
			return s.request(t, "younghee", func(r *outingv1.RequestOutingRequest) { r.IdempotencyKey, r.Place = "k", place })
		}
		s.clock = s.clock.Add(time.Nanosecond) // less than what is stored
		first, err := keyed("집")
		kittest.NoError(t, err)
		again, err := keyed("집")
		kittest.NoError(t, err)
		kittest.Equal(t, again.String(), first.String())
		kittest.Error(t, kittest.ErrorOf(keyed("학원")), fault.ErrExists, "idempotency key")
		kittest.NoError(t, kittest.ErrorOf(s.CancelOuting(schooltest.As(t, "younghee", people.Student), &outingv1.CancelOutingRequest{Id: first.GetId()})))
		kittest.NoError(t, kittest.ErrorOf(s.request(t, "younghee", nil)))
	})
}

func TestExpire(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		o, err := s.request(t, "chulsu", nil)
		kittest.NoError(t, err)
		n, err := s.store.Expire(t.Context(), 10)
		kittest.NoError(t, err)
		kittest.Equal(t, n, 0)
		s.clock = o.GetEndTime().AsTime()
		kittest.NoError(t, kittest.ErrorOf(s.store.Expire(t.Context(), 10)))
		got, err := s.GetOuting(schooltest.As(t, "chulsu", people.Student), &outingv1.GetOutingRequest{Id: o.GetId()})
		kittest.NoError(t, err)
		kittest.Equal(t, got.GetOuting().GetState(), outingv1.OutingState_OUTING_STATE_EXPIRED)
		kittest.Equal(t, schooltest.Wait[eventv1.OutingChanged](t, s.Service, "school.outing.expired", 1)[0].GetOutingId(), o.GetId())
	})
}

// TestListOutings lists by who looks and by filter, in pages.
func TestListOutings(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		first, err := s.request(t, "chulsu", nil)
		kittest.NoError(t, err)
		s.clock = s.clock.Add(time.Minute)
		second, err := s.request(t, "younghee", func(r *outingv1.RequestOutingRequest) { r.Place = "100%_집" })
		kittest.NoError(t, err)
		list := func(who, role string, req *outingv1.ListOutingsRequest) (ids []string) {
			t.Helper()
			for {
				res, err := s.ListOutings(schooltest.As(t, who, role), req)
				kittest.NoError(t, err)
				for _, o := range res.GetOutings() {
					ids = append(ids, o.GetId())
				}
				if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
					return ids
				}
			}
		}
		both, chulsu, younghee, none := []string{second.GetId(), first.GetId()}, []string{first.GetId()}, []string{second.GetId()}, []string(nil)
		for name, c := range map[string]struct {
			who, role string
			req       *outingv1.ListOutingsRequest
			want      []string
		}{
			"teacher":        {"homeroom", people.Teacher, &outingv1.ListOutingsRequest{PageSize: 1}, both},
			"student":        {"chulsu", people.Student, &outingv1.ListOutingsRequest{}, chulsu},
			"parent":         {"mother", people.Parent, &outingv1.ListOutingsRequest{}, chulsu},
			"another parent": {"stranger", people.Parent, &outingv1.ListOutingsRequest{}, none},
			"of another":     {"chulsu", people.Student, &outingv1.ListOutingsRequest{Student: "younghee"}, none},
			"state":          {"homeroom", people.Teacher, &outingv1.ListOutingsRequest{State: outingv1.OutingState_OUTING_STATE_REQUESTED}, chulsu},
			"class":          {"homeroom", people.Teacher, &outingv1.ListOutingsRequest{Grade: 1, Class: 1}, younghee},
			"day":            {"homeroom", people.Teacher, &outingv1.ListOutingsRequest{Date: "2026-03-02"}, both},
			"another day":    {"homeroom", people.Teacher, &outingv1.ListOutingsRequest{Date: "2026-03-01"}, none},
			"query":          {"homeroom", people.Teacher, &outingv1.ListOutingsRequest{Query: "철수"}, chulsu},
			"wildcards":      {"homeroom", people.Teacher, &outingv1.ListOutingsRequest{Query: "%_"}, younghee},
		} {
			if got := list(c.who, c.role, c.req); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
		_, err = s.ListOutings(schooltest.As(t, "homeroom", people.Teacher), &outingv1.ListOutingsRequest{PageToken: "?"})
		kittest.Error(t, err, fault.ErrInvalid, "page_token")
		_, err = s.ListOutings(schooltest.As(t, "homeroom", people.Teacher), &outingv1.ListOutingsRequest{Date: "2026-02-30"})
		kittest.Error(t, err, fault.ErrInvalid, "date")
	})
}
