package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// refuse returns a stage that responds with an error.
func refuse(err *connect.Error) Stage {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { WriteError(w, r, err, slog.New(slog.DiscardHandler)) })
	}
}

// TestErrorsBeforeEvents checks that an error before the first event is that of any REST path.
func TestErrorsBeforeEvents(t *testing.T) {
	fails := func(err error) watchFunc {
		return func(context.Context, *inboxv1.WatchRequest, *connect.ServerStream[inboxv1.WatchResponse]) error {
			return err
		}
	}
	refusing := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc { return next })
	for _, c := range []struct {
		name, method, path string
		header             []string
		stage              Stage
		watch              watchFunc
		status             int
		code               connect.Code
		texts              []string // in the body or the header
	}{
		{name: "unknown parameter", path: "?nickname=kim", status: 400, code: connect.CodeInvalidArgument, texts: []string{`unknown field \"nickname\"`}},
		{name: "malformed query", path: "?nickName=%zz", status: 400, code: connect.CodeInvalidArgument, texts: []string{"MALFORMED_REQUEST"}},
		{name: "two values", path: "?nickName=a&nickName=b", status: 400, code: connect.CodeInvalidArgument, texts: []string{"send it once"}},
		{name: "long query", path: "?nickName=" + strings.Repeat("x", maxQueryBytes), status: 400, code: connect.CodeInvalidArgument, texts: []string{"REQUEST_TOO_LARGE"}},
		{name: "long value", path: "?nickName=" + strings.Repeat("x", 121), status: 400, code: connect.CodeInvalidArgument, texts: []string{"nick_name", "buf.validate.Violations"}},
		{name: "invalid last event", header: []string{"Last-Event-ID", "x"}, status: 400, code: connect.CodeInvalidArgument, texts: []string{"after_id"}},
		{name: "last event not UTF-8", header: []string{"Last-Event-ID", "\xff"}, status: 400, code: connect.CodeInvalidArgument, texts: []string{"Last-Event-ID"}},
		{name: "invalid timeout", header: []string{"X-Server-Timeout", "soon"}, status: 400, code: connect.CodeInvalidArgument, texts: []string{"X-Server-Timeout"}},
		{name: "no caller", stage: refuse(connect.NewError(connect.CodeUnauthenticated, errors.New("credentials are required"))), status: 401, code: connect.CodeUnauthenticated, texts: []string{"UNAUTHENTICATED"}},
		{name: "not allowed", stage: refuse(connect.NewError(connect.CodePermissionDenied, errors.New("not allowed"))), status: 403, code: connect.CodePermissionDenied},
		{name: "too many streams", stage: refuse(connect.NewError(connect.CodeResourceExhausted, fault.WithDelay(errors.New("too many"), time.Second))), status: 429, code: connect.CodeResourceExhausted, texts: []string{"Retry-After: 1", "RetryInfo"}},
		{name: "busy", stage: refuse(connect.NewError(connect.CodeUnavailable, errors.New("busy"))), status: 503, code: connect.CodeUnavailable},
		{name: "unknown path", path: "s", status: 404, code: connect.CodeNotFound},
		{name: "other method", method: http.MethodPost, status: 405, code: connect.CodeUnimplemented, texts: []string{"Allow: GET\r\n"}},
		{name: "HEAD", method: http.MethodHead, status: 405, texts: []string{"Allow: GET\r\n"}},
		{name: "not found", watch: fails(fault.WithResource(fault.NotFoundf("no inbox"), "inbox", "kim")), status: 404, code: connect.CodeNotFound, texts: []string{"no inbox", "ResourceInfo"}},
		{name: "invalid", watch: fails(fault.InvalidField("nick_name", "is needed")), status: 400, code: connect.CodeInvalidArgument, texts: []string{"nick_name", "is needed"}},
		{name: "exhausted", watch: fails(fault.WithDelay(fault.Exhaustedf("too many readers"), 2*time.Second)), status: 429, code: connect.CodeResourceExhausted, texts: []string{"Retry-After: 2"}},
		{name: "unavailable", watch: fails(fault.Unavailablef("no store; try again")), status: 503, code: connect.CodeUnavailable, texts: []string{"no store"}},
		{name: "deadline", watch: fails(context.DeadlineExceeded), status: 408, code: connect.CodeDeadlineExceeded},
		{name: "internal", watch: fails(errors.New("secret")), status: 500, code: connect.CodeInternal, texts: []string{"internal error"}},
		{name: "panic", watch: func(context.Context, *inboxv1.WatchRequest, *connect.ServerStream[inboxv1.WatchResponse]) error {
			panic("secret")
		}, status: 500, code: connect.CodeInternal, texts: []string{"internal error"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := Listener{}
			if c.stage != nil {
				l.Stages = []Stage{c.stage}
			}
			if c.method == "" {
				c.method = http.MethodGet
			}
			res := get(t, c.method, serveWatch(t, l, c.watch, refusing)+streamPath+c.path, c.header...) //nolint:bodyclose // closed when the test ends
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Connect-Accept-Encoding") != "" {
				t.Errorf("%d %v: %s", res.StatusCode, res.Header, body)
			}
			var parsed struct {
				Code    connect.Code `json:"-"`
				Number  uint32       `json:"code"`
				Message string       `json:"message"`
			}
			if err := json.Unmarshal(body, &parsed); c.method != http.MethodHead && (err != nil || parsed.Number != uint32(c.code)) {
				t.Errorf("%s, %v", body, err)
			}
			var header strings.Builder
			if err := res.Header.Write(&header); err != nil {
				t.Fatal(err)
			}
			for _, text := range c.texts {
				if !strings.Contains(header.String()+string(body), text) {
					t.Errorf("no %s in\n%s%s", text, header.String(), body)
				}
			}
			if strings.Contains(string(body), "secret") {
				t.Errorf("internal text: %s", body)
			}
		})
	}
}

// TestErrorWithinEvents checks that a later error is the last event, and that of a stage that
// wraps the stream is too.
func TestErrorWithinEvents(t *testing.T) {
	for _, c := range []struct {
		err  error
		code connect.Code
		text string
	}{
		{fault.WithReason(fault.Exhaustedf("too slow"), "TOO_SLOW"), connect.CodeResourceExhausted, "TOO_SLOW"},
		{errors.New("secret"), connect.CodeInternal, `"internal error"`},
	} {
		url := serveWatch(t, Listener{}, func(_ context.Context, _ *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
			if err := stream.Send(item("1")); err != nil {
				return err
			}
			return c.err
		})
		next := events(t, get(t, http.MethodGet, url+streamPath).Body) //nolint:bodyclose // closed when the test ends
		if e := next(); e.id != "1" {
			t.Errorf("first event %q", e)
		}
		var parsed struct{ Code uint32 }
		e := next()
		if err := json.Unmarshal([]byte(e.data), &parsed); err != nil || e.id != "" || e.name != "status" || parsed.Code != uint32(c.code) || !strings.Contains(e.data, c.text) {
			t.Errorf("last event %q, %v", e, err)
		}
		if e := next(); e != (received{}) {
			t.Errorf("after the end: %q", e)
		}
	}
}
