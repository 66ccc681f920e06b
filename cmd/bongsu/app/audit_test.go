package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// exchange makes a request, and returns the body of its response.
func exchange(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAudit checks that changes are in the audit log when they are answered, also without
// authentication, where the alerts of the ledger are not.
func TestAudit(t *testing.T) {
	url, stop := serve()
	defer stop()
	exchange(t, http.MethodPost, url+"/v1/groups", `{"groupName":"ops"}`)
	exchange(t, http.MethodDelete, url+"/v1/groups/999", "")
	exchange(t, http.MethodPost, url+"/v1/groups", `{"groupName":""}`)
	exchange(t, http.MethodPost, url+"/v1/alerts", `{"target":["@user1"],"severity":"low","message":"down"}`)
	exchange(t, http.MethodGet, url+"/v1/groups", "")

	var list struct {
		Entries []struct{ Procedure, Resource, Outcome, Caller string }
	}
	text := exchange(t, http.MethodGet, url+"/v1/audit", "")
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	var got []string
	for _, e := range list.Entries {
		got = append(got, e.Procedure+" "+e.Resource+" "+e.Outcome+e.Caller)
	}
	want := []string{
		"bongsu.group.v1.GroupService/DeleteGroup groups/999 not_found",
		"bongsu.group.v1.GroupService/CreateGroup groups/ops ok",
	}
	if !slices.Equal(got, want) {
		t.Errorf("audit log: %q, want %q", got, want)
	}
	if metrics := exchange(t, http.MethodGet, url+"/metrics", ""); !strings.Contains(metrics, `bongsu_edge_audit_entries_total{result="recorded"} 2`+"\n") {
		t.Error("the metrics do not count 2 entries")
	}
}
