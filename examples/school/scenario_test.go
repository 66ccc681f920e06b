package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/seoul"
)

// TestSchool walks through a school that runs in one process, over REST.
func TestSchool(t *testing.T) {
	t.Parallel()
	office := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		fmt.Fprintf(w, `{"hisTimetable":[{"row":[{"PERIO":"1","ITRT_CNTNT":"음악 %s-%s"}]}]}`, q.Get("GRADE"), q.Get("CLASS_NM"))
	}))
	t.Cleanup(office.Close)
	s := startSchool(t, nil, []string{"--escalate-after=" + waitTime.String(), "--neis-url=" + office.URL})
	for name, test := range map[string]func(*testing.T, *school){
		"outing": testOuting, "refused outing": testRefusedOuting, "escalation": testEscalation,
		"accounts": testAccounts, "announcements": testAnnouncements, "clubs": testClubs, "timetable": testTimetable, "calendar": testCalendar,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

const (
	waitTime   = 2 * time.Second  // before the head teacher is notified of an outing that waits
	outingTime = 25 * time.Second // in which an outing is decided and begins, and after which the student is late
)

// A shownOuting is an outing as REST shows it.
type shownOuting struct {
	ID, State, Student, Parent, Teacher, Comment string
	Late                                         bool
}

// ask asks for an outing that begins now.
func (s *school) ask(t *testing.T, student, situation string, length time.Duration) shownOuting {
	t.Helper()
	awaitDay(t, length)
	var out struct{ Outing shownOuting }
	s.call(t, student, http.MethodPost, "/v1/school/outings", outingBody(situation, length), http.StatusOK, &out)
	return out.Outing
}

func outingBody(situation string, length time.Duration) string {
	now := time.Now()
	return fmt.Sprintf(`{"startTime":%q,"endTime":%q,"situation":%q,"place":"병원","reason":"치과 진료"}`,
		now.Format(time.RFC3339Nano), now.Add(length).Format(time.RFC3339Nano), "SITUATION_"+situation)
}

// step does an action of a person about an outing, and returns the outing.
func (s *school) step(t *testing.T, who, id, action, body string) shownOuting {
	t.Helper()
	var out struct{ Outing shownOuting }
	s.call(t, who, http.MethodPost, "/v1/school/outings/"+id+":"+action, body, http.StatusOK, &out)
	return out.Outing
}

const approval, refusal = `{"decision":"DECISION_APPROVE"}`, `{"decision":"DECISION_REFUSE","comment":"오늘은 안 됩니다"}`

// testOuting follows an outing from the request to a late return: each person learns of it where they
// read, and decides by a link or as who they are.
func testOuting(t *testing.T, s *school) {
	o := s.ask(t, "chulsu", "NORMAL", outingTime)
	if o.State != "OUTING_STATE_REQUESTED" {
		t.Fatalf("the outing is %+v", o)
	}
	s.call(t, "teacherpark", http.MethodPost, "/v1/school/outings/"+o.ID+":decide", approval, http.StatusBadRequest, nil) // the parent decides first

	link := linkOf(t, s.awaitSMS(t, "외출을 허락해 주세요: 2학년 3반 7번 김철수"))
	var seen struct {
		Outing  shownOuting
		Account string
	}
	s.call(t, "", http.MethodGet, link, "", http.StatusOK, &seen)
	if seen.Account != "mother" || seen.Outing.ID != o.ID {
		t.Errorf("the link shows %+v", seen)
	}
	s.call(t, "", http.MethodPost, link+":decide", approval, http.StatusOK, nil)
	s.call(t, "", http.MethodPost, link+":decide", refusal, http.StatusUnauthorized, nil) // used up
	s.call(t, "", http.MethodGet, link+"X", "", http.StatusUnauthorized, nil)
	s.awaitInbox(t, "chulsu", "보호자가 외출을 허락했습니다")

	linkOf(t, s.awaitInbox(t, "teacherpark", "외출 승인을 기다립니다", "김철수"))
	if o = s.step(t, "teacherpark", o.ID, "decide", approval); o.State != "OUTING_STATE_APPROVED" || o.Parent != "mother" || o.Teacher != "teacherpark" {
		t.Errorf("the approved outing is %+v", o)
	}
	s.awaitInbox(t, "chulsu", "외출이 승인되었습니다")
	s.call(t, "younghee", http.MethodPost, "/v1/school/outings/"+o.ID+":start", "{}", http.StatusNotFound, nil) // not hers
	s.step(t, "chulsu", o.ID, "start", "{}")
	s.awaitSMS(t, "자녀가 외출했습니다", "김철수")

	eventually(t, "the end of the outing passes", func() bool {
		var out struct{ Outing shownOuting }
		s.call(t, "mother", http.MethodGet, "/v1/school/outings/"+o.ID, "", http.StatusOK, &out)
		return out.Outing.Late
	})
	if o = s.step(t, "teacherpark", o.ID, "end", "{}"); o.State != "OUTING_STATE_RETURNED" || !o.Late {
		t.Errorf("the outing at the return is %+v", o)
	}
	s.awaitSMS(t, "자녀가 늦게 돌아왔습니다", "김철수")
}

// testRefusedOuting refuses an outing by the link of a mail, as this parent has no phone, and by the
// head teacher, as this class has no homeroom teacher.
func testRefusedOuting(t *testing.T, s *school) {
	first := s.ask(t, "minsu", "NORMAL", time.Minute)
	s.call(t, "minsu", http.MethodPost, "/v1/school/outings", outingBody("NORMAL", time.Minute), http.StatusConflict, nil) // one a day
	link := linkOf(t, s.awaitMail(t, "father@mail.example", "외출을 허락해 주세요", "박민수"))
	s.call(t, "", http.MethodPost, link+":decide", refusal, http.StatusOK, nil)
	s.awaitInbox(t, "minsu", "보호자가 외출을 허락하지 않았습니다", "오늘은 안 됩니다")

	second := s.ask(t, "minsu", "EMERGENCY", time.Minute)
	if second.State != "OUTING_STATE_PARENT_APPROVED" {
		t.Errorf("the outing in an emergency is %+v", second)
	}
	s.awaitMail(t, "father@mail.example", "자녀가 외출을 신청했습니다", "박민수")
	link = linkOf(t, s.awaitInbox(t, "headteacher", "외출 승인을 기다립니다", "박민수"))
	s.call(t, "", http.MethodPost, link+":decide", refusal, http.StatusOK, nil)
	s.awaitInbox(t, "minsu", "외출이 승인되지 않았습니다", "오늘은 안 됩니다")

	third := s.ask(t, "minsu", "NORMAL", time.Minute)
	if third = s.step(t, "minsu", third.ID, "cancel", "{}"); third.State != "OUTING_STATE_CANCELED" {
		t.Errorf("the canceled outing is %+v", third)
	}
	var list struct{ Outings []shownOuting }
	s.call(t, "father", http.MethodGet, "/v1/school/outings?pageSize=2", "", http.StatusOK, &list)
	if len(list.Outings) != 2 || list.Outings[0].ID != third.ID || list.Outings[1].ID != second.ID {
		t.Errorf("the first page of the father is %+v; the outings are %s, %s, %s", list, first.ID, second.ID, third.ID)
	}
	s.call(t, "mother", http.MethodGet, "/v1/school/outings/"+first.ID, "", http.StatusNotFound, nil)
}

// testEscalation notifies the head teacher of an outing that waits too long for the homeroom teacher,
// and ends the incident by the decision.
func testEscalation(t *testing.T, s *school) {
	asked := time.Now()
	o := s.ask(t, "younghee", "NORMAL", 2*time.Minute) // her parents have no account
	s.awaitInbox(t, "teacherpark", "외출 승인을 기다립니다", "이영희")
	s.awaitInbox(t, "headteacher", "외출 승인을 기다립니다", "이영희")
	if waited := time.Since(asked); waited < waitTime {
		t.Errorf("the head teacher was notified after %s", waited)
	}
	s.step(t, "teacherpark", o.ID, "decide", approval)
	s.awaitInbox(t, "headteacher", "외출 결정이 끝났습니다", "이영희")
}

var codePattern = regexp.MustCompile(`코드: ([A-Z0-9]+)`)

// testAccounts lets people sign up, approves them, and resets a forgotten password by mail.
func testAccounts(t *testing.T, s *school) {
	signUp := func(id, role, rest string) {
		t.Helper()
		var out struct{ Account struct{ State string } }
		body := fmt.Sprintf(`{"id":%q,"password":"first password","role":"ROLE_%s","name":"한소희"%s}`, id, role, rest)
		s.call(t, "", http.MethodPost, "/v1/school/accounts", body, http.StatusOK, &out)
		if out.Account.State != "ACCOUNT_STATE_PENDING" {
			t.Errorf("the new account %s is %s", id, out.Account.State)
		}
	}
	expectSignIn := func(id, password string, want int) {
		t.Helper()
		if status, _ := s.trySignIn(t, id, password); status != want {
			t.Errorf("%s signs in: %d, want %d", id, status, want)
		}
	}
	account := func(id string) string { return "/v1/school/accounts/" + id }

	signUp("sohee", "STUDENT", `,"email":"sohee@school.example","grade":2,"class":3,"number":21`)
	expectSignIn("sohee", "first password", http.StatusBadRequest)
	expectSignIn("sohee", "wrong password", http.StatusUnauthorized)
	s.call(t, "chulsu", http.MethodPost, account("sohee:approve"), "{}", http.StatusForbidden, nil)
	s.call(t, "teacherpark", http.MethodPost, account("sohee:approve"), "{}", http.StatusOK, nil)
	expectSignIn("sohee", "first password", http.StatusOK)

	signUp("teacherhan", "TEACHER", `,"grade":3,"class":1`)
	s.call(t, "teacherpark", http.MethodPost, account("teacherhan:approve"), "{}", http.StatusForbidden, nil)
	expectSignIn("teacherhan", "first password", http.StatusBadRequest)
	s.call(t, "headteacher", http.MethodPost, account("teacherhan:approve"), "{}", http.StatusOK, nil)
	expectSignIn("teacherhan", "first password", http.StatusOK)

	signUp("stranger", "PARENT", `,"children":["chulsu"]`)
	var list struct{ Accounts []struct{ ID string } }
	s.call(t, "teacherpark", http.MethodGet, "/v1/school/accounts?state=ACCOUNT_STATE_PENDING&query=stranger", "", http.StatusOK, &list)
	if len(list.Accounts) != 1 {
		t.Errorf("the accounts that wait are %+v", list)
	}
	s.call(t, "teacherpark", http.MethodPost, account("stranger:refuse"), "{}", http.StatusOK, nil)
	s.call(t, "teacherpark", http.MethodGet, account("stranger"), "", http.StatusNotFound, nil)

	s.awaitDirectory(t, "sohee", "email")
	for _, id := range []string{"sohee", "nobody"} {
		s.call(t, "", http.MethodPost, "/v1/school/password:request-reset", fmt.Sprintf(`{"id":%q}`, id), http.StatusOK, nil)
	}
	code := codePattern.FindStringSubmatch(s.awaitMail(t, "sohee@school.example", "코드: "))[1]
	reset := fmt.Sprintf(`{"id":"sohee","code":%q,"password":"second password"}`, code)
	s.call(t, "", http.MethodPost, "/v1/school/password:reset", reset, http.StatusOK, nil)
	s.call(t, "", http.MethodPost, "/v1/school/password:reset", reset, http.StatusUnauthorized, nil)
	expectSignIn("sohee", "first password", http.StatusUnauthorized)
	expectSignIn("sohee", "second password", http.StatusOK)
}

// awaitDirectory waits until Bongsu knows an address of a person.
func (s *school) awaitDirectory(t *testing.T, id, messenger string) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(s.data, "bongsu-data", "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the directory has "+id, func() bool {
		res := s.do(t, request{token: strings.TrimSpace(string(key)), method: http.MethodGet, path: "/v1/users/" + id})
		return res.status == http.StatusOK && strings.Contains(res.body, `"messenger":"`+messenger+`"`)
	})
}

