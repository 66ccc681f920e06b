package rpc

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
)

// serveSample serves the sample on a port by HTTP/1.1 and HTTP/2.
func serveSample(t *testing.T, stages ...Stage) *httptest.Server {
	t.Helper()
	options, err := NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), testRules)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := Listener{
		Services: []Service{Public(options, alertv1connect.NewAlertServiceHandler, alertv1connect.AlertServiceHandler(sample{}))},
		Ready:    func(context.Context) error { return nil },
		Handlers: map[string]http.Handler{"GET /metrics": http.NotFoundHandler()},
		Stages:   stages,
	}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func http2Client() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

// TestErrorsOfRequests checks that the errors of requests that reach no method, or that cannot
// be decoded, have a reason by each protocol.
func TestErrorsOfRequests(t *testing.T) {
	server := serveSample(t)
	const send, service = "/bongsu.alert.v1.AlertService/SendAlert", "bongsu.alert.v1.AlertService"
	large := strings.Repeat("x", maxPublicBytes+1)
	for _, c := range []struct {
		name, method, path, contentType, body string
		header                                string // another one
		status                                int
		code                                  connect.Code
		reason, domain, field                 string
	}{
		{"JSON, no object", "POST", send, "application/json", `[`, "", 400, 3, "MALFORMED_REQUEST", service, "body"},
		{"JSON, a field of another type", "POST", send, "application/json", `{"details":[{"name":7}]}`, "", 400, 3, "INVALID_FIELD", service, "details[0].name"},
		{"JSON, too many items", "POST", send, "application/json", `{"details":[{}` + strings.Repeat(",{}", 30) + `]}`, "", 400, 3, "INVALID_FIELD", service, "details"},
		{"JSON, too many objects", "POST", send, "application/json", `{"a":[{}` + strings.Repeat(",{}", 60_000) + `]}`, "", 400, 3, "REQUEST_TOO_LARGE", service, ""},
		{"JSON, nested too deep", "POST", send, "application/json", strings.Repeat(`{"a":`, 100), "", 400, 3, "MALFORMED_REQUEST", service, ""},
		{"JSON, too large", "POST", send, "application/json", large, "", 429, 8, "REQUEST_TOO_LARGE", service, ""},
		{"Protobuf", "POST", send, "application/proto", "\x0a\xff", "", 400, 3, "MALFORMED_REQUEST", service, ""},
		{"Protobuf in malformed gzip", "POST", send, "application/proto", "\x0a\xff", "Content-Encoding: gzip", 400, 3, "MALFORMED_REQUEST", service, ""},
		{"an unknown coding", "POST", send, "application/proto", "", "Content-Encoding: br", 501, 12, "UNIMPLEMENTED", service, ""},
		{"a malformed timeout", "POST", send, "application/proto", "", "Connect-Timeout-Ms: x", 400, 3, "MALFORMED_REQUEST", service, ""},
		{"another type", "POST", send, "text/plain", "", "", 415, 3, "UNSUPPORTED_MEDIA_TYPE", service, "Content-Type"},
		{"another method", "PUT", send, "application/json", "", "", 405, 12, "METHOD_NOT_ALLOWED", service, ""},
		{"an unknown method", "POST", "/bongsu.alert.v1.AlertService/Nope", "application/json", "", "", 404, 12, "UNKNOWN_METHOD", service, ""},
		{"an unknown service", "POST", "/bongsu.alert.v1.Nope/Nope", "application/json", "", "", 404, 12, "UNKNOWN_METHOD", "server", ""},
		{"a malformed query", "GET", "/bongsu.alert.v1.AlertService/ResolveTargets?%zz", "", "", "", 400, 3, "MALFORMED_REQUEST", service, "query"},
		{"a malformed message in the query", "GET", "/bongsu.alert.v1.AlertService/ResolveTargets?encoding=proto&base64=1&message=!", "", "", "", 400, 3, "MALFORMED_REQUEST", service, "message"},
		{"a stream in JSON", "POST", "/bongsu.alert.v1.AlertService/WatchAlert", "application/connect+json", envelope(`{"id":{}}`), "", 200, 3, "INVALID_FIELD", service, "id"},
		{"gRPC", "POST", send, "application/grpc", envelope("\x0a\xff"), "", 200, 3, "MALFORMED_REQUEST", service, ""},
		{"gRPC, JSON", "POST", send, "application/grpc+json", envelope(`{"details":[{"name":7}]}`), "", 200, 3, "INVALID_FIELD", service, "details[0].name"},
		{"gRPC, too large", "POST", send, "application/grpc", envelope(large), "", 200, 8, "REQUEST_TOO_LARGE", service, ""},
		{"gRPC, an unknown method", "POST", "/bongsu.alert.v1.AlertService/Nope", "application/grpc", envelope(""), "", 200, 12, "UNKNOWN_METHOD", service, ""},
		{"gRPC, an unknown service", "POST", "/a.B/C", "application/grpc", envelope(""), "", 200, 12, "UNKNOWN_METHOD", "server", ""},
		{"gRPC, invalid", "POST", send, "application/grpc", envelope(""), "", 200, 3, "INVALID_FIELD", service, "target"},
		{"gRPC health, an unknown service", "POST", "/grpc.health.v1.Health/Check", "application/grpc", envelope("\x0a\x04nope"), "", 200, 5, "NOT_FOUND", "grpc.health.v1.Health", ""},
		{"gRPC-Web", "POST", send, "application/grpc-web", envelope("\x0a\xff"), "", 200, 3, "MALFORMED_REQUEST", service, ""},
		{"gRPC-Web, too large", "POST", send, "application/grpc-web", envelope(large), "", 200, 8, "REQUEST_TOO_LARGE", service, ""},
		{"gRPC-Web, invalid", "POST", send, "application/grpc-web", envelope(""), "", 200, 3, "INVALID_FIELD", service, "target"},
		{"REST, no object", "POST", "/v1/alerts", "application/json", `[`, "", 400, 3, "MALFORMED_REQUEST", service, "body"},
		{"REST, a field of another type", "POST", "/v1/alerts", "application/json", `{"details":[{"name":7}]}`, "", 400, 3, "INVALID_FIELD", service, "details[0].name"},
		{"REST, not UTF-8", "POST", "/v1/alerts", "application/json", "{\"message\":\"\xff\"}", "", 400, 3, "MALFORMED_REQUEST", service, "body"},
		{"REST, an unknown field", "POST", "/v1/deliveries:replay", "application/json", `{"nope":1}`, "", 400, 3, "INVALID_FIELD", service, "nope"},
		{"REST, an unknown parameter", "GET", "/v1/alerts?nope=1", "", "", "", 400, 3, "INVALID_FIELD", service, "nope"},
		{"REST, a parameter of another type", "GET", "/v1/alerts?pageSize=x", "", "", "", 400, 3, "INVALID_FIELD", service, "page_size"},
		{"REST, a time that is none", "GET", "/v1/alerts?createTimeFrom=x", "", "", "", 400, 3, "INVALID_FIELD", service, "create_time_from"},
		{"REST, a malformed query", "GET", "/v1/alerts?%zz", "", "", "", 400, 3, "MALFORMED_REQUEST", service, "query"},
		{"REST, a malformed timeout", "GET", "/v1/alerts", "", "", "X-Server-Timeout: x", 400, 3, "INVALID_FIELD", service, "X-Server-Timeout"},
		{"REST, a path that is not UTF-8", "GET", "/v1/alerts/%ff", "", "", "", 400, 3, "INVALID_FIELD", "server", "id"},
		{"REST, too large", "POST", "/v1/alerts", "application/json", large, "", 413, 8, "REQUEST_TOO_LARGE", service, ""},
		{"REST, another type", "POST", "/v1/alerts", "text/plain", "x", "", 415, 3, "UNSUPPORTED_MEDIA_TYPE", service, "Content-Type"},
		{"REST, malformed gzip", "POST", "/v1/alerts", "application/json", "x", "Content-Encoding: gzip", 400, 3, "MALFORMED_REQUEST", service, "body"},
		{"REST, another method", "PUT", "/v1/alerts", "application/json", "", "", 405, 12, "METHOD_NOT_ALLOWED", "server", ""},
		{"REST, an unknown path", "GET", "/v1/nope", "", "", "", 404, 5, "UNKNOWN_PATH", "server", ""},
		{"an unknown path outside of REST", "GET", "/nope", "", "", "", 404, 5, "UNKNOWN_PATH", "server", ""},
		{"another method of a path outside of REST", "DELETE", "/metrics", "", "", "", 405, 12, "METHOD_NOT_ALLOWED", "server", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.contentType != "" {
				req.Header.Set("Content-Type", c.contentType)
			}
			if name, value, ok := strings.Cut(c.header, ": "); ok {
				req.Header.Set(name, value)
			}
			res, err := http2Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := receivedError(t, res, body)
			if got == nil || res.StatusCode != c.status || got.Code() != c.code {
				t.Fatalf("%s: %v: %s", res.Status, got, body)
			}
			info, _ := errorInfoOf(got)
			if info.GetReason() != c.reason || info.GetDomain() != c.domain {
				t.Errorf("reason %s of %s, want %s of %s: %v", info.GetReason(), info.GetDomain(), c.reason, c.domain, got)
			}
			bad, _ := detailOf[*errdetails.BadRequest](got, badRequestName)
			if (got.Code() == connect.CodeInvalidArgument) != (len(bad.GetFieldViolations()) > 0) {
				t.Errorf("violations: %v", bad)
			}
			if len(bad.GetFieldViolations()) > 0 && (bad.GetFieldViolations()[0].GetField() != c.field || !hasDetail(got, violationsName)) {
				t.Errorf("field %q, want %q: %v", bad.GetFieldViolations()[0].GetField(), c.field, bad)
			}
		})
	}
}

