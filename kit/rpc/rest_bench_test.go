package rpc

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkREST measures the cost of a request before it is transcoded.
func BenchmarkREST(b *testing.B) {
	handler := restBefore(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusOK)
	})
	const body = `{"target":["@user1","@@test-team2"],"severity":"normal","message":"node1 down"}`
	for name, text := range map[string]string{"known": body, "unknown": strings.Replace(body, "severity", "source", 1)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/alerts", strings.NewReader(text))
				r.Header.Set("Content-Type", "application/json")
				handler.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