// testAnnouncements publishes announcements, of which only those whom they are for learn.
func testAnnouncements(t *testing.T, s *school) {
	publish := func(title, target string) (id string) {
		t.Helper()
		var out struct{ Announcement struct{ ID string } }
		s.call(t, "teacherpark", http.MethodPost, "/v1/school/announcements", fmt.Sprintf(`{"title":%q,"content":"내용"%s}`, title, target), http.StatusOK, &out)
		return out.Announcement.ID
	}
	ours, theirs := publish("2학년 3반 체험 학습", `,"grades":[2],"classes":[3]`), publish("1학년 1반 상담", `,"grades":[1],"classes":[1]`)
	s.awaitInbox(t, "chulsu", "[박선생] 2학년 3반 체험 학습")
	s.awaitInbox(t, "minsu", "[박선생] 1학년 1반 상담")
	publish("급식 안내", "")
	for who, other := range map[string]string{"chulsu": "1학년 1반 상담", "minsu": "2학년 3반 체험 학습"} {
		s.awaitInbox(t, who, "급식 안내")
		if all := strings.Join(s.inbox(t, who), "\n"); strings.Contains(all, other) {
			t.Errorf("the inbox of %s has %s", who, all)
		}
	}
	s.call(t, "chulsu", http.MethodGet, "/v1/school/announcements/"+theirs, "", http.StatusNotFound, nil)

	unread := func(who string) int {
		t.Helper()
		var out struct{ Unread int }
		s.call(t, who, http.MethodGet, "/v1/school/announcements:unread", "", http.StatusOK, &out)
		return out.Unread
	}
	before := unread("younghee")
	s.call(t, "younghee", http.MethodPost, "/v1/school/announcements/"+ours+":read", "{}", http.StatusOK, nil)
	if after := unread("younghee"); after != before-1 {
		t.Errorf("%d unread after %d", after, before)
	}
	var one struct{ Announcement struct{ Read bool } }
	s.call(t, "younghee", http.MethodGet, "/v1/school/announcements/"+ours, "", http.StatusOK, &one)
	var readers struct {
		Readers []struct{ Account, Name string }
	}
	s.call(t, "teacherpark", http.MethodGet, "/v1/school/announcements/"+ours+"/readers?query=영희", "", http.StatusOK, &readers)
	if !one.Announcement.Read || len(readers.Readers) != 1 || readers.Readers[0].Name != "이영희" {
		t.Errorf("read: %t, by %+v", one.Announcement.Read, readers)
	}
	s.call(t, "chulsu", http.MethodGet, "/v1/school/announcements/"+ours+"/readers", "", http.StatusForbidden, nil)
}