// TestStageErrors checks that the error of a stage has details, and Retry-After, by each
// protocol.
func TestStageErrors(t *testing.T) {
	server := serveSample(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			err := connect.NewError(connect.CodeUnavailable, errBroken())
			WriteError(w, r, err, slog.New(slog.DiscardHandler))
		})
	})
	const send = "/bongsu.alert.v1.AlertService/SendAlert"
	for _, c := range []struct {
		path, contentType string
		status            int
	}{
		{send, "application/json", 503}, {send, "application/grpc", 200}, {send, "application/grpc-web", 200},
		{"/v1/alerts", "application/json", 503}, // no service has failed: not the status of the older service
		{"/v1/alerts:resolve", "application/json", 503},
	} {
		t.Run(c.path+" "+c.contentType, func(t *testing.T) {
			res, err := http2Client().Post(server.URL+c.path, c.contentType, strings.NewReader(""))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := receivedError(t, res, body)
			if got == nil || res.StatusCode != c.status || got.Code() != connect.CodeUnavailable || res.Header.Get("Retry-After") != "1" {
				t.Fatalf("%s, %v: %v", res.Status, res.Header, got)
			}
			if text := detailsText(t, got); text != "UNAVAILABLE bongsu.alert.v1.AlertService; retry 1s" {
				t.Errorf("details: %s", text)
			}
		})
	}
}

