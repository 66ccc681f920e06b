package club

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/examples/school/schooltest"
	"github.com/bongsu-project/bongsu/examples/school/seoul"
	clubv1 "github.com/bongsu-project/bongsu/gen/go/school/club/v1"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

func TestMain(m *testing.M) { schooltest.Main(m) }

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
		s := &school{Service: service, clock: time.Date(2026, 3, 2, 9, 0, 0, 0, seoul.Zone)}
		s.Handler = &Handler{store: &Store{service.DB, service.Outbox}, now: func() time.Time { return s.clock }}
		s.AddPeople(t,
			&eventv1.AccountApproved{Id: "chulsu", Role: people.Student, Name: "김철수", Grade: 2, Class: 3, Number: 7},
			&eventv1.AccountApproved{Id: "younghee", Role: people.Student, Name: "이영희", Grade: 1, Class: 1, Number: 1},
			&eventv1.AccountApproved{Id: "minsu", Role: people.Student, Name: "박민수", Grade: 1, Class: 1, Number: 2},
			&eventv1.AccountApproved{Id: "homeroom", Role: people.Teacher, Name: "박선생"})
		test(t, s)
	})
}

func teacher(t *testing.T) context.Context { return schooltest.As(t, "homeroom", people.Teacher) }

func student(t *testing.T, account string) context.Context {
	return schooltest.As(t, account, people.Student)
}

func (s *school) create(t *testing.T, head, name, location string) (string, error) {
	t.Helper()
	res, err := s.CreateClub(teacher(t), &clubv1.CreateClubRequest{Head: head, Name: name, Concept: "함께 만든다", Field: "소프트웨어", Location: location, Floor: 3})
	return res.GetClub().GetId(), err
}

func field(err error) string {
	if fields := fault.Fields(err); len(fields) == 1 {
		return fields[0].Path
	}
	return ""
}

func TestCreate(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		id, err := s.create(t, "chulsu", "봉수", "301호")
		kittest.NoError(t, err)
		for name, c := range map[string]struct {
			head, name, location string
			kind                 error
			field                string
		}{
			"name":       {"younghee", "봉수", "302호", fault.ErrExists, "name"},
			"location":   {"younghee", "파발", "301호", fault.ErrExists, "location"},
			"head":       {"chulsu", "파발", "302호", fault.ErrExists, "head"},
			"teacher":    {"homeroom", "파발", "302호", fault.ErrInvalid, "head"},
			"no account": {"nobody", "파발", "302호", fault.ErrInvalid, "head"},
		} {
			if _, err := s.create(t, c.head, c.name, c.location); !errors.Is(err, c.kind) || field(err) != c.field {
				t.Errorf("%s: %v", name, err)
			}
		}
		got, err := s.GetClub(student(t, "minsu"), &clubv1.GetClubRequest{ClubId: id})
		kittest.NoError(t, err)
		kittest.Equal(t, got.GetClub().GetMembers()[0].GetName(), "김철수")
		event := schooltest.Wait[eventv1.ClubChanged](t, s.Service, "school.club.created", 1)[0]
		kittest.Equal(t, event.GetName()+" "+event.GetHead()+" "+strings.Join(event.GetMembers(), ","), "봉수 chulsu chulsu")
	})
}

// TestSameName lets two teachers create clubs with one name at the same time: one succeeds.
func TestSameName(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		heads := []string{"chulsu", "younghee", "minsu"}
		kittest.OneWinner(t, kittest.Concurrently(len(heads), func(i int) error {
			return kittest.ErrorOf(s.create(t, heads[i], "봉수", heads[i]))
		}))
	})
}

