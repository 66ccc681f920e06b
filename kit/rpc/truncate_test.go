package rpc

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestTruncate(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"short", "short"},
		{strings.Repeat("x", 20), strings.Repeat("x", 20)},
		{strings.Repeat("x", 21), strings.Repeat("x", 20) + "… (truncated)"},
		{strings.Repeat("봉", 7), strings.Repeat("봉", 6) + "… (truncated)"},
		{strings.Repeat("\x01", 4), strings.Repeat("\x01", 3) + "… (truncated)"},
	} {
		if got := truncate(c.text, 20); got != c.want || !utf8.ValidString(got) {
			t.Errorf("%q is cut to %q, want %q", c.text, got, c.want)
		}
	}
}

// TestTruncateError truncates the text of an error and drops details that do not fit.
func TestTruncateError(t *testing.T) {
	long := connect.NewError(connect.CodeNotFound, errors.New(strings.Repeat("봉", 1<<20)))
	for _, size := range []int{1000, 2000, 1 << 20} {
		detail, err := connect.NewErrorDetail(wrapperspb.Bytes(make([]byte, size)))
		if err != nil {
			t.Fatal(err)
		}
		long.AddDetail(detail)
	}
	long.Meta().Set("Retry-After", "1")
	got := truncateError(long)
	size := len(got.Message())
	for _, d := range got.Details() {
		size += len(d.Bytes())
	}
	if got.Code() != connect.CodeNotFound || len(got.Details()) != 2 || size > 8<<10 || got.Meta().Get("Retry-After") != "1" {
		t.Errorf("%d bytes, %d details, %v", size, len(got.Details()), got.Meta())
	}
	if short := connect.NewError(connect.CodeNotFound, errors.New("short")); truncateError(short) != short {
		t.Error("a short error is copied")
	}
}

// TestShortHeaders checks that values that Connect quotes are truncated before.
func TestShortHeaders(t *testing.T) {
	long := strings.Repeat("x", 60_000)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/a?compression="+long+"&message=e30&encoding=json", nil)
	r.Header.Set("Grpc-Encoding", long)
	r.Header.Set("User-Agent", long)
	withShortHeaders(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query(); len(got.Get("compression")) > maxQuoteBytes || got.Get("message") != "e30" || got.Get("encoding") != "json" {
			t.Errorf("the query is %.300s", r.URL.RawQuery)
		}
		if len(r.Header.Get("Grpc-Encoding")) > maxQuoteBytes || r.Header.Get("User-Agent") != long {
			t.Error("the headers are not cut, or too many of them")
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
}
