package announcement

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/examples/school/schooltest"
	announcementv1 "github.com/bongsu-project/bongsu/gen/go/school/announcement/v1"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

func TestMain(m *testing.M) { schooltest.Main(m) }

// clubID is the club of chulsu.
const clubID = "0b7f5f9e-1f52-4c43-9a3b-7d3a4a2b1c00"

// A school is a Handler with its store and a clock that goes on a second with each announcement.
type school struct {
	*Handler
	*schooltest.Service

	clock time.Time
}

// each runs a test in SQLite and PostgreSQL.
func each(t *testing.T, test func(t *testing.T, s *school)) {
	t.Helper()
	schooltest.Each(t, Schema, func(t *testing.T, service *schooltest.Service) {
		s := &school{Service: service, clock: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
		s.Handler = &Handler{store: &Store{service.DB, service.Outbox}, now: func() time.Time { return s.clock }}
		s.AddPeople(t,
			&eventv1.AccountApproved{Id: "chulsu", Role: people.Student, Name: "김철수", Grade: 2, Class: 3, Number: 7},
			&eventv1.AccountApproved{Id: "younghee", Role: people.Student, Name: "이영희", Grade: 1, Class: 1, Number: 1},
			&eventv1.AccountApproved{Id: "homeroom", Role: people.Teacher, Name: "박선생"})
		s.Handle(t, "school.club.created", &eventv1.ClubChanged{ClubId: clubID, Name: "봉수", Head: "chulsu"}, StoreClub)
		test(t, s)
	})
}

func student(t *testing.T, account string) context.Context {
	return schooltest.As(t, account, people.Student)
}

func teacher(t *testing.T) context.Context { return schooltest.As(t, "homeroom", people.Teacher) }

func (s *school) write(ctx context.Context, req *announcementv1.CreateAnnouncementRequest) (*announcementv1.Announcement, error) {
	s.clock = s.clock.Add(time.Second)
	req.Content = "내용 " + req.GetTitle()
	res, err := s.CreateAnnouncement(ctx, req)
	return res.GetAnnouncement(), err
}

func TestGroups(t *testing.T) {
	for name, c := range map[string]struct {
		grades, classes []int32
		want            []string
	}{
		"all":               {nil, nil, []string{"students"}},
		"grades":            {[]int32{3, 1}, nil, []string{"grade-1", "grade-3"}},
		"classes":           {nil, []int32{4}, []string{"class-1-4", "class-2-4", "class-3-4"}},
		"grades of classes": {[]int32{2}, []int32{1, 3}, []string{"class-2-1", "class-2-3"}},
	} {
		kittest.Equal(t, name+": "+join(Announcement{Grades: setOf(c.grades), Classes: setOf(c.classes)}.Groups()), name+": "+join(c.want))
	}
}

func join(texts []string) (all string) {
	for _, text := range texts {
		all += text + " "
	}
	return all
}

// TestWriters lets teachers write for the school, and the head of a club for the club.
func TestWriters(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		a, err := s.write(teacher(t), &announcementv1.CreateAnnouncementRequest{Title: "개교기념일"})
		kittest.NoError(t, err)
		kittest.Equal(t, a.GetKind().String()+" "+a.GetWriterName(), "KIND_SCHOOL 박선생")
		a, err = s.write(student(t, "chulsu"), &announcementv1.CreateAnnouncementRequest{Title: "모집", ClubId: clubID, Grades: []int32{1}})
		kittest.NoError(t, err)
		kittest.Equal(t, a.GetKind().String()+" "+a.GetWriterName(), "KIND_CLUB 봉수")
		kittest.Equal(t, schooltest.Wait[eventv1.AnnouncementPublished](t, s.Service, "school.announcement.published", 2)[1].GetGroups(), []string{"grade-1"})
		for name, c := range map[string]struct {
			ctx  context.Context //nolint:containedctx // of the caller
			club string
		}{
			"student for the school":     {student(t, "chulsu"), ""},
			"student for another's club": {student(t, "younghee"), clubID},
			"teacher for a club":         {teacher(t), clubID},
		} {
			if _, err := s.write(c.ctx, &announcementv1.CreateAnnouncementRequest{Title: "x", ClubId: c.club}); !errors.Is(err, fault.ErrDenied) {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.Handle(t, "school.club.deleted", &eventv1.ClubChanged{ClubId: clubID}, StoreClub)
		_, err = s.write(student(t, "chulsu"), &announcementv1.CreateAnnouncementRequest{Title: "x", ClubId: clubID})
		kittest.Error(t, err, fault.ErrDenied, "head")
	})
}

// TestVisible shows students what is for their grade and class, in lists, searches, counts and alone.
func TestVisible(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		var ids []string
		for _, req := range []*announcementv1.CreateAnnouncementRequest{
			{Title: "all"}, {Title: "grade 2", Grades: []int32{2}}, {Title: "class 3", Classes: []int32{3}},
			{Title: "class 1-1", Grades: []int32{1}, Classes: []int32{1}}, {Title: "class 2-4", Grades: []int32{2}, Classes: []int32{4}},
		} {
			a, err := s.write(teacher(t), req)
			kittest.NoError(t, err)
			ids = append(ids, a.GetId())
		}
		list := func(ctx context.Context, req *announcementv1.ListAnnouncementsRequest) []string {
			t.Helper()
			return schooltest.All(t, func(token string) (*announcementv1.ListAnnouncementsResponse, error) {
				req.PageToken = token
				return s.ListAnnouncements(ctx, req)
			}, func(res *announcementv1.ListAnnouncementsResponse) (titles []string) {
				for _, a := range res.GetAnnouncements() {
					kittest.Equal(t, a.GetContent(), "")
					titles = append(titles, a.GetTitle())
				}
				return titles
			})
		}
		kittest.Equal(t, list(student(t, "chulsu"), &announcementv1.ListAnnouncementsRequest{PageSize: 1}), []string{"class 3", "grade 2", "all"})
		kittest.Equal(t, list(student(t, "younghee"), &announcementv1.ListAnnouncementsRequest{}), []string{"class 1-1", "all"})
		kittest.Equal(t, len(list(teacher(t), &announcementv1.ListAnnouncementsRequest{PageSize: 2})), 5)
		kittest.Equal(t, list(student(t, "chulsu"), &announcementv1.ListAnnouncementsRequest{Query: "내용 CLASS"}), []string{"class 3"})
		kittest.Equal(t, list(teacher(t), &announcementv1.ListAnnouncementsRequest{Kind: announcementv1.Kind_KIND_CLUB}), []string(nil))
		kittest.Equal(t, len(list(teacher(t), &announcementv1.ListAnnouncementsRequest{Mine: true})), 5)
		kittest.Equal(t, list(student(t, "chulsu"), &announcementv1.ListAnnouncementsRequest{Mine: true}), []string(nil))

		got, err := s.GetAnnouncement(student(t, "chulsu"), &announcementv1.GetAnnouncementRequest{Id: ids[2]})
		kittest.NoError(t, err)
		kittest.Equal(t, got.GetAnnouncement().GetContent(), "내용 class 3")
		kittest.Equal(t, got.GetPreviousId(), ids[1])
		kittest.Equal(t, got.GetNextId(), "") // class 1-1 and 2-4 are for others
		kittest.Error(t, kittest.ErrorOf(s.GetAnnouncement(student(t, "chulsu"), &announcementv1.GetAnnouncementRequest{Id: ids[3]})), fault.ErrNotFound)
		kittest.Error(t, kittest.ErrorOf(s.MarkRead(student(t, "chulsu"), &announcementv1.MarkReadRequest{Id: ids[3]})), fault.ErrNotFound)
	})
}

