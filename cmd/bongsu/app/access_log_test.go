package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/telemetry"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/edge"
)

// A loggedApp is a process whose log and access log a test reads.
type loggedApp struct {
	*App
	access, log logtest.Buffer
	edge        string // URL
}

// runLogged runs a process until the test ends.
func runLogged(t *testing.T, c Config) *loggedApp {
	t.Helper()
	a := &loggedApp{}
	lines := telemetry.NewAccessLog(&a.access, telemetry.JSON, "bongsu")
	t.Cleanup(lines.Close)
	c.AccessLines = lines
	c.Log = slog.New(rpc.NewLogHandler(slog.NewJSONHandler(&a.log, nil)))
	a.App = runApp(t, c)
	a.edge = "http://" + a.Addr(Edge)
	return a
}

// line awaits the line of the request with an id.
func (a *loggedApp) line(t *testing.T, id string) map[string]any {
	t.Helper()
	var found map[string]any
	awaitThat(t, "a line of request "+id, func() bool {
		for text := range strings.Lines(a.access.String()) {
			if strings.Contains(text, `"request_id":"`+id+`"`) {
				return json.Unmarshal([]byte(text), &found) == nil
			}
		}
		return false
	})
	return found
}

// A sentRequest is a request by HTTP.
type sentRequest struct {
	method, path, contentType, body string
}

// A received response is read to its end.
type received struct {
	status int
	id     string // of the header X-Request-Id
	body   string
}

// send sends a request with an id over HTTP/2, and returns the response.
func (a *loggedApp) send(t *testing.T, id string, s sentRequest) received {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), s.method, a.edge+s.path, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Request-Id", id)
	req.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if s.contentType != "" {
		req.Header.Set("Content-Type", s.contentType)
	}
	if strings.HasPrefix(s.contentType, "application/grpc") {
		req.Header.Set("Te", "trailers")
	}
	client := rpc.NewHTTPClient()
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return received{res.StatusCode, res.Header.Get("X-Request-Id"), string(body)}
}

const (
	getAlert  = "/bongsu.alert.v1.AlertService/GetAlert"
	sendAlert = "/bongsu.alert.v1.AlertService/SendAlert"
	envelope  = "\x00\x00\x00\x00"
)