// TestDescribedResponsesPassUnchanged checks that successful responses are not held.
func TestDescribedResponsesPassUnchanged(t *testing.T) {
	server := serveSample(t)
	for name, option := range map[string]connect.ClientOption{"gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb(), "Connect": connect.WithProtoJSON()} {
		client := alertv1connect.NewAlertServiceClient(http2Client(), server.URL, option)
		res, err := client.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@a"}, Message: "large"})
		if err != nil || len(res.GetId()) != 4000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// receivedError returns the error in a response of any protocol, and nil for none.
func receivedError(t *testing.T, res *http.Response, body []byte) *connect.Error {
	t.Helper()
	switch contentType := res.Header.Get("Content-Type"); {
	case strings.HasPrefix(contentType, "application/connect+"):
		var end struct {
			Error json.RawMessage `json:"error"`
		}
		if err := json.Unmarshal(body[5:], &end); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		e, _ := errorFromConnect(end.Error)
		return e
	case strings.HasPrefix(contentType, "application/grpc"):
		header := res.Trailer
		if header.Get("Grpc-Status") == "" {
			header = res.Header
		}
		var s status.Status
		data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(header.Get("Grpc-Status-Details-Bin"), "="))
		if err != nil || proto.Unmarshal(data, &s) != nil || header.Get("Grpc-Status") == "" {
			t.Fatalf("%v, %v", res.Header, res.Trailer)
		}
		e := connect.NewError(connect.Code(s.GetCode()), errBroken())
		for _, d := range s.GetDetails() {
			addDetail(e, d)
		}
		return e
	case bytes.Contains(body, []byte(`{"code":"`)):
		e, _ := errorFromConnect(body)
		return e
	}
	var whole map[string]json.RawMessage // older names are not those of a Status
	if err := json.Unmarshal(body, &whole); err != nil || res.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%v: %s: %v", res.Header, body, err)
	}
	delete(whole, "errorCode")
	delete(whole, "errorMessage")
	plain, _ := json.Marshal(whole) // it was JSON
	e, _ := (&restWriter{}).errorFromStatus(plain)
	return e
}

// envelope returns a message in the frame of gRPC and of Connect's streams.
func envelope(data string) string {
	n := len(data)
	return string([]byte{0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + data
}
