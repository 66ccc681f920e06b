package edge

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// countedRequests counts requests by their code.
type countedRequests struct {
	requests [17]atomic.Int64 // by code
	dropped  atomic.Int64
}

func (c *countedRequests) Requested(_ string, code connect.Code, _ time.Duration) {
	c.requests[code].Add(1)
}
func (*countedRequests) Serve([]string) {}

func (c *countedRequests) LineDropped() { c.dropped.Add(1) }

// TestRefusalsAreBounded checks that a flood of refused requests writes 100 lines a second,
// counts the others, and hides no other request.
func TestRefusalsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		lines := telemetry.NewAccessLog(&out, telemetry.JSON, "bongsu")
		counted := &countedRequests{}
		e := Edge{AccessLog: AccessLog{Lines: lines, All: true}, Requests: counted}
		handler := e.recordRequests(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/flood" {
				rpc.WriteError(w, r, connect.NewError(connect.CodeResourceExhausted, io.ErrShortBuffer), slog.New(slog.DiscardHandler))
				return
			}
			http.NotFound(w, r)
		}))
		for second := range 3 {
			for range 1000 {
				handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/flood", nil))
			}
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, fmt.Sprintf("/other%d", second), nil))
			time.Sleep(time.Second) // in the synctest bubble
		}
		lines.Close()
		if n := strings.Count(out.String(), "/flood"); n != 300 {
			t.Errorf("%d lines of the flood", n)
		}
		if n := strings.Count(out.String(), "/other"); n != 3 {
			t.Errorf("%d lines of other requests", n)
		}
		if n, dropped := counted.requests[connect.CodeResourceExhausted].Load(), counted.dropped.Load(); n != 3000 || dropped != 2700 {
			t.Errorf("%d requests counted, %d lines dropped", n, dropped)
		}
	})
}

// TestPanicsAreRecorded checks that a handler that panics has a line, and still panics.
func TestPanicsAreRecorded(t *testing.T) {
	var out bytes.Buffer
	lines := telemetry.NewAccessLog(&out, telemetry.JSON, "bongsu")
	counted := &countedRequests{}
	handler := Edge{AccessLog: AccessLog{Lines: lines}, Requests: counted}.recordRequests(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic does not reach the server")
			}
		}()
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x", nil))
	}()
	lines.Close()
	if counted.requests[connect.CodeInternal].Load() != 1 || !strings.Contains(out.String(), `"status":0,"code":"internal"`) {
		t.Errorf("line is %s", out.String())
	}
}

// TestLongPathsAreTruncated checks that a caller cannot write long lines.
func TestLongPathsAreTruncated(t *testing.T) {
	var out bytes.Buffer
	lines := telemetry.NewAccessLog(&out, telemetry.JSON, "bongsu")
	handler := Edge{AccessLog: AccessLog{Lines: lines}, Requests: &countedRequests{}}.recordRequests(http.NotFoundHandler())
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(strings.Repeat("M", 1000), "/"+strings.Repeat("x", 10_000), nil))
	lines.Close()
	if out.Len() > 600 {
		t.Errorf("a line of %d bytes", out.Len())
	}
}

// TestPathOfCredential checks that a line has no credential of a path, as that of a signed link.
func TestPathOfCredential(t *testing.T) {
	for verifier, want := range map[policy.Verifier]string{policy.NoVerifier: `"path":"/v1/links/s3cret"`, policy.Credential: `"path":"/v1/links/{token}"`} {
		var out bytes.Buffer
		lines := telemetry.NewAccessLog(&out, telemetry.JSON, "bongsu")
		handler := Edge{AccessLog: AccessLog{Lines: lines, All: true}, Requests: &countedRequests{}}.recordRequests(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		listener := rpc.Listener{Ready: func(context.Context) error { return nil }, Stages: []rpc.Stage{func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				info := rpc.InfoOf(r.Context())
				info.Procedure, info.Route, info.Attachment = "/library.v1.LinkService/OpenLink", "GET /v1/links/{token}", &joinedMethod{policy: policy.Policy{Verifier: verifier}}
				handler.ServeHTTP(w, r)
			})
		}}}
		port, err := listener.Handler()
		if err != nil {
			t.Fatal(err)
		}
		port.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/links/s3cret", nil))
		lines.Close()
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "s3cret") != (verifier == policy.NoVerifier) {
			t.Errorf("verifier %d: line is %s", verifier, out.String())
		}
	}
}

// BenchmarkRecordRequests measures the stage without what it wraps.
func BenchmarkRecordRequests(b *testing.B) {
	for _, c := range []struct {
		name string
		log  bool
	}{{"metrics", false}, {"metrics and line", true}} {
		b.Run(c.name, func(b *testing.B) {
			e := Edge{Requests: &countedRequests{}}
			if c.log {
				e.AccessLog = AccessLog{Lines: telemetry.NewAccessLog(io.Discard, telemetry.JSON, "bongsu"), All: true}
				defer e.AccessLog.Lines.Close()
			}
			handler := e.recordRequests(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
			r := httptest.NewRequest(http.MethodPost, "/v1/alerts", nil)
			w := &statusWriter{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(rpc.RecordResponse(w), r)
			}
		})
	}
}

// A statusWriter takes a response and keeps nothing.
type statusWriter struct{ header http.Header }

func (w *statusWriter) Header() http.Header         { return w.header }
func (w *statusWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *statusWriter) WriteHeader(int)             {}