// TestAccessLog sends requests by every protocol, with success and with errors before and
// after their message is decoded: each has its line, with its id, and is measured.
func TestAccessLog(t *testing.T) {
	a := runLogged(t, Config{Directory: directory.Config{DemoData: true}})
	unknown := `{"id":"01JDXQ00000000000000000000"}`
	for i, c := range []struct {
		name    string
		request sentRequest
		want    map[string]any
	}{
		{"REST", sentRequest{"POST", "/v1/alerts?x=secret", "application/json", `{"target":["@user1"],"message":"m"}`},
			map[string]any{"method": "POST", "path": "/v1/alerts", "route": "POST /v1/alerts", "procedure": sendAlert, "protocol": "rest", "status": 200.0, "code": "ok", "bytes_in": 35.0}},
		{"REST not found", sentRequest{"GET", "/v1/groups/999", "", ""},
			map[string]any{"path": "/v1/groups/999", "route": "GET /v1/groups/{id}", "protocol": "rest", "status": 404.0, "code": "not_found"}},
		{"REST malformed", sentRequest{"POST", "/v1/alerts", "application/json", `{`},
			map[string]any{"route": "POST /v1/alerts", "status": 400.0, "code": "invalid_argument", "bytes_in": 1.0}},
		{"REST without such a path", sentRequest{"GET", "/v1/nothing", "", ""},
			map[string]any{"path": "/v1/nothing", "route": nil, "procedure": nil, "protocol": "rest", "status": 404.0, "code": "not_found"}},
		{"REST without such a method", sentRequest{"PATCH", "/v1/groups", "", ""}, map[string]any{"status": 405.0, "code": "unimplemented"}},
		{"Connect", sentRequest{"POST", "/bongsu.group.v1.GroupService/ListGroups", "application/json", `{}`},
			map[string]any{"route": nil, "procedure": "/bongsu.group.v1.GroupService/ListGroups", "protocol": "connect", "status": 200.0, "code": "ok"}},
		{"Connect not found", sentRequest{"POST", getAlert, "application/json", unknown},
			map[string]any{"procedure": getAlert, "protocol": "connect", "status": 404.0, "code": "not_found"}},
		{"Connect malformed", sentRequest{"POST", getAlert, "application/json", `{`}, map[string]any{"status": 400.0, "code": "invalid_argument"}},
		{"gRPC", sentRequest{"POST", "/bongsu.group.v1.GroupService/ListGroups", "application/grpc", envelope + "\x00"},
			map[string]any{"protocol": "grpc", "status": 200.0, "code": "ok", "bytes_in": 5.0}},
		{"gRPC invalid", sentRequest{"POST", getAlert, "application/grpc", envelope + "\x00"}, map[string]any{"protocol": "grpc", "status": 200.0, "code": "invalid_argument"}},
		{"gRPC malformed", sentRequest{"POST", getAlert, "application/grpc", envelope + "\x01\xff"}, map[string]any{"protocol": "grpc", "status": 200.0, "code": "invalid_argument"}},
		{"gRPC-Web malformed", sentRequest{"POST", getAlert, "application/grpc-web", envelope + "\x01\xff"}, map[string]any{"protocol": "grpc-web", "status": 200.0, "code": "invalid_argument"}},
		{"no method", sentRequest{"GET", "/nothing", "", ""}, map[string]any{"protocol": "http", "status": 404.0, "code": "not_found"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := fmt.Sprintf("request-%d.", i)
			res := a.send(t, id, c.request)
			if res.id != id {
				t.Errorf("response has id %q", res.id)
			}
			line := a.line(t, id)
			c.want["trace_id"], c.want["client"], c.want["caller"] = "4bf92f3577b34da6a3ce929d0e0e4736", "127.0.0.1", nil
			c.want["bytes_out"] = float64(len(res.body))
			if took, _ := line["duration"].(float64); took <= 0 || took > float64(time.Minute) {
				t.Errorf("duration is %v", line["duration"])
			}
			for name, want := range c.want {
				if line[name] != want {
					t.Errorf("%s is %v, want %v\n%v", name, line[name], want, line)
				}
			}
		})
	}
	if strings.Contains(a.access.String(), "secret") {
		t.Error("a line has a query")
	}
	_, page := get(t, http.MethodGet, a.edge+"/metrics", "")
	for _, series := range []string{
		`bongsu_edge_request_duration_seconds_count{code="ok",method="bongsu.alert.v1.AlertService/SendAlert"} 1`,
		`bongsu_edge_request_duration_seconds_count{code="invalid_argument",method="bongsu.alert.v1.AlertService/GetAlert"} 4`,
		`bongsu_edge_request_duration_seconds_count{code="not_found",method="none"} 2`,
	} {
		if !strings.Contains(page, series+"\n") {
			t.Errorf("metrics lack %s:\n%s", series, page)
		}
	}
}

// TestAccessLogOfErrors checks that --access-log=errors writes no line of a success.
func TestAccessLogOfErrors(t *testing.T) {
	a := runLogged(t, Config{Edge: edge.Config{AccessLog: edge.AccessLogErrors}})
	a.send(t, "good", sentRequest{"GET", "/v1/groups", "", ""})
	a.send(t, "bad", sentRequest{"GET", "/v1/groups/999", "", ""})
	a.line(t, "bad")
	if a.access.Count("good") != 0 {
		t.Error("a success has a line")
	}
}

// TestHealthChecksHaveNoLine checks that successful health checks and scrapes have no line.
func TestHealthChecksHaveNoLine(t *testing.T) {
	a := runLogged(t, Config{})
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if res := a.send(t, "check", sentRequest{"GET", path, "", ""}); res.status != http.StatusOK {
			t.Errorf("%s: %d", path, res.status)
		}
	}
	a.send(t, "last", sentRequest{"GET", "/nothing", "", ""})
	a.line(t, "last")
	if a.access.Count("check") != 0 {
		t.Errorf("a check has a line: %s", a.access.String())
	}
}

