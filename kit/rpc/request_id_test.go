package rpc

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/bongsu-project/bongsu/kit/telemetry"
)

const (
	validTrace  = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	validID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	randomIDLen = 32
)

// identified returns the RequestInfo of a request with a header, and the header of its
// response.
func identified(header http.Header) (*RequestInfo, http.Header) {
	info := &RequestInfo{}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header = header
	w := httptest.NewRecorder()
	RequestIDs(http.NotFoundHandler()).ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, info)))
	return info, w.Header()
}

// TestRequestIDs checks which ids of callers are taken.
func TestRequestIDs(t *testing.T) {
	for _, c := range []struct {
		name       string
		given      []string
		trace      []string
		id, traced string // empty: random
	}{
		{"nothing", nil, nil, "", ""},
		{"both", []string{"a-1"}, []string{validTrace}, "a-1", validID},
		{"only an id", []string{"A.b_c~9+/=:@"}, nil, "A.b_c~9+/=:@", ""},
		{"only a trace", nil, []string{validTrace}, "", validID},
		{"the longest id", []string{strings.Repeat("x", 128)}, nil, strings.Repeat("x", 128), ""},
		{"an id that is too long", []string{strings.Repeat("x", 129)}, nil, "", ""},
		{"an empty id", []string{""}, nil, "", ""},
		{"a space", []string{"a b"}, nil, "", ""},
		{"a quote", []string{`a"b`}, nil, "", ""},
		{"not ASCII", []string{"é"}, nil, "", ""},
		{"two ids", []string{"a", "b"}, nil, "", ""},
		{"two traces", nil, []string{validTrace, validTrace}, "", ""},
		{"upper case", nil, []string{strings.ToUpper(validTrace)}, "", ""},
		{"trace id zero", nil, []string{"00-00000000000000000000000000000000-00f067aa0ba902b7-01"}, "", ""},
		{"parent id zero", nil, []string{"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"}, "", ""},
		{"version ff", nil, []string{"ff" + validTrace[2:]}, "", ""},
		{"version 00 with more", nil, []string{validTrace + "-x"}, "", ""},
		{"a later version with more", nil, []string{"01" + validTrace[2:] + "-x"}, "", validID},
		{"a later version with more, not separated", nil, []string{"01" + validTrace[2:] + "x"}, "", ""},
		{"truncated", nil, []string{validTrace[:54]}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			info, response := identified(http.Header{requestIDHeader: c.given, traceparentHeader: c.trace})
			if c.id != "" && info.ID != c.id || c.id == "" && (len(info.ID) != randomIDLen || !isHex(info.ID)) {
				t.Errorf("id is %q, want %q", info.ID, c.id)
			}
			if c.traced != "" && info.TraceID != c.traced || c.traced == "" && (len(info.TraceID) != randomIDLen || !isHex(info.TraceID) || info.TraceID == validID) {
				t.Errorf("trace id is %q, want %q", info.TraceID, c.traced)
			}
			if got := response.Values("X-Request-Id"); len(got) != 1 || got[0] != info.ID {
				t.Errorf("response has %q, want %q", got, info.ID)
			}
		})
	}
}

// TestRandomIDsDiffer checks that requests do not share a random id.
func TestRandomIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		info, _ := identified(http.Header{})
		if seen[info.ID] {
			t.Fatalf("%s is there twice", info.ID)
		}
		seen[info.ID] = true
	}
}

