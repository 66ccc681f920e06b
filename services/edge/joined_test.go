package edge_test

import (
	"context"
	"encoding/json"
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

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// A logLines is a log whose lines a test waits for.
type logLines struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func newLogLines() *logLines { return &logLines{changed: make(chan struct{})} }

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(p)
}

// wait waits until part occurs n times.
func (l *logLines) wait(t testing.TB, n int, part string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		l.mu.Lock()
		text, changed := l.text.String(), l.changed
		l.mu.Unlock()
		if strings.Count(text, part) >= n {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("the log has %q %d times, want %d:\n%s", part, strings.Count(text, part), n, text)
		}
	}
}

func (l *logLines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

// A joinedEdge is an edge that other services may join.
type joinedEdge struct {
	*httptest.Server
	joined *edge.Joined
	log    *logLines
	audit  *recordedAudit

	upstream atomic.Pointer[string] // the URL of the instance that gets the calls; nil for none
}

// errNoUpstream is the error of a call without an instance.
var errNoUpstream = errors.New("no instance")

// RoundTrip sends a call to the present instance.
func (e *joinedEdge) RoundTrip(r *http.Request) (*http.Response, error) {
	to := e.upstream.Load()
	if to == nil {
		return nil, errNoUpstream
	}
	sent := r.Clone(r.Context())
	sent.URL.Host = strings.TrimPrefix(*to, "http://")
	return directClient.Transport.RoundTrip(sent)
}

// directClient calls a server by HTTP/2.
var directClient = rpc.NewHTTPClient()

// startJoined serves an edge, changed, that services may join, behind stages.
func startJoined(t testing.TB, change func(*edge.Edge), first ...rpc.Stage) *joinedEdge {
	t.Helper()
	e := &joinedEdge{log: newLogLines(), audit: &recordedAudit{}}
	log := slog.New(slog.NewTextHandler(e.log, nil))
	own := newEdge()
	own.CallTimeout = 10 * time.Second
	own.Authorizer = edge.NewAuthorizer(policies(t), log)
	own.Audit = edge.NewAuditRecorder(policies(t), e.audit, true, e.audit, time.Now, log)
	own.Authorizer.Refused = own.Audit.Refused
	var err error
	if own.Cache, err = edge.NewResponseCache(1<<20, nil, noCacheMetrics{}); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&own)
	}
	options, err := rpc.NewOptions(log, noop.NewMeterProvider(), edge.RESTRules)
	if err != nil {
		t.Fatal(err)
	}
	options = own.Options(options)
	e.joined, err = own.NewJoined(options, edge.JoinedConfig{Client: &http.Client{Transport: e}, BaseURL: "http://balanced.invalid", Direct: directClient, Log: log, Retry: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := rpc.Listener{
		Services: own.Services(options), Joined: e.joined.Services(),
		Stages: append(first, own.Stages()...),
		Ready:  func(context.Context) error { return nil },
	}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var tasks sync.WaitGroup
	tasks.Go(func() { _ = e.joined.Run(ctx) })
	tasks.Go(func() { _ = own.Audit.Run(ctx) })
	server, err := rpc.Listen(ctx, "127.0.0.1:0", handler, log)
	if err != nil {
		t.Fatal(err)
	}
	tasks.Go(func() { _ = server.Serve(ctx, 0) })
	e.Server = &httptest.Server{URL: "http://" + server.Addr()}
	t.Cleanup(func() { cancel(); tasks.Wait() })
	return e
}

type noCacheMetrics struct{}

func (noCacheMetrics) CachedCall(string, string)     {}
func (noCacheMetrics) InvalidatingCall(string, bool) {}

// instance returns the record of a library.
func (l *library) instance(id string, start time.Time) discovery.Instance {
	return discovery.Instance{ID: id, Name: "library", URL: l.URL, Services: libraryServices, Version: "v" + id, Start: start}
}

// join starts a library, and returns it once it is routed.
func (e *joinedEdge) join(t testing.TB) *library {
	t.Helper()
	l := startLibrary(t, nil)
	e.upstream.Store(&l.URL)
	e.joined.Update([]discovery.Instance{l.instance("1", auditTime)})
	e.log.wait(t, 1, `msg="service joined" service=library.v1.BookService`)
	return l
}

// rest sends a REST request with the role of a caller, and returns the status and the body.
func (e *joinedEdge) rest(t testing.TB, role, verb, path, body string) (int, string, http.Header) {
	t.Helper()
	return e.restAs(t, http.Header{callerHeader: {role}}, verb, path, body)
}

func (e *joinedEdge) restAs(t testing.TB, header http.Header, verb, path, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), verb, e.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data), res.Header
}

