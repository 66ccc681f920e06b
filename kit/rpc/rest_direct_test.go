package rpc

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/prototext"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// A sample responds to alerts by their message.
type sample struct {
	alertv1connect.UnimplementedAlertServiceHandler
}

func (sample) SendAlert(ctx context.Context, req *alertv1.SendAlertRequest) (*alertv1.SendAlertResponse, error) {
	switch req.GetMessage() {
	case "not found":
		return nil, fault.NotFoundf("target @nope not found \"quoted\" é")
	case "unavailable":
		return nil, fault.Unavailablef("try again")
	case "internal":
		return nil, io.ErrUnexpectedEOF
	case "panic":
		panic("on purpose")
	case "details":
		err := connect.NewError(connect.CodeResourceExhausted, io.ErrShortBuffer)
		detail, _ := connect.NewErrorDetail(&errdetails.ResourceInfo{ResourceName: "group/é"})
		err.AddDetail(detail)
		return nil, err
	case "timeout":
		deadline, ok := ctx.Deadline()
		if !ok {
			return &alertv1.SendAlertResponse{Id: "none"}, nil
		}
		return &alertv1.SendAlertResponse{Id: time.Until(deadline).Round(time.Hour).String()}, nil
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	case "large":
		return &alertv1.SendAlertResponse{Id: strings.Repeat("é", 2000)}, nil
	}
	return &alertv1.SendAlertResponse{Id: prototext.MarshalOptions{}.Format(req)}, nil
}

func (sample) ResolveTargets(context.Context, *alertv1.ResolveTargetsRequest) (*alertv1.ResolveTargetsResponse, error) {
	return &alertv1.ResolveTargetsResponse{}, nil
}

// TestDirect checks that a request without the transcoder has the same response as with it.
func TestDirect(t *testing.T) {
	options, err := NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), testRules)
	if err != nil {
		t.Fatal(err)
	}
	serve := func(direct bool) *httptest.Server {
		mux := http.NewServeMux()
		service := Public(options, alertv1connect.NewAlertServiceHandler, alertv1connect.AlertServiceHandler(sample{}))
		mux.Handle(service.Path, service.Handler)
		rest, err := mountREST(mux, []Service{service})
		if err != nil {
			t.Fatal(err)
		}
		if !rest.routes.fixed["POST/v1/alerts"].direct {
			t.Fatal("the route is not direct")
		}
		if !direct {
			withTranscoder(rest.routes)
		}
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		return server
	}
	servers := []*httptest.Server{serve(true), serve(false)}

	const path = "/v1/alerts"
	alert := func(message string) string {
		return `{"target":["@a"],"severity":"normal","message":"` + message + `"}`
	}
	for _, c := range []struct {
		name, path, body string
		header           map[string]string
		status           int
	}{
		{"valid", path, alert("hi"), nil, 200},
		{"unknown fields are named", path, `{"target":["@a"],"severity":"normal","message":"m","nope":{"x":1}}`, nil, 200},
		{"unknown fields of a strict path", "/v1/alerts:resolve", `{"target":["@a"],"nope":1}`, nil, 400},
		{"a strict path", "/v1/alerts:resolve", `{"target":["@a"]}`, nil, 200},
		{"a query", path + "?x=1", alert("m"), nil, 200},
		{"empty", path, "", nil, 400},
		{"empty object", path, "{}", nil, 400},
		{"no JSON", path, `{"target":`, nil, 400},
		{"another kind", path, `{"target":5}`, nil, 400},
		{"an array", path, `[]`, nil, 400},
		{"null", path, `null`, nil, 400},
		{"deep", path, strings.Repeat("[", 20000), nil, 400},
		{"invalid", path, `{"target":[],"severity":"normal","message":"m"}`, nil, 400},
		{"not found", path, alert("not found"), nil, 404},
		{"unavailable", path, alert("unavailable"), nil, 500},
		{"internal", path, alert("internal"), nil, 500},
		{"panic", path, alert("panic"), nil, 500},
		{"details", path, alert("details"), nil, 429},
		{"a timeout", path, alert("timeout"), map[string]string{"X-Server-Timeout": "7200"}, 200},
		{"a timeout that passes", path, alert("wait"), map[string]string{"X-Server-Timeout": "0.01"}, 408},
		{"a timeout of hundreds of years", path, alert("m"), map[string]string{"X-Server-Timeout": "999999999"}, 200},
		{"no timeout", path, alert("timeout"), map[string]string{"Connect-Protocol-Version": "2", "Connect-Timeout-Ms": "3600000"}, 200},
		{"the idempotency key", path, alert("m"), map[string]string{"Idempotency-Key": "k"}, 200},
		{"compressed response", path, alert("large"), map[string]string{"Accept-Encoding": "gzip"}, 200},
		{"compressed request", path, zipped(t, alert("m")), map[string]string{"Content-Encoding": "gzip"}, 200},
		{"a type with a charset", path, alert("m"), map[string]string{"Content-Type": "application/json; charset=utf-8"}, 200},
		{"other encodings", path, alert("large"), map[string]string{"Accept-Encoding": "br, zstd"}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got [2]string
			for i, server := range servers {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+c.path, bytes.NewReader([]byte(c.body)))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				for name, value := range c.header {
					req.Header.Set(name, value)
				}
				res, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				res.Header.Del("Date")
				res.Header.Del("Accept-Encoding") // the encodings of requests: Connect sends them, the transcoder does not
				var header bytes.Buffer
				_ = res.Header.Write(&header)
				got[i] = res.Status + "\n" + header.String() + "\n" + string(body)
				if res.StatusCode != c.status {
					t.Errorf("status %d, want %d: %s", res.StatusCode, c.status, body)
				}
			}
			if got[0] != got[1] {
				t.Errorf("direct:\n%s\n\nwith the transcoder:\n%s", got[0], got[1])
			}
		})
	}
}

// TestDirectMethods checks that a direct route may have another HTTP method than that of Connect.
func TestDirectMethods(t *testing.T) {
	options, err := NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), testRules)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	service := Public(options, alertv1connect.NewAlertServiceHandler, alertv1connect.AlertServiceHandler(sample{}))
	mux.Handle(service.Path, service.Handler)
	rest, err := mountREST(mux, []Service{service})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodPut, http.MethodPatch} {
		r := *rest.routes.fixed["POST/v1/alerts"]
		r.method = method
		rest.routes.fixed[method+"/v1/alerts"] = &r
		req := httptest.NewRequestWithContext(t.Context(), method, "/v1/alerts", strings.NewReader(`{"target":["@a"],"severity":"normal","message":"m"}`))
		req.Header.Set("Content-Type", "application/json")
		res := httptest.NewRecorder()
		mux.ServeHTTP(res, req)
		if !r.isDirect() || res.Code != http.StatusOK || !strings.Contains(res.Body.String(), `"id"`) {
			t.Errorf("%s: %d %s", method, res.Code, res.Body)
		}
	}
}
