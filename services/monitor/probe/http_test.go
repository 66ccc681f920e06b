package probe

import (
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve returns the URL of an HTTP server.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// respond returns a handler with a response.
func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestHTTP(t *testing.T) {
	const largePattern = "(x[a-z]{0,9}|a){0,20}b$"
	large, err := compile(largePattern)
	if err != nil {
		t.Fatal(err)
	}
	largeBody := maxDirectWork/large.instructions + 1 // is read by character
	const health = `{"status":"ok","parts":[{"name":"db","up":true,"load":0.5},{"name":"cache","up":false}],"none":null}`
	for name, c := range map[string]struct {
		status  int
		body    string
		check   HTTP
		outcome Outcome
		message string
	}{
		"200":                       {200, "", HTTP{}, Passed, "HTTP 200"},
		"204":                       {204, "", HTTP{}, Passed, "HTTP 204"},
		"503":                       {503, "", HTTP{}, Failed, "HTTP 503, expected 200 to 299"},
		"302 is not expected":       {302, "", HTTP{}, Failed, "HTTP 302"},
		"expected 404":              {404, "", HTTP{Status: []int32{404, 410}}, Passed, "HTTP 404"},
		"200 is not expected":       {200, "", HTTP{Status: []int32{404, 410}}, Failed, "HTTP 200, expected 404, 410"},
		"pattern":                   {200, "all is well", HTTP{BodyPattern: "^all .*well$"}, Passed, ""},
		"no pattern":                {200, "all is ill", HTTP{BodyPattern: "well"}, Failed, "does not match body_pattern"},
		"not pattern":               {200, "an error", HTTP{BodyNotPattern: "(?i)ERROR"}, Failed, "matches body_not_pattern"},
		"no not pattern":            {200, "fine", HTTP{BodyNotPattern: "(?i)ERROR"}, Passed, ""},
		"path":                      {200, health, HTTP{JSONPath: "$.status"}, Passed, ""},
		"path to null":              {200, health, HTTP{JSONPath: "$.none"}, Passed, ""},
		"path to nothing":           {200, health, HTTP{JSONPath: "$.state"}, Failed, "json_path selects nothing"},
		"value as text":             {200, health, HTTP{JSONPath: "$.status", JSONValue: "ok"}, Passed, ""},
		"value as JSON":             {200, health, HTTP{JSONPath: "$.status", JSONValue: `"ok"`}, Passed, ""},
		"another value":             {200, health, HTTP{JSONPath: "$.status", JSONValue: "bad"}, Failed, "does not select json_value"},
		"boolean":                   {200, health, HTTP{JSONPath: "$.parts[?@.name == 'db'].up", JSONValue: "true"}, Passed, ""},
		"another boolean":           {200, health, HTTP{JSONPath: "$.parts[?@.name == 'cache'].up", JSONValue: "true"}, Failed, "does not select"},
		"one of several":            {200, health, HTTP{JSONPath: "$..up", JSONValue: "false"}, Passed, ""},
		"number":                    {200, health, HTTP{JSONPath: "$.parts[0].load", JSONValue: "5e-1"}, Passed, ""},
		"compared number":           {200, health, HTTP{JSONPath: "$.parts[?@.load < 0.6].name", JSONValue: "db"}, Passed, ""},
		"null":                      {200, health, HTTP{JSONPath: "$.none", JSONValue: "null"}, Passed, ""},
		"object":                    {200, health, HTTP{JSONPath: "$.parts[1]", JSONValue: `{"up": false, "name": "cache"}`}, Passed, ""},
		"not JSON":                  {200, "<html>", HTTP{JSONPath: "$.status"}, Failed, "not JSON"},
		"two values":                {200, "{} {}", HTTP{JSONPath: "$"}, Failed, "more than one JSON value"},
		"JSON above a MiB":          {200, `"` + strings.Repeat("a", maxBody) + `"`, HTTP{JSONPath: "$"}, Failed, "above 1 MiB"},
		"pattern after a MiB":       {200, strings.Repeat("a", maxBody) + "b", HTTP{BodyPattern: "b"}, Failed, "does not match"},
		"pattern at the end":        {200, strings.Repeat("a", maxBody-1) + "b", HTTP{BodyPattern: "b$"}, Passed, ""},
		"large pattern, large body": {200, strings.Repeat("a", largeBody-1) + "b", HTTP{BodyPattern: largePattern}, Passed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.check.URL = serve(t, respond(c.status, c.body))
			want(t, run(t, private(), &c.check), c.outcome, c.message)
		})
	}
}

// TestHTTPRequest verifies the method, headers and body of a request.
func TestHTTPRequest(t *testing.T) {
	var got string
	at := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = fmt.Sprintln(r.Method, r.Host, r.URL, r.Header["X-Key"], r.Header["User-Agent"], string(body))
	})
	c := &HTTP{URL: at + "/a?b=c", Method: "PUT", Body: "text", Headers: []Header{{"x-key", "1"}, {"X-Key", "2"}, {"host", "other.example"}, {"User-Agent", "mine"}}}
	want(t, run(t, private(), c), Passed, "HTTP 200")
	if got != "PUT other.example /a?b=c [1 2] [mine] text\n" {
		t.Errorf("received %q", got)
	}
}