// TestMembers lets the head and teachers manage a club, and nobody else.
func TestMembers(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		id, err := s.create(t, "chulsu", "봉수", "301호")
		kittest.NoError(t, err)
		add := func(ctx context.Context, account string) error {
			return kittest.ErrorOf(s.AddMember(ctx, &clubv1.AddMemberRequest{ClubId: id, Student: account}))
		}
		remove := func(ctx context.Context, account string) error {
			return kittest.ErrorOf(s.RemoveMember(ctx, &clubv1.RemoveMemberRequest{ClubId: id, Student: account}))
		}
		kittest.Error(t, add(student(t, "younghee"), "younghee"), fault.ErrDenied, "head")
		kittest.Error(t, add(student(t, "chulsu"), "homeroom"), fault.ErrInvalid, "student")
		kittest.NoError(t, add(student(t, "chulsu"), "younghee"))
		kittest.NoError(t, add(student(t, "chulsu"), "younghee"))
		kittest.NoError(t, add(teacher(t), "minsu"))
		got, err := s.GetClub(teacher(t), &clubv1.GetClubRequest{ClubId: id})
		kittest.NoError(t, err)
		var members []string
		for _, m := range got.GetClub().GetMembers() {
			members = append(members, m.GetStudent())
		}
		kittest.Equal(t, members, []string{"younghee", "minsu", "chulsu"}) // by grade, class and number
		kittest.Error(t, remove(student(t, "younghee"), "minsu"), fault.ErrDenied)
		kittest.NoError(t, remove(student(t, "minsu"), "minsu"))
		kittest.Error(t, remove(teacher(t), "minsu"), fault.ErrNotFound, "not a member")
		kittest.Error(t, remove(teacher(t), "chulsu"), fault.ErrPrecondition, "head")
		kittest.Equal(t, schooltest.Wait[eventv1.ClubChanged](t, s.Service, "school.club.changed", 4)[3].GetMembers(), []string{"chulsu", "younghee"})

		update := func(ctx context.Context, name string) error {
			return kittest.ErrorOf(s.UpdateClub(ctx, &clubv1.UpdateClubRequest{ClubId: id, Name: name, Field: "소프트웨어", Location: "301호", Floor: 3}))
		}
		kittest.NoError(t, kittest.ErrorOf(s.create(t, "younghee", "파발", "302호")))
		kittest.Error(t, update(student(t, "younghee"), "새 이름"), fault.ErrDenied)
		kittest.Equal(t, field(update(student(t, "chulsu"), "파발")), "name")
		kittest.NoError(t, update(student(t, "chulsu"), "새 이름"))

		kittest.NoError(t, kittest.ErrorOf(s.DeleteClub(teacher(t), &clubv1.DeleteClubRequest{ClubId: id})))
		kittest.Error(t, kittest.ErrorOf(s.DeleteClub(teacher(t), &clubv1.DeleteClubRequest{ClubId: id})), fault.ErrNotFound)
		kittest.Error(t, add(teacher(t), "minsu"), fault.ErrNotFound)
		kittest.Equal(t, schooltest.Wait[eventv1.ClubChanged](t, s.Service, "school.club.deleted", 1)[0].GetClubId(), id)
	})
}

