package edge

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// A statusUpstream is a monitor service in another process, which the page calls over HTTP.
type statusUpstream struct {
	page  atomic.Pointer[monitorv1.GetStatusPageResponse] // nil is away
	calls atomic.Int64
}

// GetStatusPage returns the page.
func (u *statusUpstream) GetStatusPage(context.Context, *monitorv1.GetStatusPageRequest) (*monitorv1.GetStatusPageResponse, error) {
	u.calls.Add(1)
	if page := u.page.Load(); page != nil {
		return page, nil
	}
	return nil, connect.NewError(connect.CodeUnavailable, errors.New("s3cret"))
}

// A statusTest is a status page with its upstream and its clock.
type statusTest struct {
	*testing.T
	upstream *statusUpstream
	mux      *http.ServeMux
	mu       sync.Mutex
	now      time.Time
}

func newStatusTest(t *testing.T, page *monitorv1.GetStatusPageResponse) *statusTest {
	t.Helper()
	s := &statusTest{T: t, upstream: &statusUpstream{}, mux: http.NewServeMux(), now: page.GetTime().AsTime()}
	s.upstream.page.Store(page)
	server := http.NewServeMux()
	server.Handle(monitorv1connect.NewStatusPageServiceHandler(s.upstream))
	remote := httptest.NewServer(server)
	t.Cleanup(remote.Close)
	p := &StatusPage{Monitors: monitorv1connect.NewStatusPageServiceClient(remote.Client(), remote.URL), Log: slog.New(slog.DiscardHandler), Now: func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.now
	}}
	for pattern, handler := range p.Handlers() {
		s.mux.Handle(pattern, handler)
	}
	return s
}

func (s *statusTest) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// get requests a path.
func (s *statusTest) get(method, path, accept string) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(s.Context(), method, path, http.NoBody)
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, req)
	return w
}

// requirePage requires the status and texts of the page.
func (s *statusTest) requirePage(status int, texts ...string) string {
	s.Helper()
	res := s.get(http.MethodGet, "/status", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	kittest.Equal(s, res.Code, status)
	body := res.Body.String()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			s.Errorf("the page has no %q:\n%s", text, body)
		}
	}
	return body
}

// noon is the time of the pages.
var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// samplePage returns a page with 90 days: without results, with a small and a large failure, and
// without one.
func samplePage() *monitorv1.GetStatusPageResponse {
	var days []*monitorv1.StatusPageDay
	for i := range 90 {
		day := &monitorv1.StatusPageDay{StartTime: timestamppb.New(noon.Truncate(24*time.Hour).AddDate(0, 0, i-89))}
		switch {
		case i == 87:
			day.Uptime = proto.Float64(0.99499)
		case i == 88:
			day.Uptime = proto.Float64(0.5)
		case i >= 30:
			day.Uptime = proto.Float64(1)
		}
		days = append(days, day)
	}
	up, down := monitorv1.StatusPageState_STATUS_PAGE_STATE_UP, monitorv1.StatusPageState_STATUS_PAGE_STATE_DOWN
	return &monitorv1.GetStatusPageResponse{
		Time: timestamppb.New(noon),
		Monitors: []*monitorv1.StatusPageMonitor{
			{Title: "Mail <b>", State: up, Since: timestamppb.New(noon.Add(-time.Hour)), Days: days, Uptime: proto.Float64(0.99949)},
			{Title: "Shop", Group: "Web & apps", State: down, Since: timestamppb.New(noon.Add(-time.Minute)), Days: days[30:]},
			{Title: "News", Group: "Web & apps", State: monitorv1.StatusPageState_STATUS_PAGE_STATE_MAINTENANCE},
			{Title: "New", Group: "Other"},
		},
		Maintenances: []*monitorv1.StatusPageMaintenance{
			{Titles: []string{"News"}, StartTime: timestamppb.New(noon.Add(-time.Minute)), EndTime: timestamppb.New(noon.Add(time.Hour)), Reason: "new <release>"},
			{Titles: []string{"Mail <b>", "Shop"}, StartTime: timestamppb.New(noon.Add(48 * time.Hour)), EndTime: timestamppb.New(noon.Add(49 * time.Hour)), Reason: "disks"},
		},
	}
}

// TestStatusPageHTML checks the content of the page: escaped, in UTC, with a text for each color.
func TestStatusPageHTML(t *testing.T) {
	s := newStatusTest(t, samplePage())
	body := s.requirePage(http.StatusOK,
		`<h1 class="down">1 service does not work</h1>`,
		`<h3>Mail &lt;b&gt;</h3><span class="state up">Works <span class="small">since <time datetime="2026-11-29T11:00:00Z">2026-11-29 11:00 UTC</time></span>`,
		`<h2>Services</h2>`, `<h2>Web &amp; apps</h2>`, `<span class="state down">Does not work`, `<span class="state maintenance">In maintenance`, `<span class="state unknown">Not known</span>`,
		`aria-label="Days with failures in 90 days: 2026-11-27: 99.49%, 2026-11-28: 50%"`,
		`<rect class="partly" x="348" y="10" width="3" height="20"><title>2026-11-27: 99.49%</title></rect><rect class="down" x="352" y="20" width="3" height="10"><title>2026-11-28: 50%</title></rect>`,
		`viewBox="0 0 359 30"`, `<span>99.94% uptime</span>`, `no results yet`, `<span>60 days ago</span>`,
		`<p>new &lt;release&gt;</p>`, `<span class="state maintenance">Now</span>`, `<span class="state maintenance">Planned</span>`, `Mail &lt;b&gt;, Shop`,
		`As of <time datetime="2026-11-29T12:00:00Z">2026-11-29 12:00 UTC</time>`)
	for _, absent := range []string{"<script", "http://", "https://", "ZgotmplZ", "cannot be read"} {
		if strings.Contains(body, absent) {
			t.Errorf("the page has %q", absent)
		}
	}
	d := xml.NewDecoder(strings.NewReader(body))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		if _, err := d.Token(); err != nil {
			kittest.Equal(t, err, io.EOF) // all elements are closed
			break
		}
	}
	res := s.get(http.MethodGet, "/status", "")
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "public, max-age=10", "Vary": "Accept", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
	} {
		kittest.Equal(t, res.Header().Get(name), want)
	}
}

