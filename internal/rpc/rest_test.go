package rpc

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRefusals sees what REST refuses before anybody reads it, and that it is
// answered as JSON like every other error.
func TestRefusals(t *testing.T) {
	reached := false
	handler := restHandler{transcoder: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })}
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		says                    string
	}{
		{"a form", "application/x-www-form-urlencoded", "a=b", http.StatusUnsupportedMediaType, "application/json"},
		{"no type", "", "{}", http.StatusUnsupportedMediaType, "application/json"},
		{"a type that is none", ";;", "{}", http.StatusUnsupportedMediaType, "application/json"},
		{"too large", "application/json", strings.Repeat(" ", maxPublicBytes+1), http.StatusRequestEntityTooLarge, "larger"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/alerts", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if body := w.Body.String(); reached || w.Code != c.status || !strings.Contains(body, c.says) || !strings.HasPrefix(body, `{"code":`) || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%d %s %s", w.Code, w.Header(), body)
			}
		})
	}
}

func TestStatusesOfTheContract(t *testing.T) {
	for _, c := range []struct{ inside, outside int }{
		{200, 201}, {409, 400}, {404, 404}, {500, 500}, {501, 500}, {503, 500}, {504, 500},
	} {
		handler := restHandler{transcoder: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.inside) }), status: map[int]int{200: 201, 409: 400}}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/groups", nil))
		if w.Code != c.outside {
			t.Errorf("%d leaves as %d", c.inside, w.Code)
		}
	}
}

// TestAnswersGoOutWhole sees that an answer that is flushed before its end bears its
// length.
func TestAnswersGoOutWhole(t *testing.T) {
	server := httptest.NewServer(restHandler{transcoder: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write([]byte("{}"))
		w.(http.Flusher).Flush() //nolint:forcetypeassert // the transcoder needs one
		if err != nil {
			t.Error(err)
		}
	})})
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