// TestRecruitment has one open recruitment of a club at a time.
func TestRecruitment(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		id, err := s.create(t, "chulsu", "봉수", "301호")
		kittest.NoError(t, err)
		create := func(ctx context.Context, to string) (*clubv1.Recruitment, error) {
			res, err := s.CreateRecruitment(ctx, &clubv1.CreateRecruitmentRequest{
				ClubId: id, Concept: "신입 부원 모집", To: to,
				Seats: []*clubv1.Seat{{Grade: 2, Field: "서버", Number: 1}, {Grade: 1, Field: "앱", Number: 2}, {Grade: 1, Field: "웹", Number: 1}},
			})
			return res.GetRecruitment(), err
		}
		kittest.Error(t, kittest.ErrorOf(create(student(t, "younghee"), "")), fault.ErrDenied)
		kittest.Equal(t, field(kittest.ErrorOf(create(student(t, "chulsu"), "2026-03-01"))), "to")
		first, err := create(student(t, "chulsu"), "2026-03-03")
		kittest.NoError(t, err)
		kittest.Equal(t, first.GetFrom(), "2026-03-02")
		kittest.Error(t, kittest.ErrorOf(create(student(t, "chulsu"), "")), fault.ErrExists, "open")
		event := schooltest.Wait[eventv1.RecruitmentOpened](t, s.Service, "school.club.recruitment_opened", 1)[0]
		kittest.Equal(t, event.GetGrades(), []int32{1, 2})

		s.clock = s.clock.Add(48 * time.Hour) // the last day is over
		update := func(id, to string) error {
			return kittest.ErrorOf(s.UpdateRecruitment(student(t, "chulsu"), &clubv1.UpdateRecruitmentRequest{
				Id: id, Concept: "추가 모집", To: to, Seats: []*clubv1.Seat{{Grade: 3, Field: "서버", Number: 1}},
			}))
		}
		kittest.Error(t, update(first.GetId(), ""), fault.ErrPrecondition, "closed")
		second, err := create(teacher(t), "")
		kittest.NoError(t, err)
		kittest.NoError(t, update(second.GetId(), "2026-03-10"))
		kittest.Equal(t, field(update(second.GetId(), "2026-03-03")), "to")

		list := func(req *clubv1.ListRecruitmentsRequest) []string {
			t.Helper()
			return schooltest.All(t, func(token string) (*clubv1.ListRecruitmentsResponse, error) {
				req.PageToken = token
				return s.ListRecruitments(student(t, "minsu"), req)
			}, func(res *clubv1.ListRecruitmentsResponse) (ids []string) {
				for _, r := range res.GetRecruitments() {
					ids = append(ids, r.GetId())
				}
				return ids
			})
		}
		kittest.Equal(t, list(&clubv1.ListRecruitmentsRequest{PageSize: 1}), []string{second.GetId(), first.GetId()})
		kittest.Equal(t, list(&clubv1.ListRecruitmentsRequest{Open: true, ClubId: id}), []string{second.GetId()})
		kittest.Equal(t, list(&clubv1.ListRecruitmentsRequest{Query: "신입"}), []string{first.GetId()})

		stop := func(ctx context.Context) error {
			return kittest.ErrorOf(s.CloseRecruitment(ctx, &clubv1.CloseRecruitmentRequest{Id: second.GetId()}))
		}
		kittest.Error(t, stop(student(t, "younghee")), fault.ErrDenied)
		kittest.NoError(t, stop(student(t, "chulsu")))
		kittest.NoError(t, stop(student(t, "chulsu")))
		kittest.Equal(t, list(&clubv1.ListRecruitmentsRequest{Open: true}), []string(nil))
		kittest.Error(t, update(id, ""), fault.ErrNotFound)
	})
}

func TestListClubs(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		for i, head := range []string{"chulsu", "younghee", "minsu"} {
			kittest.NoError(t, kittest.ErrorOf(s.create(t, head, []string{"다", "가", "나"}[i], head)))
		}
		list := func(req *clubv1.ListClubsRequest) []string {
			t.Helper()
			return schooltest.All(t, func(token string) (*clubv1.ListClubsResponse, error) {
				req.PageToken = token
				return s.ListClubs(student(t, "minsu"), req)
			}, func(res *clubv1.ListClubsResponse) (names []string) {
				for _, c := range res.GetClubs() {
					names = append(names, c.GetName())
				}
				return names
			})
		}
		kittest.Equal(t, list(&clubv1.ListClubsRequest{PageSize: 2}), []string{"가", "나", "다"})
		kittest.Equal(t, list(&clubv1.ListClubsRequest{Query: "나"}), []string{"나"})
		kittest.Equal(t, len(list(&clubv1.ListClubsRequest{Query: "함께", Floor: 3, Field: "소프트웨어"})), 3)
		kittest.Equal(t, list(&clubv1.ListClubsRequest{Floor: 2}), []string(nil))
		kittest.Equal(t, list(&clubv1.ListClubsRequest{Field: "음악"}), []string(nil))
	})
}

func TestOpen(t *testing.T) {
	for name, c := range map[string]struct {
		r    Recruitment
		open bool
	}{
		"no end":   {Recruitment{}, true},
		"last day": {Recruitment{To: "2026-03-02"}, true},
		"over":     {Recruitment{To: "2026-03-01"}, false},
		"closed":   {Recruitment{To: "2026-03-09", Closed: true}, false},
	} {
		if got := c.r.Open("2026-03-02"); got != c.open {
			t.Errorf("%s: %t", name, got)
		}
	}
	if g := (Recruitment{Seats: []Seat{{Grade: 3}, {Grade: 1}, {Grade: 3}}}).Grades(); !slices.Equal(g, []int32{1, 3}) {
		t.Error(g)
	}
}
