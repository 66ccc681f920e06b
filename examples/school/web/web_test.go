package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
	outingv1 "github.com/bongsu-project/bongsu/gen/go/school/outing/v1"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// publicPaths are the pages without sign-in, and signedInPaths the others.
var (
	publicPaths   = []string{"/sign-in", "/sign-up", "/password-reset", "/password-reset/code", "/outing-links/" + validLink}
	signedInPaths = []string{
		"/outings?state=2", "/outings/new", "/outings/" + anID, "/timetable", "/timetable?grade=2&class=3&week=2026-03-04", "/calendar", "/calendar?month=2026-02",
		"/announcements", "/announcements/new", "/announcements/" + anID, "/clubs", "/clubs/" + anID, "/recruitments", "/recruitments?all=yes",
		"/inbox", "/password",
	}
)

var (
	attribute  = regexp.MustCompile(`"[^"]*"`)
	inlineCode = regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>\s*[^<\s]|<[a-z][^>]*\son[a-z]+=|<style|<[a-z][^>]*\sstyle=`)
	labelFor   = regexp.MustCompile(`<label[^>]* for="([^"]+)"`)
)

// TestPages walks all pages as a student, a parent, a teacher and the head teacher. No page has inline
// code, which the policy would refuse, or a hostile text that is not escaped; each has a heading, and each
// label a field.
func TestPages(t *testing.T) {
	for _, account := range []string{"", "student", "parent", "teacher", "head_teacher"} {
		t.Run(account, func(t *testing.T) {
			s := open(t, account)
			paths := publicPaths
			if account != "" {
				paths = slices.Concat(publicPaths, signedInPaths)
			}
			if strings.HasSuffix(account, "teacher") {
				paths = append(paths, "/accounts", "/accounts?all=yes")
			}
			for _, path := range paths {
				p := s.get(t, path)
				if p.status != http.StatusOK || !strings.Contains(p.text, "<h1>") || !strings.HasSuffix(p.text, "</html>\n") {
					t.Errorf("%s: %d\n%s", path, p.status, p.text)
				}
				if found := inlineCode.FindString(attribute.ReplaceAllString(p.text, `""`)); found != "" || strings.Contains(p.text, "<script>alert") || strings.Contains(p.text, `="javascript:`) {
					t.Errorf("%s has inline code: %s", path, found)
				}
				for _, label := range labelFor.FindAllStringSubmatch(p.text, -1) {
					if strings.Count(p.text, ` id="`+label[1]+`"`) != 1 {
						t.Errorf("%s: the label of %s has no field of its own", path, label[1])
					}
				}
			}
		})
	}
}

// TestHostileTexts: hostile texts are shown as they are, also those of the request.
func TestHostileTexts(t *testing.T) {
	s := open(t, "teacher")
	const escaped = "&lt;script&gt;alert(1)&lt;/script&gt;"
	for _, path := range []string{
		"/outings/" + anID, "/announcements", "/announcements/" + anID, "/clubs", "/clubs/" + anID, "/calendar", "/timetable", "/inbox", "/accounts",
		"/announcements?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
	} {
		if p := s.get(t, path); !strings.Contains(p.text, escaped) || strings.Contains(p.text, "<script>alert") {
			t.Errorf("%s does not show the text:\n%s", path, p.text)
		}
	}
	res := s.post(t, "/sign-in", "id", hostile, "password", "wrong", "next", hostile)
	if !strings.Contains(res.text, escaped) || strings.Contains(res.text, "<script>alert") || strings.Contains(res.text, `value="wrong"`) {
		t.Errorf("a form does not show the values: %s", res.text)
	}
}

func TestHeaders(t *testing.T) {
	s := open(t, "student")
	for path, status := range map[string]int{
		"/": 303, "/outings": 200, "/sign-in": 200, "/static/style.css": 200, "/static/script.js": 200, "/static/icon.svg": 200, "/nothing": 404, "/outing-links/WRONG": 401,
	} {
		p := s.get(t, path)
		policy := p.header.Get("Content-Security-Policy")
		if p.status != status || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self';") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %d %q", path, p.status, policy)
		}
		if p.header.Get("X-Content-Type-Options") != "nosniff" || p.header.Get("Referrer-Policy") != "same-origin" || p.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, p.header)
		}
	}
	if p := s.get(t, "/static/style.css?v="+assetsVersion); !strings.Contains(p.header.Get("Cache-Control"), "immutable") {
		t.Errorf("the style sheet of a page is not kept: %v", p.header)
	}
}