// TestRead marks announcements as read by each reader alone.
func TestRead(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		first, err := s.write(teacher(t), &announcementv1.CreateAnnouncementRequest{Title: "all"})
		kittest.NoError(t, err)
		_, err = s.write(teacher(t), &announcementv1.CreateAnnouncementRequest{Title: "class 1-1", Grades: []int32{1}, Classes: []int32{1}})
		kittest.NoError(t, err)
		unread := func(account string) int32 {
			t.Helper()
			res, err := s.CountUnread(student(t, account), &announcementv1.CountUnreadRequest{})
			kittest.NoError(t, err)
			return res.GetUnread()
		}
		kittest.Equal(t, []int32{unread("chulsu"), unread("younghee")}, []int32{1, 2})
		for range 2 {
			kittest.NoError(t, kittest.ErrorOf(s.MarkRead(student(t, "chulsu"), &announcementv1.MarkReadRequest{Id: first.GetId()})))
		}
		kittest.Equal(t, []int32{unread("chulsu"), unread("younghee")}, []int32{0, 2})
		res, err := s.ListAnnouncements(student(t, "younghee"), &announcementv1.ListAnnouncementsRequest{Unread: true})
		kittest.NoError(t, err)
		kittest.Equal(t, len(res.GetAnnouncements()), 2)
		got, err := s.GetAnnouncement(student(t, "chulsu"), &announcementv1.GetAnnouncementRequest{Id: first.GetId()})
		kittest.NoError(t, err)
		kittest.Equal(t, got.GetAnnouncement().GetRead(), true)
		kittest.Equal(t, got.GetAnnouncement().GetReaderCount(), int32(1))

		kittest.NoError(t, kittest.ErrorOf(s.MarkRead(student(t, "younghee"), &announcementv1.MarkReadRequest{Id: first.GetId()})))
		readers := func(query string) []string {
			t.Helper()
			return schooltest.All(t, func(token string) (*announcementv1.ListReadersResponse, error) {
				return s.ListReaders(teacher(t), &announcementv1.ListReadersRequest{Id: first.GetId(), Query: query, PageSize: 1, PageToken: token})
			}, func(res *announcementv1.ListReadersResponse) (names []string) {
				for _, r := range res.GetReaders() {
					names = append(names, r.GetName())
				}
				return names
			})
		}
		kittest.Equal(t, readers(""), []string{"김철수", "이영희"})
		kittest.Equal(t, readers("영희"), []string{"이영희"})
		kittest.Equal(t, readers("CHUL"), []string{"김철수"})
		kittest.Equal(t, readers("%"), []string(nil))
		_, err = s.ListReaders(student(t, "chulsu"), &announcementv1.ListReadersRequest{Id: first.GetId()})
		kittest.Error(t, err, fault.ErrDenied)
	})
}