// TestIDsPassedOn checks what an upstream gets: the id, and the caller's trace, or the one
// that begins here.
func TestIDsPassedOn(t *testing.T) {
	for _, c := range []struct {
		name   string
		header http.Header
		state  string
		begins bool
	}{
		{"the caller's", http.Header{"X-Request-Id": {"a"}, "Traceparent": {validTrace}, "Tracestate": {"x=1"}}, "x=1", false},
		{"a long state", http.Header{"X-Request-Id": {"a"}, "Traceparent": {validTrace}, "Tracestate": {strings.Repeat("x", 513)}}, "", false},
		{"none", http.Header{"X-Request-Id": {"a"}, "Tracestate": {"x=1"}}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			info, _ := identified(c.header)
			passed := http.Header{}
			passIDs(context.WithValue(t.Context(), requestInfoKey{}, info), passed)
			parent := passed.Get("Traceparent")
			if passed.Get("X-Request-Id") != "a" || passed.Get("Tracestate") != c.state || traceIDOf(parent) != info.TraceID || (parent != validTrace) != c.begins {
				t.Errorf("passed on: %v", passed)
			}
		})
	}
	passed := http.Header{}
	info, _ := identified(http.Header{"X-Request-Id": {"a"}, "Traceparent": {validTrace}})
	ctx := context.WithValue(t.Context(), requestInfoKey{}, info)
	passIDs(trace.ContextWithRemoteSpanContext(ctx, telemetry.TraceContext(validTrace).SpanContext()), passed)
	if passed.Get("X-Request-Id") != "a" || passed.Get("Traceparent") != "" {
		t.Errorf("with a span, whose interceptor passes on the trace: %v", passed)
	}
	passed = http.Header{}
	passIDs(t.Context(), passed)
	if len(passed) != 0 {
		t.Errorf("outside of a request: %v", passed)
	}
}

// TestLogHandler checks that records of a request have its ids, and others none.
func TestLogHandler(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(NewLogHandler(slog.NewTextHandler(&out, nil))).With("a", 1)
	info, _ := identified(http.Header{"X-Request-Id": {"req-7"}, "Traceparent": {validTrace}})
	log.InfoContext(context.WithValue(t.Context(), requestInfoKey{}, info), "inside")
	log.Info("outside")
	inside, outside, _ := strings.Cut(out.String(), "\n")
	out.Reset()
	span := trace.ContextWithRemoteSpanContext(t.Context(), telemetry.TraceContext(validTrace).SpanContext())
	log.InfoContext(span, "in a span")
	log.InfoContext(span, "has it", "trace_id", "x")
	if want := "msg=\"in a span\" a=1 trace_id=" + validID + "\n"; !strings.Contains(out.String(), want) || strings.Count(out.String(), "trace_id") != 2 {
		t.Errorf("logged: %s", out.String())
	}
	out.Reset()
	log.InfoContext(context.WithValue(t.Context(), requestInfoKey{}, info), "has it", "request_id", "req-7")
	if strings.Count(out.String(), "request_id") != 1 {
		t.Errorf("logged: %s", out.String())
	}
	if !strings.HasSuffix(inside, "msg=inside a=1 request_id=req-7 trace_id="+validID) || !strings.HasSuffix(outside, "msg=outside a=1\n") {
		t.Errorf("logged: %s, %s", inside, outside)
	}
}

func BenchmarkRequestIDs(b *testing.B) {
	for _, c := range []struct {
		name   string
		header http.Header
	}{
		{"random", http.Header{}},
		{"given", http.Header{requestIDHeader: {"0123456789abcdef"}, traceparentHeader: {validTrace}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := RequestIDs(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			r := httptest.NewRequest(http.MethodPost, "/v1/alerts", nil)
			r.Header = c.header
			info := &RequestInfo{}
			r = r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, info))
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				*info = RequestInfo{}
				h.ServeHTTP(w, r)
			}
		})
	}
}

// FuzzRequestIDs checks that whatever callers send, the ids are safe in headers and logs, and
// a trace that is passed on is valid.
func FuzzRequestIDs(f *testing.F) {
	f.Add("a-1", validTrace)
	f.Add("", "01"+validTrace[2:]+"-x")
	f.Add("a\nb", "00-\x00")
	f.Fuzz(func(t *testing.T, id, trace string) {
		info, response := identified(http.Header{requestIDHeader: {id}, traceparentHeader: {trace}})
		if !isRequestID(info.ID) || len(info.TraceID) != randomIDLen || !isHex(info.TraceID) || response.Get("X-Request-Id") != info.ID {
			t.Fatalf("ids %q, %q; response %q", info.ID, info.TraceID, response.Get("X-Request-Id"))
		}
		passed := http.Header{}
		passIDs(context.WithValue(t.Context(), requestInfoKey{}, info), passed)
		if traceIDOf(passed.Get("Traceparent")) != info.TraceID || strings.ContainsAny(passed.Get("Traceparent")[:traceparentSize], "\r\n\x00 ") {
			t.Fatalf("passed on: %q", passed)
		}
	})
}
