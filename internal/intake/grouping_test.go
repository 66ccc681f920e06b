package intake

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// alertJSON returns an alert of Alertmanager's webhook.
func alertJSON(status, cluster, node, severity, more string) string {
	return fmt.Sprintf(`{"status":%q,"labels":{"alertname":"NodeDown","cluster":%q,"instance":%q,"severity":%q%s},"annotations":{"summary":"%s down\nfor 5 minutes"},"startsAt":"2026-11-20T03:12:45Z","fingerprint":%q}`,
		status, cluster, node, severity, more, node, cluster+node)
}

// grouped returns the alerts of a request with group-by cluster and alertname.
func grouped(t *testing.T, alerts ...string) []Alert {
	t.Helper()
	c := Config{"alertmanager": {Target: []string{"@@ops"}, GroupBy: []string{"cluster", "alertname"}}}
	got, err := read(t, c, "alertmanager", "application/json", `{"version":"4","alerts":[`+strings.Join(alerts, ",")+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestGrouping(t *testing.T) {
	got := grouped(t,
		alertJSON("firing", "a", "n1", "warning", ""),
		alertJSON("firing", "b", "n1", "warning", ""),
		alertJSON("resolved", "a", "n2", "critical", `,"bongsu_target":"@kim"`),
		alertJSON("firing", "a", "n3", "error", `,"bongsu_target":"@kim,@lee"`),
	)
	if len(got) != 2 {
		t.Fatalf("%d alerts: %+v", len(got), got)
	}
	key := got[0].IdempotencyKey
	want := Alert{
		Field: "alerts[0]", Targets: []string{"@@ops", "@kim", "@lee"}, Severity: "error", Title: "NodeDown", Status: Firing,
		Message: "2 firing, 1 resolved\n- n1 down\n- n3 down\n- resolved: n2 down",
		Details: []Detail{{"cluster", "a"}, {"alertname", "NodeDown"}}, Key: "alertmanager:group cluster=a alertname=NodeDown", IdempotencyKey: key,
	}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("\n%+v, want\n%+v", got[0], want)
	}
	if got[1].Message != "n1 down\nfor 5 minutes" || got[1].Key != "alertmanager:group cluster=b alertname=NodeDown" || got[1].IdempotencyKey == key {
		t.Errorf("a group of one: %+v", got[1])
	}
}

// TestGroupingKeys checks that a repeated request has the same idempotency keys, a changed group
// another one, and that both have the key of the group.
func TestGroupingKeys(t *testing.T) {
	one, two := alertJSON("firing", "a", "n1", "warning", ""), alertJSON("firing", "a", "n2", "warning", "")
	first, again, more := grouped(t, one)[0], grouped(t, one)[0], grouped(t, one, two)[0]
	if first.IdempotencyKey != again.IdempotencyKey || first.IdempotencyKey == more.IdempotencyKey {
		t.Errorf("keys %s, %s, %s", first.IdempotencyKey, again.IdempotencyKey, more.IdempotencyKey)
	}
	if first.Key != more.Key {
		t.Errorf("alert keys %q, %q", first.Key, more.Key)
	}
}

func TestGroupingResolved(t *testing.T) {
	got := grouped(t, alertJSON("resolved", "a", "n1", "low", ""), alertJSON("resolved", "a", "n2", "critical", ""))
	if len(got) != 1 || got[0].Status != Resolved || got[0].Severity != "critical" {
		t.Fatalf("%+v", got)
	}
	if want := "resolved: 0 firing, 2 resolved\n- resolved: n1 down\n- resolved: n2 down"; got[0].Message != want {
		t.Errorf("%q, want %q", got[0].Message, want)
	}
}

// TestGroupingLines checks that the message of a big group is bounded, and that a group needs one
// of the labels.
func TestGroupingLines(t *testing.T) {
	var alerts []string
	for i := range 12 {
		alerts = append(alerts, alertJSON("firing", "a", fmt.Sprint("n", i), "low", ""))
	}
	alerts = append(alerts, `{"status":"firing","labels":{"job":"x"},"annotations":{"summary":"alone"},"fingerprint":"1"}`)
	got := grouped(t, alerts...)
	if len(got) != 2 || !strings.HasSuffix(got[0].Message, "\n- n9 down\n… and 2 more") || strings.Count(got[0].Message, "\n") != 11 {
		t.Fatalf("%+v", got)
	}
	if got[1].Key != "alertmanager:1" || got[1].Message != "alone" {
		t.Errorf("%+v", got[1])
	}
}

// TestGroupingConfig checks that group-by is refused where it has no effect.
func TestGroupingConfig(t *testing.T) {
	for text, want := range map[string]string{
		"alertmanager: {group-by: [cluster]}":                "",
		"grafana: {group-by: [cluster]}":                     "",
		"alertmanager: {group-by: ['']}":                     "a label is empty",
		"cloudevents: {group-by: [x]}":                       "only alertmanager and grafana",
		"deploys: {group-by: [x], template: {message: 'm'}}": "only alertmanager and grafana",
	} {
		path := filepath.Join(t.TempDir(), "intake.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadConfig(path)
		if got := fmt.Sprint(err); (err == nil) != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
