package mockup_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// postTo makes a POST request, with headers as name, value, name, value….
func postTo(t *testing.T, server *httptest.Server, path, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, res)
}
