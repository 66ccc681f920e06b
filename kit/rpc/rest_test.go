package rpc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/metric/noop"

	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1" // the routes of the tests
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// testRules are rules for routes of the tests.
var testRules = RESTRules{
	"GET /v1/groups":            {Legacy: true},
	"POST /v1/groups":           {Legacy: true, Status: map[int]int{http.StatusOK: http.StatusCreated, http.StatusConflict: http.StatusBadRequest}, Refused: "id"},
	"GET /v1/groups/{id}":       {Legacy: true},
	"PUT /v1/groups/{id}":       {Legacy: true, Status: map[int]int{http.StatusConflict: http.StatusBadRequest}},
	"DELETE /v1/groups/{id}":    {Legacy: true},
	"GET /v1/groups/{id}/users": {Legacy: true},
	"POST /v1/alerts":           {Legacy: true},
	"POST /v1/intake/{source}":  {MaxBytes: 16 << 20, BodyType: jsonOnly, Headers: "Ce-"},

	"DELETE /v1/groups/{id}/users/{nick_name}": {Legacy: true},
}

func jsonOnly(_ *http.Request, mediaType string) error {
	if !IsJSON(mediaType) {
		return errors.New("send the body as application/json")
	}
	return nil
}

// allRoutes returns the routes of the services with REST paths.
func allRoutes(t testing.TB) routes {
	t.Helper()
	all := routes{}
	for _, service := range []string{
		"bongsu.alert.v1.AlertService", "bongsu.callback.v1.CallbackService", "bongsu.group.v1.GroupService",
		"bongsu.intake.v1.IntakeService", "bongsu.user.v1.UserService",
	} {
		descriptor, err := linkedService(service)
		if err != nil {
			t.Fatal(err)
		}
		found, err := routesOf(descriptor, testRules)
		if err != nil {
			t.Fatal(err)
		}
		all.add(found, nil)
	}
	return all
}

// withTranscoder returns routes that all use the transcoder.
func withTranscoder(all routes) routes {
	for _, routes := range all.bySegments {
		for _, r := range routes {
			r.direct = false
		}
	}
	return all
}

// restBefore returns the REST handler in front of a transcoder.
func restBefore(t testing.TB, transcoder http.HandlerFunc) *restHandler {
	t.Helper()
	ignored, err := noop.NewMeterProvider().Meter("").Int64Counter("ignored")
	if err != nil {
		t.Fatal(err)
	}
	return &restHandler{restShared: restShared{log: slog.New(slog.DiscardHandler), ignored: ignored}, routes: withTranscoder(allRoutes(t)), transcoder: transcoder}
}

func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		method, path    string
		inside, outside int
	}{
		{"POST", "/v1/groups", 200, 201}, {"POST", "/v1/groups", 409, 400}, {"PUT", "/v1/groups/1", 409, 400}, {"POST", "/v1/alerts", 409, 409},
		{"GET", "/v1/groups", 200, 200}, {"GET", "/v1/groups", 404, 404}, {"GET", "/v1/groups", 499, 500}, {"GET", "/v1/groups", 500, 500},
		{"GET", "/v1/groups", 501, 500}, {"GET", "/v1/groups", 503, 500}, {"GET", "/v1/groups", 504, 408},
		{"GET", "/v1/users", 503, 503}, {"GET", "/v1/users", 504, 408}, {"GET", "/v1/users", 501, 500}, {"GET", "/v1/users", 502, 500},
		{"GET", "/v1/alerts", 503, 503}, {"POST", "/v1/alerts", 503, 500},
	} {
		handler := restBefore(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.inside)
			_, _ = w.Write([]byte(`{"code":14,"message":"m"}`))
		})
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil))
		if w.Code != c.outside {
			t.Errorf("%s %s: %d leaves as %d, want %d: %s", c.method, c.path, c.inside, w.Code, c.outside, w.Body)
		}
		if after := w.Header().Get("Retry-After"); (after != "") != (w.Code == 503) {
			t.Errorf("%s %s: %d with Retry-After %q", c.method, c.path, w.Code, after)
		}
	}
}

// TestResponsesAreSentWhole checks that a response that is flushed before its end has its
// length.
func TestResponsesAreSentWhole(t *testing.T) {
	server := httptest.NewServer(restBefore(t, func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write([]byte("{}"))
		w.(http.Flusher).Flush() //nolint:forcetypeassert // the transcoder needs one
		if err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	res, err := server.Client().Get(server.URL + "/v1/groups")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ContentLength != 2 {
		t.Errorf("its length is %d, %v", res.ContentLength, res.TransferEncoding)
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	handler := restBefore(t, func(http.ResponseWriter, *http.Request) { panic("a secret") })
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/users", nil))
	if want := `{"code":13,"message":"internal error","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"INTERNAL","domain":"bongsu.user.v1.UserService"}]}`; w.Code != http.StatusInternalServerError || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestFailureOfTheTranscoderStaysInside checks that internal error texts do not reach
// callers.
func TestFailureOfTheTranscoderStaysInside(t *testing.T) {
	for _, c := range []struct{ contentType, body string }{
		{"application/json", `{"code":2,"message":"dial tcp 10.0.0.7:18082","details":[]}`},
		{"text/plain", "dial tcp 10.0.0.7:18082"},
	} {
		handler := restBefore(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.contentType)
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte(c.body))
		})
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/groups", nil))
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "10.0.0.7") || !strings.Contains(w.Body.String(), `"errorCode":500`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// TestNoRESTHere checks that a port without REST paths returns REST's 404.
func TestNoRESTHere(t *testing.T) {
	handler, err := Listener{Ready: func(context.Context) error { return nil }}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	res := httptest.NewRecorder()
	handler.ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/groups", nil))
	if body := res.Body.String(); res.Code != http.StatusNotFound || body != `{"code":5,"message":"unknown path","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"UNKNOWN_PATH","domain":"server"}]}` {
		t.Errorf("%d: %s", res.Code, body)
	}
}