// TestOwn shows to the head of a club what it has written for others, which is not unread.
func TestOwn(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		a, err := s.write(student(t, "chulsu"), &announcementv1.CreateAnnouncementRequest{Title: "모집", ClubId: clubID, Grades: []int32{1}})
		kittest.NoError(t, err)
		kittest.NoError(t, kittest.ErrorOf(s.GetAnnouncement(student(t, "chulsu"), &announcementv1.GetAnnouncementRequest{Id: a.GetId()})))
		for account, want := range map[string]int32{"chulsu": 0, "younghee": 1} {
			unread, err := s.CountUnread(student(t, account), &announcementv1.CountUnreadRequest{})
			kittest.NoError(t, err)
			kittest.Equal(t, unread.GetUnread(), want)
			list, err := s.ListAnnouncements(student(t, account), &announcementv1.ListAnnouncementsRequest{Unread: true})
			kittest.NoError(t, err)
			kittest.Equal(t, len(list.GetAnnouncements()), int(want))
			list, err = s.ListAnnouncements(student(t, account), &announcementv1.ListAnnouncementsRequest{Mine: true})
			kittest.NoError(t, err)
			kittest.Equal(t, len(list.GetAnnouncements()), 1-int(want))
		}
	})
}

// TestChange lets the writer change and delete an announcement, and an administrator delete it.
func TestChange(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		a, err := s.write(teacher(t), &announcementv1.CreateAnnouncementRequest{Title: "all"})
		kittest.NoError(t, err)
		other, admin := schooltest.As(t, "other", people.Teacher), schooltest.As(t, "admin", "school_admin")
		update := func(ctx context.Context) error {
			return kittest.ErrorOf(s.UpdateAnnouncement(ctx, &announcementv1.UpdateAnnouncementRequest{Id: a.GetId(), Title: "new", Content: "new", Grades: []int32{3}}))
		}
		kittest.Error(t, update(other), fault.ErrDenied, "homeroom")
		kittest.NoError(t, update(teacher(t)))
		kittest.Error(t, kittest.ErrorOf(s.GetAnnouncement(student(t, "chulsu"), &announcementv1.GetAnnouncementRequest{Id: a.GetId()})), fault.ErrNotFound)
		remove := func(ctx context.Context) error {
			return kittest.ErrorOf(s.DeleteAnnouncement(ctx, &announcementv1.DeleteAnnouncementRequest{Id: a.GetId()}))
		}
		kittest.Error(t, remove(other), fault.ErrDenied)
		kittest.NoError(t, remove(admin))
		kittest.Error(t, remove(admin), fault.ErrNotFound)
		kittest.Error(t, update(teacher(t)), fault.ErrNotFound)
	})
}