func TestSessionCookie(t *testing.T) {
	s := open(t, "")
	signIn := func() *http.Cookie {
		p := s.post(t, "/sign-in", "id", "student", "password", "beacon-fire")
		cookies := (&http.Response{Header: p.header}).Cookies()
		if p.status != http.StatusSeeOther || len(cookies) != 1 {
			t.Fatalf("%d %v", p.status, cookies)
		}
		return cookies[0]
	}
	first := signIn()
	if !first.HttpOnly || first.SameSite != http.SameSiteLaxMode || first.Path != "/" || first.Secure || first.Domain != "" || len(first.Value) < 40 {
		t.Errorf("%+v", first)
	}
	if strings.Contains(s.get(t, "/outings").text, "access-") || strings.Contains(first.Value, "refresh") {
		t.Error("a token has reached the browser")
	}
	second := signIn()
	if second.Value == first.Value {
		t.Error("a sign-in keeps the id of the session")
	}
	for cookie, status := range map[*http.Cookie]int{first: http.StatusSeeOther, second: http.StatusOK} {
		p := (&site{url: s.url, browser: &http.Client{CheckRedirect: s.browser.CheckRedirect}}).do(t, http.MethodGet, "/outings", map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}, nil)
		kittest.Equal(t, p.status, status)
	}
	out := s.post(t, "/sign-out")
	kittest.Equal(t, out.header.Get("Location"), "/sign-in")
	if !s.edge.called("SignOut") || s.get(t, "/outings").status != http.StatusSeeOther {
		t.Error("the person is not signed out")
	}
}

func TestSecureCookie(t *testing.T) {
	w := httptest.NewRecorder()
	newSessions().begin(w, httptest.NewRequest(http.MethodPost, "/sign-in", nil), true, time.Now(), nil, &authv1.Tokens{})
	if cookies := w.Result().Cookies(); len(cookies) != 1 || !cookies[0].Secure {
		t.Errorf("%v", cookies)
	}
}

// TestForeignSites: a form of another site changes nothing.
func TestForeignSites(t *testing.T) {
	s := open(t, "student")
	for name, header := range map[string]map[string]string{
		"origin": {"Origin": "https://evil.example"}, "null": {"Origin": "null"}, "fetch metadata": {"Sec-Fetch-Site": "cross-site"}, "same site": {"Sec-Fetch-Site": "same-site"},
	} {
		for _, path := range []string{"/outings", "/sign-out", "/outing-links/" + validLink} {
			p := s.do(t, http.MethodPost, path, header, []string{"place", "x", "reason", "x", "decision", "approve"})
			if p.status != http.StatusForbidden {
				t.Errorf("%s: %s: %d", name, path, p.status)
			}
		}
	}
	if s.edge.called("RequestOuting") || s.edge.called("SignOut") || s.edge.called("DecideOutingByLink") {
		t.Error("a request of another site reached a service")
	}
	kittest.Equal(t, s.do(t, http.MethodGet, "/outings", map[string]string{"Sec-Fetch-Site": "cross-site"}, nil).status, http.StatusOK)
}

// TestLink: opening the link of a message decides nothing, however often; a form decides once.
func TestLink(t *testing.T) {
	s := open(t, "")
	path := "/outing-links/" + validLink
	for range 2 {
		p := s.get(t, path)
		kittest.Equal(t, p.status, http.StatusOK)
		kittest.Equal(t, p.header.Get("X-Robots-Tag"), "noindex, nofollow")
	}
	kittest.Equal(t, s.do(t, http.MethodHead, path, nil, nil).status, http.StatusOK)
	kittest.Equal(t, s.get(t, path+"?decision=approve").status, http.StatusOK)
	if s.edge.called("DecideOutingByLink") {
		t.Fatal("a link was decided by opening it")
	}
	p := s.post(t, path, "decision", "refuse", "comment", "감기")
	if p.status != http.StatusOK || strings.Contains(p.text, "<form") {
		t.Errorf("%d\n%s", p.status, p.text)
	}
	if d := s.edge.decision; d.GetDecision() != outingv1.Decision_DECISION_REFUSE || d.GetComment() != "감기" {
		t.Errorf("%v", d)
	}
	for _, p := range []page{s.post(t, path, "decision", "approve"), s.get(t, path), s.get(t, "/outing-links/WRONG")} {
		if p.status != http.StatusUnauthorized || !strings.Contains(p.text, reasonTexts["LINK_NOT_VALID"]) {
			t.Errorf("%d\n%s", p.status, p.text)
		}
	}
}