// testClubs lets the head manage a club, and nobody else.
func testClubs(t *testing.T, s *school) {
	var list struct{ Clubs []struct{ ID, Head string } }
	s.call(t, "minsu", http.MethodGet, "/v1/school/clubs?query=봉수", "", http.StatusOK, &list)
	if len(list.Clubs) != 1 || list.Clubs[0].Head != "chulsu" {
		t.Fatalf("the clubs are %+v", list)
	}
	club := "/v1/school/clubs/" + list.Clubs[0].ID
	change := `{"name":"봉수","concept":"소식을 빠르게","field":"소프트웨어","location":"301호","floor":3}`
	recruitment := `{"concept":"신입 부원을 찾습니다","seats":[{"grade":1,"field":"서버","number":2}]}`
	for _, c := range []struct{ method, path, body string }{
		{http.MethodPut, club, change},
		{http.MethodPut, club + "/members/younghee", "{}"},
		{http.MethodPost, club + "/recruitments", recruitment},
	} {
		s.call(t, "younghee", c.method, c.path, c.body, http.StatusForbidden, nil)
		s.call(t, "chulsu", c.method, c.path, c.body, http.StatusOK, nil)
	}
	s.awaitInbox(t, "minsu", "봉수 부원 모집: 신입 부원을 찾습니다")
	s.call(t, "chulsu", http.MethodPost, club+"/recruitments", recruitment, http.StatusConflict, nil) // one at a time

	news := fmt.Sprintf(`{"clubId":%q,"title":"첫 모임","content":"금요일 301호","grades":[1]}`, list.Clubs[0].ID)
	s.call(t, "younghee", http.MethodPost, "/v1/school/announcements", news, http.StatusForbidden, nil)
	eventually(t, "the head writes for the club", func() bool { // once its event has arrived
		return s.do(t, request{as: "chulsu", method: http.MethodPost, path: "/v1/school/announcements", body: news}).status == http.StatusOK
	})
	s.awaitInbox(t, "minsu", "[봉수] 첫 모임")
	s.call(t, "younghee", http.MethodDelete, club+"/members/younghee", "", http.StatusOK, nil) // everybody may leave
}

