package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/timestamppb"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	announcementv1 "github.com/bongsu-project/bongsu/gen/go/school/announcement/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/announcement/v1/announcementv1connect"
	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/auth/v1/authv1connect"
	clubv1 "github.com/bongsu-project/bongsu/gen/go/school/club/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/club/v1/clubv1connect"
	outingv1 "github.com/bongsu-project/bongsu/gen/go/school/outing/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/outing/v1/outingv1connect"
	schedulev1 "github.com/bongsu-project/bongsu/gen/go/school/schedule/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/schedule/v1/schedulev1connect"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// hostile is a text that is harmful where it is not escaped.
const hostile = `"><script>alert(1)</script><b onmouseover='x'>{{.}}`

const anID = "0f0e0d0c-0b0a-4908-8706-050403020100"

// An edge stands for the edge with all services. Its data are hostile. It keeps the calls that it gets.
type edge struct {
	authv1connect.UnimplementedAuthServiceHandler
	outingv1connect.UnimplementedOutingServiceHandler
	schedulev1connect.UnimplementedScheduleServiceHandler
	clubv1connect.UnimplementedClubServiceHandler

	now     func() time.Time
	changes chan *inboxv1.WatchResponse // of the inbox

	mu        sync.Mutex
	calls     []string // the procedures
	tokens    []string // the credentials of the calls
	forwarded []string
	refreshed int
	revoked   bool
	unread    int32
	next      string // the next page token of lists
	decision  *outingv1.DecideOutingByLinkRequest
	fields    *errdetails.BadRequest // of the next RequestOuting
}

