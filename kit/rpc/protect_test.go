package rpc

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// protected serves a request behind Protect, and reports whether it reached the handler.
func protected(r *http.Request, log *slog.Logger) (w *httptest.ResponseRecorder, reached bool) {
	w = httptest.NewRecorder()
	Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }), Hosts{}, testRules, log).ServeHTTP(w, r)
	return w, reached
}

func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		method, origin, site string
		reached              bool
	}{
		{"POST", "", "", true}, // no browser
		{"POST", "http://localhost:18080", "", true},
		{"POST", "http://localhost:18080", "same-origin", true},
		{"POST", "", "none", true},
		{"POST", "http://localhost:3000", "same-site", false},
		{"POST", "http://localhost:3000", "", false},
		{"POST", "http://evil.example", "cross-site", false},
		{"POST", "http://evil.example", "", false},
		{"POST", "null", "", false},
		{"POST", "", "cross-site", false},
		{"PUT", "http://evil.example", "", false},
		{"DELETE", "http://evil.example", "", false},
		{"PATCH", "http://evil.example", "", false},
		{"GET", "", "cross-site", true}, // a link
		{"GET", "", "", true},
		{"GET", "http://localhost:18080", "", true},
		{"GET", "http://evil.example", "cross-site", false},
		{"GET", "http://evil.example", "", false},
		{"HEAD", "null", "", false},
		{"OPTIONS", "http://evil.example", "cross-site", false}, // no preflight succeeds
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, "http://localhost:18080/v1/alerts", nil)
		for name, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if w, reached := protected(r, slog.New(slog.DiscardHandler)); reached != c.reached || !reached && w.Code != http.StatusForbidden {
			t.Errorf("%+v: reached %t, %d", c, reached, w.Code)
		}
	}
}

// TestRefusalShapes checks that each protocol gets its own error format.
func TestRefusalShapes(t *testing.T) {
	for _, c := range []struct {
		path, contentType string
		status            int
		code              any    // in JSON
		grpc              string // in the header or trailer
	}{
		{"/v1/users", "application/json", http.StatusForbidden, float64(7), ""},
		{"/v1/alerts", "application/json", http.StatusForbidden, float64(7), ""},
		{"/v1/callbacks/twilio/1", "application/x-www-form-urlencoded", http.StatusForbidden, float64(7), ""},
		{"/metrics", "", http.StatusForbidden, float64(7), ""},
		{"/", "", http.StatusForbidden, float64(7), ""},
		{"/bongsu.alert.v1.AlertService/SendAlert", "application/json", http.StatusForbidden, "permission_denied", ""},
		{"/bongsu.alert.v1.AlertService/SendAlert", "application/proto", http.StatusForbidden, "permission_denied", ""},
		{"/bongsu.alert.v1.AlertService/SendAlert", "text/plain", http.StatusForbidden, "permission_denied", ""},
		{"/UserInfo/getUserList", "application/grpc", http.StatusOK, nil, "7"},
		{"/UserInfo/getUserList", "application/grpc-web+proto", http.StatusOK, nil, "7"},
	} {
		t.Run(c.path+" "+c.contentType, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://evil.example"+c.path, strings.NewReader("{}"))
			r.Header.Set("Content-Type", c.contentType)
			w, reached := protected(r, slog.New(slog.DiscardHandler))
			res := w.Result()
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			if err != nil || reached || res.StatusCode != c.status {
				t.Fatalf("%d %s %v", res.StatusCode, text, err)
			}
			if c.grpc != "" {
				if got := res.Header.Get("Grpc-Status") + res.Trailer.Get("Grpc-Status"); got != c.grpc {
					t.Errorf("grpc-status %q: %v %v", got, res.Header, res.Trailer)
				}
				return
			}
			var body map[string]any
			if err := json.Unmarshal(text, &body); err != nil || body["code"] != c.code || !strings.Contains(body["message"].(string), "--allowed-hosts") {
				t.Errorf("%s: %v", text, err)
			}
			if got := res.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type %q", got)
			}
			if _, older := body["errorCode"]; older != (c.path == "/v1/alerts") {
				t.Errorf("%s", text)
			}
		})
	}
}

// TestRefusalsAreLogged checks that the first refusal is logged, and not a flood of them.
func TestRefusalsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		handler := Protect(http.NotFoundHandler(), Hosts{}, testRules, slog.New(slog.NewTextHandler(&out, nil)))
		refused := func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://evil.example/", nil)
			r.Host = "evil.example" + strings.Repeat("x", 1000)
			handler.ServeHTTP(httptest.NewRecorder(), r)
		}
		for range 100 {
			refused()
		}
		if n := strings.Count(out.String(), "level=WARN"); n != 1 || !strings.Contains(out.String(), "evil.example") || out.Len() > 1000 {
			t.Errorf("%d lines: %s", n, out.String())
		}
		time.Sleep(time.Minute) // in the synctest bubble
		refused()
		if n := strings.Count(out.String(), "level=WARN"); n != 2 {
			t.Errorf("%d lines after a minute", n)
		}
	})
}

// TestTrustedOrigins lets pages of named origins call, and no others.
func TestTrustedOrigins(t *testing.T) {
	origins, err := ParseOrigins([]string{"https://Console.example.com:443", "http://localhost:3000"})
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{
		"https://console.example.com":      true,
		"http://localhost:3000":            true,
		"http://console.example.com":       false,
		"https://console.example.com:8443": false,
		"https://evil.console.example.com": false,
		"http://localhost:3001":            false,
		"null":                             false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost:18080/v1/alerts", nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		reached := false
		next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })
		Protect(next, Hosts{}.WithOrigins(origins...), testRules, slog.New(slog.DiscardHandler)).ServeHTTP(httptest.NewRecorder(), r)
		if reached != want {
			t.Errorf("%s: reached %t", origin, reached)
		}
	}
	for _, origin := range []string{"*", "console.example.com", "https://a.example/", "https://a.example/x", "https://*.example.com", "ftp://a.example", "https://user@a.example", "null", "", "https://"} {
		if got, err := ParseOrigins([]string{origin}); err == nil {
			t.Errorf("%q: %q", origin, got)
		}
	}
}
