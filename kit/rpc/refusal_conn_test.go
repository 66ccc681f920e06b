package rpc

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// TestMalformedRequests checks that refusals by net/http have the error format of REST too,
// and that responses of handlers are unchanged.
func TestMalformedRequests(t *testing.T) {
	const ok = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, ok) })
	for _, c := range []struct {
		name, request string
		status, code  int // code 0: the handler responds
		message       string
	}{
		{"a percent sign alone in the path", "GET /v1/users/100% HTTP/1.1\r\nHost: x\r\n\r\n", 400, 3, "percent-encoded"},
		{"no hexadecimal digits", "GET /v1/groups/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400, 3, "percent-encoded"},
		{"no host", "GET /v1/groups HTTP/1.1\r\n\r\n", 400, 3, "malformed"},
		{"a header that is none", "GET /v1/groups HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n", 400, 3, "malformed"},
		{"no HTTP", "SSH-2.0-OpenSSH_9.6\r\n\r\n", 400, 3, "malformed"},
		{"too much header", "GET /v1/groups HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 128<<10) + "\r\n\r\n", 431, 8, "65536 bytes"},
		{"another transfer encoding", "POST /v1/alerts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, 12, "chunked"},
		{"another version", "GET /v1/groups HTTP/3.0\r\nHost: x\r\n\r\n", 505, 12, "1.1 or 2"},
		{"a request", "GET /v1/groups HTTP/1.1\r\nHost: x\r\n\r\n", 200, 0, ok},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := serveInMemory(t, 1, slog.New(slog.DiscardHandler), handler)
				conn, _ := listener.Dial(t.Context(), "", "")
				defer conn.Close()
				go io.WriteString(conn, c.request) //nolint:errcheck // the server may answer before it has read all
				res, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				if c.code == 0 {
					if res.StatusCode != c.status || string(body) != c.message {
						t.Errorf("%s: %s", res.Status, body)
					}
					return
				}
				var got restError
				if err := json.Unmarshal(body, &got); err != nil || res.Header.Get("Content-Type") != "application/json" {
					t.Fatalf("%s, %q: %s", res.Status, res.Header, body)
				}
				if res.StatusCode != c.status || int(got.Code) != c.code || !strings.Contains(got.Message, c.message) || !strings.Contains(string(got.Details), `"reason":"`) {
					t.Errorf("%s: %s", res.Status, body)
				}
			})
		})
	}
}