// serve serves the edge, and returns its URL.
func (e *edge) serve(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(authv1connect.NewAuthServiceHandler(e))
	mux.Handle(outingv1connect.NewOutingServiceHandler(e))
	mux.Handle(schedulev1connect.NewScheduleServiceHandler(e))
	mux.Handle(clubv1connect.NewClubServiceHandler(e))
	mux.Handle(announcementv1connect.NewAnnouncementServiceHandler(announcements{edge: e}))
	mux.Handle(inboxv1connect.NewInboxServiceHandler(inbox{edge: e}))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		e.calls = append(e.calls, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
		e.tokens = append(e.tokens, r.Header.Get("Authorization"))
		e.forwarded = append(e.forwarded, r.Header.Get("X-Forwarded-For"))
		e.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func (e *edge) called(procedure string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.calls, procedure)
}

// set changes what the edge responds.
func (e *edge) set(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

func (e *edge) newTokens(n string) *authv1.Tokens {
	now := e.now()
	return &authv1.Tokens{
		AccessToken: "access-" + n, AccessExpireTime: timestamppb.New(now.Add(time.Hour)),
		RefreshToken: "refresh-" + n, RefreshExpireTime: timestamppb.New(now.Add(14 * 24 * time.Hour)),
	}
}

// SignIn accepts every account with the password beacon-fire. The account is that of its role.
func (e *edge) SignIn(_ context.Context, req *authv1.SignInRequest) (*authv1.SignInResponse, error) {
	if req.GetPassword() != "beacon-fire" {
		return nil, connect.NewError(connect.CodeUnauthenticated, errString("the account or the password is wrong"))
	}
	a := anAccount()
	a.Id, a.Role = req.GetId(), authv1.Role(authv1.Role_value["ROLE_"+strings.ToUpper(req.GetId())])
	return &authv1.SignInResponse{Tokens: e.newTokens("0"), Account: a}, nil
}

type errString string

func (e errString) Error() string { return string(e) }

func anAccount() *authv1.Account {
	return &authv1.Account{
		Id: "student", Role: authv1.Role_ROLE_STUDENT, Name: hostile, Phone: hostile, Email: hostile, Grade: 2, Class: 3, Number: 7,
		Children: []string{hostile}, State: authv1.AccountState_ACCOUNT_STATE_PENDING,
	}
}

func (e *edge) RefreshToken(context.Context, *authv1.RefreshTokenRequest) (*authv1.RefreshTokenResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.revoked {
		return nil, connect.NewError(connect.CodeUnauthenticated, errString("the refresh token is not valid: sign in again"))
	}
	e.refreshed++
	return &authv1.RefreshTokenResponse{Tokens: e.newTokens("1")}, nil
}

func (e *edge) SignOut(context.Context, *authv1.SignOutRequest) (*authv1.SignOutResponse, error) {
	return &authv1.SignOutResponse{}, nil
}

func (e *edge) ListAccounts(context.Context, *authv1.ListAccountsRequest) (*authv1.ListAccountsResponse, error) {
	return &authv1.ListAccountsResponse{Accounts: []*authv1.Account{anAccount()}, NextPageToken: e.next}, nil
}

func (e *edge) anOuting() *outingv1.Outing {
	now := timestamppb.New(e.now())
	return &outingv1.Outing{
		Id: anID, Student: "student", StudentName: hostile, Grade: 2, Class: 3, Number: 7, State: outingv1.OutingState_OUTING_STATE_PARENT_APPROVED,
		Situation: outingv1.Situation_SITUATION_NORMAL, StartTime: now, EndTime: now, CreateTime: now, Place: hostile, Reason: hostile, Comment: hostile, Parent: "parent",
	}
}

func (e *edge) ListOutings(context.Context, *outingv1.ListOutingsRequest) (*outingv1.ListOutingsResponse, error) {
	return &outingv1.ListOutingsResponse{Outings: []*outingv1.Outing{e.anOuting()}, NextPageToken: e.next}, nil
}

func (e *edge) GetOuting(context.Context, *outingv1.GetOutingRequest) (*outingv1.GetOutingResponse, error) {
	return &outingv1.GetOutingResponse{Outing: e.anOuting()}, nil
}

func (e *edge) RequestOuting(context.Context, *outingv1.RequestOutingRequest) (*outingv1.RequestOutingResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fields != nil {
		err := connect.NewError(connect.CodeInvalidArgument, errString("end_time: is not after start_time"))
		detail, _ := connect.NewErrorDetail(e.fields)
		err.AddDetail(detail)
		return nil, err
	}
	return &outingv1.RequestOutingResponse{Outing: e.anOuting()}, nil
}

func (e *edge) DecideOuting(context.Context, *outingv1.DecideOutingRequest) (*outingv1.DecideOutingResponse, error) {
	return &outingv1.DecideOutingResponse{Outing: e.anOuting()}, nil
}

// validLink is the link that the edge knows, until it is used.
const validLink = "VALIDLINK"

func (e *edge) checkLink(link string) error {
	if link == validLink && e.decision == nil {
		return nil
	}
	err := connect.NewError(connect.CodeUnauthenticated, errString("the link is wrong, used or expired"))
	detail, _ := connect.NewErrorDetail(&errdetails.ErrorInfo{Reason: "LINK_NOT_VALID"})
	err.AddDetail(detail)
	return err
}

func (e *edge) GetOutingByLink(_ context.Context, req *outingv1.GetOutingByLinkRequest) (*outingv1.GetOutingByLinkResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.checkLink(req.GetLink()); err != nil {
		return nil, err
	}
	return &outingv1.GetOutingByLinkResponse{Outing: e.anOuting(), Account: "parent"}, nil
}

func (e *edge) DecideOutingByLink(_ context.Context, req *outingv1.DecideOutingByLinkRequest) (*outingv1.DecideOutingByLinkResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.checkLink(req.GetLink()); err != nil {
		return nil, err
	}
	e.decision = req
	return &outingv1.DecideOutingByLinkResponse{Outing: e.anOuting()}, nil
}

func (e *edge) GetTimetable(_ context.Context, req *schedulev1.GetTimetableRequest) (*schedulev1.GetTimetableResponse, error) {
	return &schedulev1.GetTimetableResponse{Days: []*schedulev1.Day{{Date: req.GetFrom(), Lessons: []string{hostile, "", "수학"}}}}, nil
}

func (e *edge) ListEntries(_ context.Context, req *schedulev1.ListEntriesRequest) (*schedulev1.ListEntriesResponse, error) {
	return &schedulev1.ListEntriesResponse{
		Entries: []*schedulev1.Entry{{Id: anID, Text: hostile, From: req.GetFrom(), To: req.GetTo()}}, NextPageToken: e.next,
	}, nil
}

func (e *edge) aClub() *clubv1.Club {
	return &clubv1.Club{
		Id: anID, Head: "student", Name: hostile, Concept: hostile, Introduction: hostile, Field: hostile, Location: hostile, Floor: 3, Link: "javascript:alert(1)", MemberCount: 2,
		Members: []*clubv1.Member{{Student: "student", Name: hostile, Grade: 2, Class: 3, Number: 7}, {Student: "other", Name: hostile, Grade: 1, Class: 1, Number: 1}},
	}
}

func (e *edge) ListClubs(context.Context, *clubv1.ListClubsRequest) (*clubv1.ListClubsResponse, error) {
	return &clubv1.ListClubsResponse{Clubs: []*clubv1.Club{e.aClub()}}, nil
}

func (e *edge) GetClub(context.Context, *clubv1.GetClubRequest) (*clubv1.GetClubResponse, error) {
	return &clubv1.GetClubResponse{Club: e.aClub()}, nil
}

func (e *edge) ListRecruitments(context.Context, *clubv1.ListRecruitmentsRequest) (*clubv1.ListRecruitmentsResponse, error) {
	return &clubv1.ListRecruitmentsResponse{Recruitments: []*clubv1.Recruitment{{
		Id: anID, ClubId: anID, ClubName: hostile, Concept: hostile, From: "2026-03-02", Open: true, Seats: []*clubv1.Seat{{Grade: 1, Field: hostile, Number: 2}},
	}}, NextPageToken: e.next}, nil
}

// announcements serves AnnouncementService for an edge.
type announcements struct {
	announcementv1connect.UnimplementedAnnouncementServiceHandler
	edge *edge
}

func (a announcements) one() *announcementv1.Announcement {
	return &announcementv1.Announcement{Id: anID, Writer: "teacher", WriterName: hostile, Title: hostile, Content: hostile, Grades: []int32{1}, Classes: []int32{2}, CreateTime: timestamppb.New(a.edge.now())}
}

func (a announcements) ListAnnouncements(context.Context, *announcementv1.ListAnnouncementsRequest) (*announcementv1.ListAnnouncementsResponse, error) {
	return &announcementv1.ListAnnouncementsResponse{Announcements: []*announcementv1.Announcement{a.one()}, NextPageToken: a.edge.next}, nil
}

func (a announcements) GetAnnouncement(context.Context, *announcementv1.GetAnnouncementRequest) (*announcementv1.GetAnnouncementResponse, error) {
	return &announcementv1.GetAnnouncementResponse{Announcement: a.one(), PreviousId: anID, NextId: anID}, nil
}

func (a announcements) MarkRead(context.Context, *announcementv1.MarkReadRequest) (*announcementv1.MarkReadResponse, error) {
	return &announcementv1.MarkReadResponse{}, nil
}

func (a announcements) CountUnread(context.Context, *announcementv1.CountUnreadRequest) (*announcementv1.CountUnreadResponse, error) {
	return &announcementv1.CountUnreadResponse{Unread: 3}, nil
}

// inbox serves InboxService for an edge.
type inbox struct {
	inboxv1connect.UnimplementedInboxServiceHandler
	edge *edge
}

func (i inbox) List(context.Context, *inboxv1.ListRequest) (*inboxv1.ListResponse, error) {
	now := timestamppb.New(i.edge.now())
	return &inboxv1.ListResponse{Items: []*inboxv1.Item{
		{Id: "1", Position: "1", Title: hostile, Text: hostile, Link: "javascript:alert(1)", CreateTime: now},
		{Id: "2", Position: "2", Text: hostile, Link: "https://school.example/outing-links/X", CreateTime: now, ReadTime: now},
	}, NextPageToken: i.edge.next}, nil
}

func (i inbox) CountUnread(context.Context, *inboxv1.CountUnreadRequest) (*inboxv1.CountUnreadResponse, error) {
	i.edge.mu.Lock()
	defer i.edge.mu.Unlock()
	return &inboxv1.CountUnreadResponse{Count: i.edge.unread}, nil
}

func (i inbox) Watch(ctx context.Context, _ *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
	if err := stream.Send(&inboxv1.WatchResponse{}); err != nil {
		return err
	}
	for {
		select {
		case change := <-i.edge.changes:
			if err := stream.Send(change); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// A site is the pages before an edge, with a browser.
type site struct {
	edge     *edge
	url      string
	browser  *http.Client // keeps cookies, and follows no redirects
	stopping chan struct{}

	mu    sync.Mutex
	clock time.Time
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

func (s *site) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

// open serves the pages, with a browser in which an account has signed in; none for an empty one.
func open(t *testing.T, account string) *site {
	t.Helper()
	s := &site{stopping: make(chan struct{}), clock: time.Now()}
	s.edge = &edge{now: s.now, changes: make(chan *inboxv1.WatchResponse)}
	pages := newPages(false, s.now, slog.New(slog.DiscardHandler))
	pages.SetEdge(s.edge.serve(t))
	port, err := rpc.Listener{Ready: pages.ready, Handlers: map[string]http.Handler{"/": pages}, Stopping: s.stopping}.Handler()
	kittest.NoError(t, err)
	server := httptest.NewServer(port)
	t.Cleanup(server.Close)
	s.url = server.URL
	jar, err := cookiejar.New(nil)
	kittest.NoError(t, err)
	s.browser = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if account != "" {
		res := s.post(t, "/sign-in", "id", account, "password", "beacon-fire")
		kittest.Equal(t, res.status, http.StatusSeeOther)
	}
	return s
}

// A page is a response.
type page struct {
	status int
	header http.Header
	text   string
}

func (s *site) get(t *testing.T, path string) page { return s.do(t, http.MethodGet, path, nil, nil) }

// post sends a form, whose fields are pairs of names and values, as a page of the site does.
func (s *site) post(t *testing.T, path string, fields ...string) page {
	return s.do(t, http.MethodPost, path, map[string]string{"Origin": s.url, "Sec-Fetch-Site": "same-origin"}, fields)
}

func (s *site) do(t *testing.T, method, path string, header map[string]string, fields []string) page {
	t.Helper()
	form := url.Values{}
	for pair := range slices.Chunk(fields, 2) {
		form.Add(pair[0], pair[1])
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(form.Encode()))
	kittest.NoError(t, err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := s.browser.Do(req)
	kittest.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	kittest.NoError(t, err)
	return page{res.StatusCode, res.Header, string(text)}
}