// A day is a day of the timetable as REST shows it.
type day struct {
	Date    string
	Lessons []string
}

func (s *school) timetable(t *testing.T, who, query string) []day {
	t.Helper()
	var out struct{ Days []day }
	s.call(t, who, http.MethodGet, "/v1/school/timetable?"+query, "", http.StatusOK, &out)
	return out.Days
}

// testTimetable shows the timetable, which teachers change and the education office plans.
func testTimetable(t *testing.T, s *school) {
	date := seoul.Day(time.Now().AddDate(0, 1, 0))
	set := func(lessons ...string) string {
		text, _ := json.Marshal(lessons) //nolint:errchkjson // texts
		return fmt.Sprintf(`{"grade":2,"class":3,"date":%q,"lessons":%s}`, date, text)
	}
	s.call(t, "chulsu", http.MethodPut, "/v1/school/timetable", set("자습"), http.StatusForbidden, nil)
	s.call(t, "teacherpark", http.MethodPut, "/v1/school/timetable", set("국어", "", "수학"), http.StatusOK, nil)
	if days := s.timetable(t, "chulsu", "from="+date); len(days) != 1 || strings.Join(days[0].Lessons, ",") != "국어,,수학" {
		t.Errorf("the days are %+v", days)
	}
	s.call(t, "chulsu", http.MethodGet, "/v1/school/timetable?grade=1&class=1&from="+date, "", http.StatusForbidden, nil)

	var imported struct{ Read, Failed int }
	s.call(t, "schooladmin", http.MethodPost, "/v1/school/timetable:import", fmt.Sprintf(`{"from":%q,"to":%q}`, date, date), http.StatusOK, &imported)
	if imported.Read != 12 || imported.Failed != 0 {
		t.Errorf("imported: %+v", imported)
	}
	if days := s.timetable(t, "minsu", "from="+date); len(days) != 1 || days[0].Lessons[0] != "음악 1-1" {
		t.Errorf("the days are %+v", days)
	}
}

