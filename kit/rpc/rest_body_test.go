package rpc

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// zipped returns text as gzip data.
func zipped(t testing.TB, text string) string {
	t.Helper()
	var data bytes.Buffer
	w := gzip.NewWriter(&data)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return data.String()
}

// TestBodies checks which bodies REST accepts, and that others are refused before they are
// processed, in the same error format.
func TestBodies(t *testing.T) {
	const path, body, noJSON = "/v1/alerts", `{"message":"m"}`, "Content-Type: send the body as application/json"
	inUTF8, asGzip, cut := "Content-Type: send the body in UTF-8", "Content-Encoding: send the body as gzip, or uncompressed", "body: invalid or truncated gzip data"
	for _, c := range []struct {
		name, path, contentType, encoding, body string
		status                                  int
		message                                 string // of a refusal; or, for 200, the body that arrives
	}{
		{"plain", path, "application/json", "", body, 200, body},
		{"a charset", path, "application/json;charset=UTF-8", "", body, 200, body},
		{"case, quotes and spacing", path, ` Application/JSON  ; Charset="utf-8" `, "", body, 200, body},
		{"an end that is open", path, "application/json;", "", body, 200, body},
		{"another JSON type", path, "application/problem+json", "", body, 200, body},
		{"text/json", path, "text/json", "", body, 200, body},
		{"no body and no type", path, "", "", "", 200, ""},
		{"another charset", path, "application/json; charset=iso-8859-1", "", body, 415, inUTF8},
		{"UTF-16", path, "application/json; charset=utf-16", "", body, 415, inUTF8},
		{"a form", path, "application/x-www-form-urlencoded", "", "a=b", 415, noJSON},
		{"text", path, "text/plain", "", body, 415, noJSON},
		{"no type", path, "", "", body, 415, noJSON},
		{"a type that is none", path, ";;", "", body, 415, noJSON},
		{"a type that is not UTF-8", path, "application/json; charset=\xff", "", body, 400, "Content-Type: not valid UTF-8"},
		{"gzip", path, "application/json", "gzip", zipped(t, body), 200, body},
		{"GZIP", path, "application/json", "GZIP", zipped(t, body), 200, body},
		{"gzip of two parts", path, "application/json", "x-gzip", zipped(t, body[:5]) + zipped(t, body[5:]), 200, body},
		{"identity", path, "application/json", "identity", body, 200, body},
		{"gzip twice", path, "application/json", "gzip, gzip", zipped(t, zipped(t, body)), 415, asGzip},
		{"deflate", path, "application/json", "deflate", body, 415, asGzip},
		{"br", path, "application/json", "br", body, 415, asGzip},
		{"cut gzip", path, "application/json", "gzip", zipped(t, body)[:20], 400, cut},
		{"gzip without its checksum", path, "application/json", "gzip", strings.TrimSuffix(zipped(t, body), zipped(t, body)[len(zipped(t, body))-8:]), 400, cut},
		{"no gzip", path, "application/json", "gzip", body, 400, cut},
		{"gzip of nothing at all", path, "application/json", "gzip", "", 400, cut},
		{"garbage after gzip", path, "application/json", "gzip", zipped(t, body) + "garbage", 400, cut},
		{"too large", path, "application/json", "", strings.Repeat(" ", maxPublicBytes+1), 413, "larger than 1048576 bytes"},
		{"as large as it may be", path, "application/json", "", strings.Repeat(" ", maxPublicBytes), 200, strings.Repeat(" ", maxPublicBytes)},
		{"too large in gzip", path, "application/json", "gzip", zipped(t, strings.Repeat(" ", maxPublicBytes+1)), 413, "larger than 1048576 bytes"},
		{"as large as it may be in gzip", path, "application/json", "gzip", zipped(t, strings.Repeat(" ", maxPublicBytes)), 200, strings.Repeat(" ", maxPublicBytes)},
		{"intake takes 16 MiB", "/v1/intake/alertmanager", "application/json", "", strings.Repeat("x", 16<<20), 200, strings.Repeat("x", 16<<20)},
		{"intake takes 16 MiB in gzip", "/v1/intake/alertmanager", "application/json", "gzip", zipped(t, strings.Repeat("x", 16<<20)), 200, strings.Repeat("x", 16<<20)},
		{"intake takes no more", "/v1/intake/alertmanager", "application/json", "", strings.Repeat("x", 16<<20+1), 413, "larger than 16777216 bytes"},
		{"intake takes no more in gzip", "/v1/intake/alertmanager", "application/json", "gzip", zipped(t, strings.Repeat("x", 16<<20+1)), 413, "larger than 16777216 bytes"},
		{"a callback is small", "/v1/callbacks/twilio/1", "application/x-www-form-urlencoded", "gzip", zipped(t, strings.Repeat("x", 1<<20+1)), 413, "larger than 1048576 bytes"},
		{"intake takes no text", "/v1/intake/alertmanager", "text/plain", "", "{}", 415, noJSON},
		{"intake takes no gRPC", "/v1/intake/alertmanager", "application/grpc+proto", "", "x", 415, "neither gRPC nor Connect"},
		{"intake takes bytes", "/v1/intake/alertmanager", "application/json", "", "\xff", 200, "\xff"},
		{"JSON that is not UTF-8", path, "application/json", "", "{\"a\":\"\xff\"}", 400, "body: not valid UTF-8 at byte 6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			arrived := "nothing"
			handler := restBefore(t, func(_ http.ResponseWriter, r *http.Request) {
				data, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				arrived = string(data)
			})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, strings.NewReader(c.body))
			for name, value := range map[string]string{"Content-Type": c.contentType, "Content-Encoding": c.encoding} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if c.status == http.StatusOK {
				if w.Code != http.StatusOK || arrived != c.message {
					t.Errorf("%d %s, %d bytes arrived", w.Code, w.Body, len(arrived))
				}
				return
			}
			if text := w.Body.String(); arrived != "nothing" || w.Code != c.status || !strings.Contains(text, c.message) || !strings.HasPrefix(text, `{"code":`) || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%d %s %s", w.Code, w.Header(), text)
			}
		})
	}
}

// FuzzGzipBodies checks that no gzip data decompresses beyond its limit.
func FuzzGzipBodies(f *testing.F) {
	f.Add([]byte(zipped(f, "hello")))
	f.Add([]byte(zipped(f, strings.Repeat("x", 100_000))))
	f.Fuzz(func(t *testing.T, data []byte) {
		if plain, err := decompress(data, 1000, http.NoBody); err == nil && len(plain) > 1001 {
			t.Errorf("%d bytes", len(plain))
		}
	})
}
