package app

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/edge"
)

// getPage requests a path without credentials.
func getPage(t *testing.T, url string) (status int, contentType, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	kittest.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	kittest.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	kittest.NoError(t, err)
	return res.StatusCode, res.Header.Get("Content-Type"), string(text)
}

// TestStatusPage checks that the status page shows public monitors to callers without credentials,
// and only if it is asked for.
func TestStatusPage(t *testing.T) {
	data := t.TempDir()
	a := runLogged(t, Config{Data: data, Edge: edge.Config{Auth: edge.AuthRequired, StatusPage: true}})
	caller := inboxCaller{t, a.edge, adminKey(t, data)}
	caller.must("POST", "/v1/monitors", `{"name":"backup","title":"Nightly backup","group":"Jobs","public":true,"heartbeat":{"period":"86400s"}}`)
	caller.must("POST", "/v1/monitors", `{"name":"hidden","title":"Internal thing","heartbeat":{"period":"86400s"}}`)
	caller.must("POST", "/v1/heartbeats/backup:fail", `{}`)

	status, contentType, body := getPage(t, a.edge+"/status")
	kittest.Equal(t, []any{status, contentType}, []any{http.StatusOK, "text/html; charset=utf-8"})
	for _, text := range []string{"No service works", "<h2>Jobs</h2>", "Nightly backup", "Does not work", "0% uptime"} {
		if !strings.Contains(body, text) {
			t.Errorf("the page has no %q: %s", text, body)
		}
	}
	if strings.Contains(body, "Internal thing") || strings.Contains(body, "fail ping") {
		t.Errorf("the page shows what is not public: %s", body)
	}
	status, contentType, body = getPage(t, a.edge+"/status.json")
	var page struct {
		Monitors []struct {
			Title, State string
			Days         []struct{ Uptime *float64 }
		}
	}
	kittest.NoError(t, json.Unmarshal([]byte(body), &page))
	kittest.Equal(t, []any{status, contentType, len(page.Monitors)}, []any{http.StatusOK, "application/json", 1})
	kittest.Equal(t, []any{page.Monitors[0].Title, page.Monitors[0].State, len(page.Monitors[0].Days)}, []any{"Nightly backup", "STATUS_PAGE_STATE_DOWN", 90})
	if status, _, _ := getPage(t, a.edge+"/v1/monitors"); status != http.StatusUnauthorized {
		t.Errorf("monitors without credentials: %d", status)
	}

	off := runLogged(t, Config{})
	if status, _, _ := getPage(t, off.edge+"/status"); status != http.StatusNotFound {
		t.Errorf("without --status-page: %d", status)
	}
}