// TestHTTPRedirects verifies how far redirects are followed.
func TestHTTPRedirects(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/1", "/2":
			http.Redirect(w, r, "/"+string(r.URL.Path[1]+1), http.StatusFound)
		case "/bad":
			w.Header().Set("Location", "http://[secret")
			w.WriteHeader(http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}
	})
	want(t, run(t, private(), &HTTP{URL: at + "/1"}), Failed, "HTTP 302")
	want(t, run(t, private(), &HTTP{URL: at + "/1", Status: []int32{302}}), Passed, "HTTP 302")
	want(t, run(t, private(), &HTTP{URL: at + "/1", Redirects: 1}), Failed, "more than the maximum of 1 redirects")
	want(t, run(t, private(), &HTTP{URL: at + "/1", Redirects: 2}), Passed, "HTTP 200")
	want(t, run(t, private(), &HTTP{URL: at + "/bad", Redirects: 2}), Failed, "invalid redirect")
	want(t, run(t, private(), &HTTP{URL: at + "/file", Redirects: 2}), Failed, "unsupported protocol scheme")
}

// TestHTTPRedirectGuard verifies that a redirect is bound by the guard as the first request is.
func TestHTTPRedirectGuard(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
	})
	want(t, run(t, private(), &HTTP{URL: at, Redirects: 5}), Failed, "refused: the address")
}

// TestHTTPRedirectHeaders verifies that the headers of a check, which are secrets, are not sent to
// another origin, not even after a redirect back and forth.
func TestHTTPRedirectHeaders(t *testing.T) {
	var leaked, kept, returned atomic.Int32
	var at, other string
	at = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") == "secret" {
			kept.Add(1)
		}
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/next", http.StatusFound)
		case "/back":
			if r.Header.Get("X-Api-Key") != "" || r.Header.Get("Authorization") != "" {
				leaked.Add(1)
			}
			returned.Add(1)
		case "/next":
			http.Redirect(w, r, other+"/?x=1", http.StatusTemporaryRedirect)
		}
	})
	other = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != "" || r.Header.Get("Authorization") != "" || r.Header.Get("Referer") != "" {
			leaked.Add(1)
		}
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/again", http.StatusFound)
		case "/again":
			http.Redirect(w, r, at+"/back", http.StatusFound)
		}
	})
	c := &HTTP{URL: at + "/same?token=abc", Redirects: 5, Headers: []Header{{"X-Api-Key", "secret"}, {"Authorization", "Bearer secret"}}}
	want(t, run(t, private(), c), Passed, "HTTP 200")
	if leaked.Load() != 0 || kept.Load() != 2 || returned.Load() != 1 {
		t.Errorf("headers were sent %d times after the other origin, and %d times before, want 0 and 2; returned %d times", leaked.Load(), kept.Load(), returned.Load())
	}
}

// TestHTTPSlow verifies the maximum latency.
func TestHTTPSlow(t *testing.T) {
	at := serve(t, func(http.ResponseWriter, *http.Request) { time.Sleep(20 * time.Millisecond) })
	want(t, run(t, private(), &HTTP{URL: at, MaxLatency: 10 * time.Millisecond}), Failed, "above 10ms")
	want(t, run(t, private(), &HTTP{URL: at, MaxLatency: 10 * time.Second}), Passed, "HTTP 200")
}

// TestHTTPCutOff verifies that a response that ends early is a failure.
func TestHTTPCutOff(t *testing.T) {
	at := listen(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
	})
	want(t, run(t, private(), &HTTP{URL: "http://" + at}), Failed, "cut off: unexpected EOF")
	at = listen(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) })
	want(t, run(t, private(), &HTTP{URL: "http://" + at}), Failed, "EOF")
}

// TestHTTPS verifies that certificates are verified unless the check accepts any.
func TestHTTPS(t *testing.T) {
	s := httptest.NewTLSServer(respond(200, "fine"))
	defer s.Close()
	want(t, run(t, private(), &HTTP{URL: s.URL}), Failed, "unknown authority")
	want(t, run(t, private(), &HTTP{URL: s.URL, SkipVerify: true, BodyPattern: "fine"}), Passed, "HTTP 200")
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	want(t, run(t, New(Env{Private: true, Roots: roots}), &HTTP{URL: s.URL}), Passed, "HTTP 200")
	late := func() time.Time { return s.Certificate().NotAfter.Add(time.Hour) }
	want(t, run(t, New(Env{Private: true, Roots: roots, Now: late}), &HTTP{URL: s.URL}), Failed, "certificate has expired")
}

// TestHTTPSecrets verifies that messages have neither header values nor the query of the URL.
func TestHTTPSecrets(t *testing.T) {
	const secret = "s3cr3t-value"
	for _, at := range []string{"http://" + closedPort(t), serve(t, respond(503, secret)), "http://host.invalid", "http://" + listen(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, secret+" is no HTTP\r\n\r\n")
	})} {
		f := run(t, private(), &HTTP{URL: at + "/path?key=" + secret, Redirects: 3, Headers: []Header{{"Authorization", secret}}})
		if f.Outcome != Failed || strings.Contains(f.Message, secret) {
			t.Errorf("%+v", f)
		}
	}
}
