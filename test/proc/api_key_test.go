package proc

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestKeyTransport checks that each request has the key, and that the caller's request is
// not changed.
func TestKeyTransport(t *testing.T) {
	var received []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		received = append(received, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	for key, want := range map[string]string{"": "", "bgs_id_secret": "Bearer bgs_id_secret"} {
		received = nil
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		client := http.Client{Transport: KeyTransport{Key: key}}
		for range 2 {
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if err := res.Body.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if len(received) != 2 || received[0] != want || received[1] != want {
			t.Errorf("with the key %q the server received %q, want %q", key, received, want)
		}
		if got := req.Header.Get("Authorization"); got != "" {
			t.Errorf("the caller's request has %q", got)
		}
	}
}