// hangingService is a service that takes calls and never responds.
func hangingService(t *testing.T) string {
	t.Helper()
	ended := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(func() { close(ended); server.Close() })
	return server.URL
}

// TestCallTimeout has an edge whose services do not respond: callers get 408 or
// deadline_exceeded, by every protocol, and a stream goes on.
func TestCallTimeout(t *testing.T) {
	hanging := hangingService(t)
	a := runLogged(t, Config{
		Services: []string{Edge}, DirectoryServiceURL: hanging, AlertURL: hanging, Edge: edge.Config{CallTimeout: 100 * time.Millisecond},
	})
	for i, c := range []struct {
		name    string
		request sentRequest
		status  float64
		code    string
	}{
		{"REST", sentRequest{"GET", "/v1/users", "", ""}, 408, "deadline_exceeded"},
		{"REST of the older service", sentRequest{"POST", "/v1/alerts", "application/json", `{"target":["@user1"],"message":"m"}`}, 408, "deadline_exceeded"},
		{"Connect", sentRequest{"POST", "/bongsu.group.v1.GroupService/ListGroups", "application/json", `{}`}, 504, "deadline_exceeded"},
		{"gRPC", sentRequest{"POST", "/bongsu.group.v1.GroupService/ListGroups", "application/grpc", envelope + "\x00"}, 200, "deadline_exceeded"},
		{"gRPC-Web", sentRequest{"POST", "/bongsu.group.v1.GroupService/ListGroups", "application/grpc-web", envelope + "\x00"}, 200, "deadline_exceeded"},
		{"intake, whose sources repeat 503 only", sentRequest{"POST", "/v1/intake/alertmanager", "application/json",
			`{"version":"4","status":"firing","groupKey":"g","alerts":[{"status":"firing","fingerprint":"f","labels":{"alertname":"a"},"annotations":{"bongsu_target":"@user1"},"startsAt":"2026-11-29T00:00:00Z"}]}`}, 503, "unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := fmt.Sprintf("late-%d.", i)
			res := a.send(t, id, c.request)
			if line := a.line(t, id); line["status"] != c.status || line["code"] != c.code {
				t.Errorf("%v\n%+v", line, res)
			}
			if c.status == 408 && !strings.Contains(res.body, "timed out after 100ms") {
				t.Errorf("body is %s", res.body)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	client := rpc.NewHTTPClient()
	defer client.CloseIdleConnections()
	_, err := alertv1connect.NewAlertServiceClient(client, a.edge, connect.WithGRPC()).WatchAlert(ctx, &alertv1.WatchAlertRequest{Id: "01JDXQ00000000000000000000"})
	if err == nil || ctx.Err() == nil {
		t.Errorf("the stream ended before its caller did: %v", err)
	}
}

// TestErrorLogsHaveIDs checks that the log of an upstream's failure has the id of its request.
func TestErrorLogsHaveIDs(t *testing.T) {
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	a := runLogged(t, Config{Services: []string{Edge}, DirectoryServiceURL: down.URL, AlertURL: down.URL})
	if res := a.send(t, "lost-1", sentRequest{"GET", "/v1/users", "", ""}); res.status != http.StatusServiceUnavailable {
		t.Errorf("status is %d", res.status)
	}
	for text := range strings.Lines(a.log.String()) {
		if strings.Contains(text, `"msg":"upstream unavailable"`) && strings.Contains(text, `"request_id":"lost-1","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"`) {
			return
		}
	}
	t.Errorf("logged: %s", a.log.String())
}

// TestIDsReachUpstreams checks that a service in another process logs with the id of the
// request at the edge.
func TestIDsReachUpstreams(t *testing.T) {
	got := make(chan http.Header, 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Clone()
		w.WriteHeader(http.StatusNotFound)
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	a := runLogged(t, Config{Services: []string{Edge}, DirectoryServiceURL: server.URL, AlertURL: server.URL})
	a.send(t, "passed-1", sentRequest{"GET", "/v1/users", "", ""})
	header := <-got
	if header.Get("X-Request-Id") != "passed-1" || header.Get("Traceparent") != "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" {
		t.Errorf("the upstream got %v", header)
	}
}