// TestSignInLeadsBack: after the sign-in a person is where the sign-in was asked for, but on no other site.
func TestSignInLeadsBack(t *testing.T) {
	s := open(t, "")
	kittest.Equal(t, s.get(t, "/announcements?unread=yes").header.Get("Location"), "/sign-in?next=%2Fannouncements%3Funread%3Dyes")
	for next, to := range map[string]string{
		"/clubs?q=x": "/clubs?q=x", "": "/", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "evil": "/", "javascript:alert(1)": "/",
	} {
		p := s.post(t, "/sign-in", "id", "student", "password", "beacon-fire", "next", next)
		kittest.Equal(t, p.header.Get("Location"), to)
	}
}

func TestWrongPassword(t *testing.T) {
	s := open(t, "")
	p := s.post(t, "/sign-in", "id", "student", "password", "wrong")
	if p.status != http.StatusUnauthorized || !strings.Contains(p.text, "아이디 또는 비밀번호가 틀렸습니다.") || p.header.Get("Set-Cookie") != "" {
		t.Errorf("%d\n%s", p.status, p.text)
	}
}

// TestFieldErrors: the errors of the API are beside the fields that they name, and the values stay.
func TestFieldErrors(t *testing.T) {
	s := open(t, "student")
	s.edge.set(func() {
		s.edge.fields = &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "end_time", Description: "is not after start_time"}, {Field: "place", Description: "value length must be at least 1 characters", Reason: "STRING_MIN_LEN"},
			{Field: "unknown", Description: "a text that nobody has translated"},
		}}
	})
	p := s.post(t, "/outings", "start_time", "10:00", "end_time", "09:00", "reason", "치과")
	for _, part := range []string{
		`<p class="error" id="end_time-hint">나가는 시각보다 늦어야 합니다.</p>`, `<p class="error" id="place-hint">적어 주세요.</p>`,
		`id="end_time" name="end_time" required aria-invalid="true" aria-describedby="end_time-hint"`, `value="10:00"`, `>치과</textarea>`, `role="alert">a text that nobody has translated`,
	} {
		if !strings.Contains(p.text, part) {
			t.Errorf("no %s in\n%s", part, p.text)
		}
	}
	kittest.Equal(t, p.status, http.StatusUnprocessableEntity)
	if p := s.post(t, "/outings", "end_time", "soon"); !strings.Contains(p.text, `id="end_time-hint">시각이 아닙니다.`) {
		t.Errorf("a time that is none:\n%s", p.text)
	}
}

// TestOncePerForm: a form that is sent twice names the same request.
func TestOncePerForm(t *testing.T) {
	key := regexp.MustCompile(`name="idempotency_key" value="(\w+)"`)
	s := open(t, "student")
	first, second := key.FindStringSubmatch(s.get(t, "/outings/new").text), key.FindStringSubmatch(s.get(t, "/outings/new").text)
	if first == nil || second == nil || first[1] == second[1] {
		t.Errorf("the keys are %q and %q", first, second)
	}
}

func TestNextPage(t *testing.T) {
	s := open(t, "teacher")
	s.edge.set(func() { s.edge.next = "a+b&c" })
	for _, path := range []string{"/outings?q=x&state=2", "/announcements?q=x", "/recruitments?q=x", "/calendar?q=x", "/accounts?q=x", "/inbox?q=x"} {
		p := s.get(t, path+"&page=before")
		base, _, _ := strings.Cut(path, "?")
		if !strings.Contains(p.text, `href="`+base+`?page=a%2Bb%26c&amp;q=x`) || !strings.Contains(p.text, `href="`+base+`?q=x`) {
			t.Errorf("%s has no next and no first page:\n%s", path, p.text)
		}
	}
}