// TestStatusPageJSON checks the JSON of both paths.
func TestStatusPageJSON(t *testing.T) {
	s := newStatusTest(t, samplePage())
	for path, accept := range map[string]string{"/status": "application/json", "/status.json": "text/html"} {
		res := s.get(http.MethodGet, path, accept)
		kittest.Equal(t, []string{res.Header().Get("Content-Type"), res.Header().Get("Cache-Control")}, []string{"application/json", "public, max-age=10"})
		got := &monitorv1.GetStatusPageResponse{}
		kittest.NoError(t, protojson.Unmarshal(res.Body.Bytes(), got))
		if !proto.Equal(got, samplePage()) {
			t.Errorf("%s: %v", path, got)
		}
	}
	for _, accept := range []string{"", "*/*", "text/html, application/json"} {
		if res := s.get(http.MethodGet, "/status", accept); res.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%q: %s", accept, res.Header().Get("Content-Type"))
		}
	}
	if res := s.get(http.MethodPost, "/status", ""); res.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", res.Code)
	}
}

// TestStatusPageIsCached checks that many callers cause one call in ten seconds, and that the last
// page is served with a note for ten minutes while the monitor service is away.
func TestStatusPageIsCached(t *testing.T) {
	s := newStatusTest(t, samplePage())
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { s.get(http.MethodGet, "/status", "") })
	}
	all.Wait()
	s.advance(statusPageAge - time.Millisecond)
	s.requirePage(http.StatusOK)
	kittest.Equal(t, s.upstream.calls.Load(), int64(1))

	changed := samplePage()
	changed.Monitors[1].State = monitorv1.StatusPageState_STATUS_PAGE_STATE_UP
	s.upstream.page.Store(changed)
	s.advance(time.Millisecond)
	s.requirePage(http.StatusOK, "1 of 4 services in maintenance")
	kittest.Equal(t, s.upstream.calls.Load(), int64(2))

	s.upstream.page.Store(nil)
	s.advance(statusPageAge)
	for range 5 {
		s.requirePage(http.StatusOK, "The state cannot be read now. This is how it was at", "1 of 4 services in maintenance")
	}
	kittest.Equal(t, s.upstream.calls.Load(), int64(3))
	s.advance(maxStatusPageAge - statusPageAge)
	body := s.requirePage(http.StatusServiceUnavailable, "The status is not known now", `role="alert"`)
	if strings.Contains(body, "s3cret") {
		t.Error("the page has the error")
	}
	res := s.get(http.MethodGet, "/status.json", "")
	var failure struct {
		Code    uint32 `json:"code"`
		Message string `json:"message"`
	}
	kittest.NoError(t, json.Unmarshal(res.Body.Bytes(), &failure))
	kittest.Equal(t, []any{res.Code, res.Header().Get("Retry-After"), connect.Code(failure.Code), failure.Message}, []any{503, "30", connect.CodeUnavailable, errNoStatusPage.Error()})

	s.upstream.page.Store(changed)
	s.advance(statusPageRetry)
	if body := s.requirePage(http.StatusOK); strings.Contains(body, "cannot be read") {
		t.Error("the page is stale")
	}
	s.advance(-time.Hour) // a clock that is set back
	calls := s.upstream.calls.Load()
	s.requirePage(http.StatusOK)
	kittest.Equal(t, s.upstream.calls.Load(), calls+1)
}

// TestStatusPageOfAClientThatLeaves checks that a canceled request does not fail the read of others.
func TestStatusPageOfAClientThatLeaves(t *testing.T) {
	s := newStatusTest(t, samplePage())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/status", http.NoBody))
	kittest.Equal(t, w.Code, http.StatusOK)
}

// TestStatusSummary checks the heading.
func TestStatusSummary(t *testing.T) {
	states := map[rune]monitorv1.StatusPageState{'u': 1, 'd': 2, 'm': 3, '?': 0}
	for letters, want := range map[string]string{
		"": "unknown No services are shown here", "uu": "up All services work", "ud": "down 1 service does not work", "udd": "down 2 services do not work",
		"dd": "down No service works", "d": "down No service works", "um": "maintenance 1 of 2 services in maintenance", "mm": "maintenance All services are in maintenance",
		"u?": "unknown The state of 1 of 2 services is not known", "dm?": "down 1 service does not work",
	} {
		var all []*monitorv1.StatusPageMonitor
		for _, letter := range letters {
			all = append(all, &monitorv1.StatusPageMonitor{State: states[letter]})
		}
		class, heading := statusSummary(all)
		kittest.Equal(t, class+" "+heading, want)
	}
}