// testCalendar changes the calendar.
func testCalendar(t *testing.T, s *school) {
	var created struct{ Entry struct{ ID string } }
	s.call(t, "teacherpark", http.MethodPost, "/v1/school/calendar", `{"text":"중간고사","from":"2027-04-26","to":"2027-04-30"}`, http.StatusOK, &created)
	texts := func(query string) string {
		t.Helper()
		var out struct{ Entries []struct{ Text string } }
		s.call(t, "mother", http.MethodGet, "/v1/school/calendar?"+query, "", http.StatusOK, &out)
		var all []string
		for _, e := range out.Entries {
			all = append(all, e.Text)
		}
		return strings.Join(all, ",")
	}
	const april = "from=2027-04-30&to=2027-05-31"
	if got := texts(april); got != "중간고사" {
		t.Errorf("the calendar has %s", got)
	}
	if got := texts(april + "&query=기말"); got != "" {
		t.Errorf("the calendar has %s", got)
	}
	entry := "/v1/school/calendar/" + created.Entry.ID
	s.call(t, "chulsu", http.MethodDelete, entry, "", http.StatusForbidden, nil)
	s.call(t, "headteacher", http.MethodPut, entry, `{"text":"중간고사 (연기)","from":"2027-05-03","to":"2027-05-07"}`, http.StatusOK, nil)
	if got := texts(april); got != "중간고사 (연기)" {
		t.Errorf("the calendar has %s", got)
	}
	s.call(t, "teacherpark", http.MethodDelete, entry, "", http.StatusOK, nil)
	s.call(t, "teacherpark", http.MethodDelete, entry, "", http.StatusNotFound, nil)
	if got := texts(april); got != "" {
		t.Errorf("the calendar has %s", got)
	}
}