// TestJoinedREST calls a joined service by its REST paths.
func TestJoinedREST(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	e.join(t)
	for _, c := range []struct {
		name, role, verb, path, body string
		status                       int
		want                         string // in the body
	}{
		{"path", "viewer", "GET", "/v1/books/7", "", 200, `{"id":"7","title":"Dune","lentTo":"","added":"2026-11-29T01:02:03Z","shelf":"SHELF_NEW","note":{"@type":"type.googleapis.com/library.v1.LentOut","lentTo":"kim"}}`},
		{"query", "viewer", "GET", "/v1/books?pageSize=5&shelf=SHELF_NEW&ids=a&ids=b", "", 200, `{"books":[{"id":"5"`},
		{"body", "admin", "POST", "/v1/books/7:lend", `{"nickName":"kim"}`, 200, `"lentTo":"kim"`},
		{"part as body", "admin", "PUT", "/v1/books/7", `{"title":"Dune 2"}`, 200, `"id":"7","title":"Dune 2"`},
		{"direct body", "admin", "POST", "/v1/books", `{"id":"8","note":{"@type":"type.googleapis.com/library.v1.LentOut","lentTo":"lee"}}`, 200, `"lentTo":"lee"`},
		{"head", "viewer", "HEAD", "/v1/books/7", "", 200, ""},
		{"method of the path", "viewer", "DELETE", "/v1/books/7", "", 405, "use GET, HEAD, PUT"},
		{"unknown path", "viewer", "GET", "/v1/books/7/pages", "", 404, "unknown path"},
		{"unknown parameter", "viewer", "GET", "/v1/books?size=5", "", 400, "size"},
		{"parameter of another type", "viewer", "GET", "/v1/books?pageSize=x", "", 400, `"field":"page_size"`},
		{"too many items", "viewer", "GET", "/v1/books?ids=a&ids=b&ids=c&ids=d", "", 400, `"field":"ids"`},
		{"rule", "viewer", "GET", "/v1/books?pageSize=101", "", 400, `"field":"page_size"`},
		{"rule of a body", "admin", "POST", "/v1/books/7:lend", `{}`, 400, `"field":"nick_name"`},
		{"unknown field", "admin", "POST", "/v1/books/7:lend", `{"color":1}`, 400, `color`},
		{"no caller", "", "GET", "/v1/books/7", "", 401, "credentials are required"},
		{"no permission", "viewer", "PUT", "/v1/books/7", `{}`, 403, "permission book.write is needed, which callers with role admin have"},
		{"error", "viewer", "GET", "/v1/books/none", "", 404, `"lentTo":"kim"`},
		{"internal error", "viewer", "GET", "/v1/books/broken", "", 500, `"message":"internal error"`},
		{"timeout of the policy", "admin", "PUT", "/v1/books/slow", `{}`, 408, "timed out after 300ms"},
		{"the edge keeps its path", "admin", "POST", "/v1/groups", `{"groupName":"x"}`, 500, ""}, // its upstream has no method
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body, _ := e.rest(t, c.role, c.verb, c.path, c.body)
			if status != c.status || !strings.Contains(body, c.want) || strings.Contains(body, "secret") {
				t.Errorf("status %d, body %s, want %d with %s", status, body, c.status, c.want)
			}
			if status >= 400 && c.verb != "HEAD" && !json.Valid([]byte(body)) {
				t.Errorf("the error is no JSON: %s", body)
			}
		})
	}
	e.log.wait(t, 1, `msg="REST path of a joined service is not served" service=library.v1.BookService method=PutBook path="POST /v1/groups" reason="bongsu.group.v1.GroupService has POST /v1/groups"`)
}

// TestJoinedRefusals checks which services are not routed, and that the reason is logged once.
func TestJoinedRefusals(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	l := e.join(t)
	e.log.wait(t, 3, `msg="service is not routed"`)
	again := l.instance("2", auditTime.Add(time.Second))
	again.Services = append([]string{"bongsu.group.v1.GroupService", "grpc.health.v1.Health", "not a name", "library.v1.NoService"}, libraryServices...)
	e.joined.Update([]discovery.Instance{l.instance("1", auditTime), again})
	e.log.wait(t, 1, `msg="descriptors of a service cannot be read, trying again" service=library.v1.NoService`)
	for service, reason := range map[string]string{
		"library.v1.StaffService": "its policy says that it is internal", "library.v1.DraftService": "library.v1.DraftService.GetBook: no policy",
		"library.v1.GreedyService": "is one of the edge's own services: use another noun", "library.v1.NoService": "descriptors cannot be read",
	} {
		if code := post(t, e.URL+"/"+service+"/GetBook", "admin"); code != http.StatusNotFound {
			t.Errorf("%s: status %d", service, code)
		}
		found := false
		for _, s := range e.joined.States() {
			found = found || s.Name == service && !s.Routed && strings.Contains(s.Reason, reason)
		}
		if !found {
			t.Errorf("%s: no reason %q in %v", service, reason, e.joined.States())
		}
		if n := e.log.count(`service=` + service + ` `); n != 1 {
			t.Errorf("%s: logged %d times", service, n)
		}
	}
	if n := len(e.joined.States()); n != 5 {
		t.Errorf("%d states: %v", n, e.joined.States())
	}
	if code := post(t, e.URL+"/bongsu.group.v1.GroupService/ListGroups", "admin"); code != http.StatusNotImplemented {
		t.Errorf("the edge's own service is taken over: status %d", code)
	}
}
