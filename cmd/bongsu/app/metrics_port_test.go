package app

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// getMetrics gets a path of the metrics' port with a key, "" for none.
func getMetrics(t *testing.T, a *App, path, key string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Addr(MetricsPort)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// TestMetricsPort checks that the port serves the metrics of the process and nothing else,
// to whoever has the internal key where there is one.
func TestMetricsPort(t *testing.T) {
	for _, test := range []struct {
		name            string
		keyFile         string
		key             string
		status          int
		containsMetrics bool
	}{
		{"open without an internal key", "", "", http.StatusOK, true},
		{"no key", writeKey(t, internalKey), "", http.StatusUnauthorized, false},
		{"wrong key", writeKey(t, internalKey), "x" + internalKey[1:], http.StatusUnauthorized, false},
		{"key", writeKey(t, internalKey), internalKey, http.StatusOK, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := runApp(t, Config{MetricsAddr: "127.0.0.1:0", Internal: InternalConfig{KeyFile: test.keyFile}, Log: slog.New(slog.DiscardHandler)})
			status, body := getMetrics(t, a, "/metrics", test.key)
			if status != test.status || strings.Contains(body, "\nbongsu_edge_calls 0\n") != test.containsMetrics {
				t.Errorf("/metrics: %d %s", status, body)
			}
			if status, body := getMetrics(t, a, "/v1/groups", internalKey); status != http.StatusNotFound {
				t.Errorf("a path of the API: %d %s", status, body)
			}
		})
	}
}