// TestReadMark: opening an announcement notes that it is read.
func TestReadMark(t *testing.T) {
	s := open(t, "student")
	s.do(t, http.MethodHead, "/announcements/"+anID, nil, nil)
	if s.edge.called("MarkRead") {
		t.Error("HEAD has marked an announcement")
	}
	s.get(t, "/announcements/"+anID)
	if !s.edge.called("MarkRead") {
		t.Error("an opened announcement is not marked as read")
	}
}

// TestCredentials: calls have the token of the person, and the address, after what proxies say.
func TestCredentials(t *testing.T) {
	s := open(t, "student")
	s.do(t, http.MethodGet, "/outings", map[string]string{"X-Forwarded-For": "203.0.113.9"}, nil)
	s.edge.mu.Lock()
	defer s.edge.mu.Unlock()
	i := slices.Index(s.edge.calls, "ListOutings")
	if i < 0 || s.edge.tokens[i] != "Bearer access-0" || s.edge.forwarded[i] != "203.0.113.9, 127.0.0.1" {
		t.Errorf("%v %v", s.edge.tokens, s.edge.forwarded)
	}
	if s.edge.tokens[0] != "" {
		t.Error("the sign-in has a token")
	}
}

// TestRefresh: near the end of the access token it is replaced, once, and without a valid refresh token
// the person signs in again.
func TestRefresh(t *testing.T) {
	s := open(t, "student")
	s.pass(time.Hour - refreshBefore - time.Second)
	s.get(t, "/outings")
	kittest.Equal(t, s.edge.refreshed, 0)
	s.pass(time.Second)
	kittest.NoError(t, errors.Join(kittest.Concurrently(8, func(int) error {
		if p := s.get(t, "/outings"); p.status != http.StatusOK {
			return fmt.Errorf("%d", p.status)
		}
		return nil
	})...))
	kittest.Equal(t, s.edge.refreshed, 1)
	kittest.Equal(t, s.edge.tokens[len(s.edge.tokens)-1], "Bearer access-1")
	s.pass(time.Hour)
	s.edge.set(func() { s.edge.revoked = true })
	p := s.get(t, "/clubs")
	kittest.Equal(t, p.status, http.StatusSeeOther)
	kittest.Equal(t, p.header.Get("Location"), "/sign-in?next=%2Fclubs")
}

// TestRefreshGoesOn: a person who leaves during a refresh stays signed in; one without a connection, too.
func TestRefreshGoesOn(t *testing.T) {
	now := time.Now()
	s := &session{}
	e := &edge{now: func() time.Time { return now }}
	s.set(e.newTokens("0"))
	late := now.Add(time.Hour)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	var calls atomic.Int32
	down := func(context.Context, *authv1.RefreshTokenRequest) (*authv1.RefreshTokenResponse, error) {
		calls.Add(1)
		return nil, connect.NewError(connect.CodeUnavailable, errString("down"))
	}
	if _, err := s.accessToken(ctx, late, down); connect.CodeOf(err) != connect.CodeUnavailable || s.ended(late) {
		t.Errorf("%v", err)
	}
	token, err := s.accessToken(ctx, late, func(ctx context.Context, req *authv1.RefreshTokenRequest) (*authv1.RefreshTokenResponse, error) {
		if req.GetRefreshToken() != "refresh-0" {
			t.Errorf("%v", req)
		}
		return &authv1.RefreshTokenResponse{Tokens: e.newTokens("1")}, ctx.Err()
	})
	kittest.NoError(t, err)
	kittest.Equal(t, token, "access-1")
	if !s.ended(now.Add(14 * 24 * time.Hour)) {
		t.Error("a session lasts longer than its refresh token")
	}
}

// TestStream: the number of unread items comes at once and after each change, until the server stops.
func TestStream(t *testing.T) {
	s := open(t, "student")
	s.edge.set(func() { s.edge.unread = 1 })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+streamPath, http.NoBody)
	kittest.NoError(t, err)
	res, err := s.browser.Do(req)
	kittest.NoError(t, err)
	defer res.Body.Close()
	kittest.Equal(t, res.Header.Get("Content-Type"), "text/event-stream")
	lines := bufio.NewScanner(res.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return "the end"
	}
	kittest.Equal(t, next(), "1")
	s.edge.set(func() { s.edge.unread = 2 })
	s.edge.changes <- &inboxv1.WatchResponse{Item: &inboxv1.Item{Id: "7"}}
	kittest.Equal(t, next(), "2")
	close(s.stopping)
	kittest.Equal(t, next(), "the end")
}

