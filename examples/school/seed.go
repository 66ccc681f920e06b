package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/examples/internal/platform"
	"github.com/bongsu-project/bongsu/examples/school/auth"
	"github.com/bongsu-project/bongsu/examples/school/seoul"
	announcementv1 "github.com/bongsu-project/bongsu/gen/go/school/announcement/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/announcement/v1/announcementv1connect"
	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/auth/v1/authv1connect"
	clubv1 "github.com/bongsu-project/bongsu/gen/go/school/club/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/club/v1/clubv1connect"
	schedulev1 "github.com/bongsu-project/bongsu/gen/go/school/schedule/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/schedule/v1/schedulev1connect"
)

// seedPassword is the password of the first accounts.
const seedPassword = "beacon-fire"

// seedAccounts are the first accounts.
var seedAccounts = []auth.Account{
	{ID: "schooladmin", Role: auth.Admin, Name: "정관리"},
	{ID: "headteacher", Role: auth.HeadTeacher, Name: "최교감", Email: "headteacher@school.example"},
	{ID: "teacherpark", Role: auth.Teacher, Name: "박선생", Email: "park@school.example", Grade: 2, Class: 3},
	{ID: "chulsu", Role: auth.Student, Name: "김철수", Email: "chulsu@school.example", Phone: "01011110001", Grade: 2, Class: 3, Number: 7},
	{ID: "younghee", Role: auth.Student, Name: "이영희", Email: "younghee@school.example", Grade: 2, Class: 3, Number: 8},
	{ID: "minsu", Role: auth.Student, Name: "박민수", Grade: 1, Class: 1, Number: 1},
	{ID: "mother", Role: auth.Parent, Name: "이영자", Phone: "01022220001", Children: []string{"chulsu"}},
	{ID: "father", Role: auth.Parent, Name: "박정호", Email: "father@mail.example", Children: []string{"minsu"}},
}

// seedIDs returns the first accounts as a text.
func seedIDs() string {
	ids := make([]string, len(seedAccounts))
	for i, a := range seedAccounts {
		ids[i] = a.ID
	}
	return strings.Join(ids, " ")
}

// seed creates the first club, announcement and timetable as the people of the school do: through the
// edge, with their tokens. Existing data is kept.
func seed(ctx context.Context, edge string) error {
	signIn := func(id string) (*http.Client, error) {
		res, err := platform.Retry(ctx, authv1connect.NewAuthServiceClient(http.DefaultClient, edge).SignIn, &authv1.SignInRequest{Id: id, Password: seedPassword})
		return &http.Client{Transport: platform.Bearer(res.GetTokens().GetAccessToken())}, err
	}
	teacher, err := signIn("teacherpark")
	if err != nil {
		return err
	}
	clubs := clubv1connect.NewClubServiceClient(teacher, edge)
	before, err := platform.Retry(ctx, clubs.ListClubs, &clubv1.ListClubsRequest{})
	if err != nil || len(before.GetClubs()) > 0 {
		return err
	}
	if err := seedTimetable(ctx, schedulev1connect.NewScheduleServiceClient(teacher, edge)); err != nil {
		return err
	}
	_, err = platform.Retry(ctx, announcementv1connect.NewAnnouncementServiceClient(teacher, edge).CreateAnnouncement, &announcementv1.CreateAnnouncementRequest{
		Title: "새 학기 안내", Content: "새 학기가 시작되었습니다. 시간표는 시간표 화면에서 볼 수 있습니다.",
	})
	if err != nil {
		return err
	}
	return seedClub(ctx, clubs)
}

// seedClub creates the first club when its head is known to the club service, from the events of auth.
func seedClub(ctx context.Context, clubs clubv1connect.ClubServiceClient) error {
	for {
		err := platform.Create(ctx, clubs.CreateClub, &clubv1.CreateClubRequest{
			Head: "chulsu", Name: "봉수", Concept: "소식을 전하는 동아리", Introduction: "옛 봉수대처럼 소식을 빠르게 전하는 프로그램을 만듭니다.",
			Field: "소프트웨어", Location: "301호", Floor: 3,
		})
		if err == nil || !strings.Contains(err.Error(), "head") {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// seedTimetable sets the lessons of class 2-3 of a week.
func seedTimetable(ctx context.Context, schedule schedulev1connect.ScheduleServiceClient) error {
	lessons := []string{"국어", "수학", "영어", "과학", "체육", "프로그래밍", "자율"}
	today := time.Now()
	for day := range 7 {
		_, err := platform.Retry(ctx, schedule.SetLessons, &schedulev1.SetLessonsRequest{
			Grade: 2, Class: 3, Date: seoul.Day(today.AddDate(0, 0, day)), Lessons: append(lessons[day:], lessons[:day]...),
		})
		if err != nil {
			return err
		}
	}
	_, err := platform.Retry(ctx, schedule.CreateEntry, &schedulev1.CreateEntryRequest{
		Text: "개교기념일", From: seoul.Day(today.AddDate(0, 0, 14)), To: seoul.Day(today.AddDate(0, 0, 14)),
	})
	return err
}