// TestStreamAfterSignOut: a tab gets nothing after the person has signed out in another one.
func TestStreamAfterSignOut(t *testing.T) {
	s := open(t, "student")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+streamPath, http.NoBody)
	kittest.NoError(t, err)
	res, err := s.browser.Do(req)
	kittest.NoError(t, err)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && lines.Text() != "data: 0" {
	}
	s.post(t, "/sign-out")
	s.edge.changes <- &inboxv1.WatchResponse{Item: &inboxv1.Item{Id: "7"}}
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data:") {
			t.Errorf("the stream goes on: %s", lines.Text())
		}
	}
}

// TestStreamWithoutSignIn: a browser does not try again.
func TestStreamWithoutSignIn(t *testing.T) {
	kittest.Equal(t, open(t, "").get(t, streamPath).status, http.StatusNoContent)
}

func TestWithoutEdge(t *testing.T) {
	pages := newPages(false, time.Now, slog.New(slog.DiscardHandler))
	if pages.ready(t.Context()) == nil {
		t.Error("the pages are ready without an edge")
	}
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/sign-in", http.NoBody))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), textUnavailable) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestSteps(t *testing.T) {
	for state, want := range map[string]string{
		"REQUESTED": "done current open open open", "PARENT_APPROVED": "done done current open open", "PARENT_REFUSED": "done refused",
		"APPROVED": "done done done current open", "TEACHER_REFUSED": "done done refused", "OUT": "done done done done current",
		"RETURNED": "done done done done done", "CANCELED": "done refused", "EXPIRED": "done refused",
	} {
		var got []string
		for _, s := range steps(&outingv1.Outing{State: outingv1.OutingState(outingv1.OutingState_value["OUTING_STATE_"+state]), Parent: "mother"}) {
			got = append(got, s.State)
		}
		kittest.Equal(t, strings.Join(got, " "), want)
		if stateTexts["OUTING_STATE_"+state] == "" {
			t.Errorf("%s has no text", state)
		}
	}
}

// TestTexts: each text of the services has its Korean one, with its parts.
func TestTexts(t *testing.T) {
	for text, want := range map[string]string{
		"nobody is not the account of a student": "nobody은(는) 학생의 아이디가 아닙니다.", "the outing begins at 15:04": "15:04부터 나갈 수 있습니다.",
		"the outing was over at 15:04": "외출 시간이 15:04에 끝났습니다.", "account minsu already exists": "이미 있는 아이디입니다.", "something else": "",
	} {
		_, got := translate(text)
		kittest.Equal(t, got, want)
	}
}

// TestLessonsOfDay: the form has the lessons of the chosen day, and those that were refused.
func TestLessonsOfDay(t *testing.T) {
	s := open(t, "teacher")
	for path, value := range map[string]string{"/timetable?week=2026-03-02": "수학", "/timetable?week=2026-03-03": ""} {
		if p := s.get(t, path); !strings.Contains(p.text, `id="lesson-3" name="lessons" value="`+value+`"`) || !strings.Contains(p.text, `#change">화</a>`) {
			t.Errorf("%s:\n%s", path, p.text)
		}
	}
	if p := s.post(t, "/timetable", "grade", "2", "class", "3", "date", "2026-03-02", "lessons", hostile); p.status == http.StatusOK || strings.Contains(p.text, "<script>alert") {
		t.Errorf("%d\n%s", p.status, p.text)
	}
}

func TestCalendarDays(t *testing.T) {
	s := open(t, "student")
	p := s.get(t, "/calendar?month=2026-02")
	if strings.Count(p.text, `<time datetime="2026-02-`) != 28 || !strings.Contains(p.text, `href="/calendar?month=2026-01"`) || !strings.Contains(p.text, `href="/calendar?month=2026-03"`) {
		t.Errorf("February:\n%s", p.text)
	}
	if p := s.get(t, "/timetable?week=2026-03-04"); !strings.Contains(p.text, "2026-03-02") || strings.Contains(p.text, "<small>2026-03-07") {
		t.Errorf("the week of 4 March:\n%s", p.text)
	}
}
