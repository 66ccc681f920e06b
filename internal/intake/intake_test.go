package intake

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// read returns the alerts of a request, all of which must be valid.
func read(t *testing.T, c Config, source, contentType, body string, more ...string) ([]Alert, error) {
	t.Helper()
	items, problem := readItems(t, c, source, contentType, body, more...)
	if problem != nil {
		return nil, problem
	}
	var alerts []Alert
	for _, item := range items {
		if item.Problem != nil {
			return nil, item.Problem
		}
		alerts = append(alerts, item.Alert)
	}
	return alerts, nil
}

// readItems returns the items of a request.
func readItems(t *testing.T, c Config, source, contentType, body string, more ...string) ([]Item, *Problem) {
	t.Helper()
	sources, err := c.Sources()
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Content-Type": {contentType}}
	for i := 0; i < len(more); i += 2 {
		header.Set(more[i], more[i+1])
	}
	return sources[source].Read(header, []byte(body))
}

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var ops = Config{"alertmanager": {Target: []string{"@@ops"}}, "grafana": {Target: []string{"@@ops"}, Severity: "high"}, "cloudevents": {Target: []string{"@@ops"}}}

func TestAlertmanager(t *testing.T) {
	got, err := read(t, ops, "alertmanager", "application/json", file(t, "alertmanager.json"))
	if err != nil {
		t.Fatal(err)
	}
	labels := func(node string) []Detail {
		return []Detail{{"cluster", "seoul-1"}, {"instance", node + ":9100"}, {"job", "node"}}
	}
	want := []Alert{{
		Field: "alerts[0]", Targets: []string{"@user1", "@@test-team2"}, Severity: "critical", Title: "NodeDown",
		Message: "node1 down\nnode1:9100 has been unreachable for more than 5 minutes.",
		Link:    "https://runbooks.example.com/node-down", Details: labels("node1"),
		Key: "alertmanager:c9bfa1d9b8e34f3a", Status: Firing,
		IdempotencyKey: idempotencyKeyOf("alertmanager", []string{"c9bfa1d9b8e34f3a", "firing", "2026-11-20T03:12:45.123Z"}),
	}, {
		Field: "alerts[1]", Severity: "critical", Title: "NodeDown", Message: "resolved: node2 down",
		Link:    "http://prometheus.example.com:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
		Details: labels("node2"),
		Key:     "alertmanager:1f3a5b7c9d0e2f41", Status: Resolved,
		IdempotencyKey: idempotencyKeyOf("alertmanager", []string{"1f3a5b7c9d0e2f41", "resolved", "2026-11-20T03:02:45.123Z", "2026-11-20T03:10:45.123Z"}),
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, want\n%+v", got, want)
	}
}

func TestGrafana(t *testing.T) {
	got, err := read(t, ops, "grafana", "application/json", file(t, "grafana.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Alert{{
		Field: "alerts[0]", Severity: "high", Title: "High memory usage",
		Message: "This alert was triggered for zone us-1\nThe system has high memory usage",
		Link:    "https://play.grafana.org/d/dashboard-1?viewPanel=2",
		Details: []Detail{{"grafana_folder", "Databases"}, {"team", "blue"}, {"zone", "us-1"}},
		Key:     "grafana:c6eadffa33fcdf37", Status: Firing,
		IdempotencyKey: idempotencyKeyOf("grafana", []string{"c6eadffa33fcdf37", "firing", "2026-11-20T09:51:03.157076+02:00"}),
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, want\n%+v", got, want)
	}
}

func TestCloudEvents(t *testing.T) {
	const structured = `{"specversion":"1.0","id":"A234-1234-1234","source":"/backup/db1","type":"com.example.backup.failed",` +
		`"subject":"nightly","time":"2026-11-20T02:00:00Z","severity":"critical","bongsutarget":"@user2","datacontenttype":"application/json",` +
		`"data":{"message":"the disk is full","link":"https://backup.example.com/1"}}`
	want := Alert{
		Targets: []string{"@user2"}, Severity: "critical", Title: "com.example.backup.failed", Message: "the disk is full",
		Link:           "https://backup.example.com/1",
		Details:        []Detail{{"source", "/backup/db1"}, {"id", "A234-1234-1234"}, {"subject", "nightly"}},
		Key:            "cloudevents:/backup/db1 nightly",
		IdempotencyKey: idempotencyKeyOf("cloudevents", []string{"/backup/db1", "A234-1234-1234"}),
	}
	for name, c := range map[string]struct {
		contentType, body string
		header            []string
	}{
		"structured": {"application/cloudevents+json; charset=utf-8", structured, nil},
		"batch":      {"application/cloudevents-batch+json", "[" + structured + "]", nil},
		"binary": {"application/json", `{"message":"the disk is full","link":"https://backup.example.com/1"}`, []string{
			"ce-specversion", "1.0", "ce-id", "A234-1234-1234", "ce-source", "/backup/db1", "ce-type", "com.example.backup.failed",
			"ce-subject", "nightly", "ce-time", "2026-11-20T02:00:00Z", "ce-severity", "critical", "ce-bongsutarget", "@user2",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(t, ops, "cloudevents", c.contentType, c.body, c.header...)
			if name == "batch" && len(got) == 1 && got[0].Field == "events[0]" {
				got[0].Field = ""
			}
			if err != nil || !reflect.DeepEqual(got, []Alert{want}) {
				t.Errorf("%v\n%+v, want\n%+v", err, got, want)
			}
		})
	}
	t.Run("text", func(t *testing.T) {
		got, err := read(t, ops, "cloudevents", "text/plain", "node1 down", "ce-specversion", "1.0", "ce-id", "1", "ce-source", "/s", "ce-type", "t")
		if err != nil || len(got) != 1 || got[0].Message != "node1 down" || got[0].Targets != nil {
			t.Errorf("%v, %+v", err, got)
		}
	})
}

func TestAnything(t *testing.T) {
	c := Config{"backup": {Target: []string{"@all"}, Template: Template{
		Target:   `{{if .team}}@@{{.team}}{{end}}`,
		Severity: `{{if eq .level 3.0}}critical{{else}}low{{end}}`,
		Message:  `{{.job}} failed: {{range .errors}}{{.}}; {{end}}`,
		Title:    `{{.job | upper}}`,
		Key:      `{{.run}}`,
	}}}
	got, err := read(t, c, "backup", "application/json", `{"job":"db1","level":3,"errors":["disk full","no space"],"run":17,"team":"dba"}`)
	want := []Alert{{
		Targets: []string{"@@dba"}, Severity: "critical", Message: "db1 failed: disk full; no space;", Title: "DB1", Key: "backup:17",
		IdempotencyKey: idempotencyKeyOf("backup", []string{"17"}),
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%+v, want\n%+v", err, got, want)
	}
	if got, err := read(t, c, "backup", "application/problem+json; charset=utf-8", `{"job":"db1","level":1,"errors":[],"run":18}`); err != nil || got[0].Targets != nil || got[0].Severity != "low" {
		t.Errorf("%v, %+v", err, got)
	}
}

// TestUnreadable sends invalid requests to each source: the whole request is refused.
func TestUnreadable(t *testing.T) {
	c := Config{"any": {Template: Template{Message: "{{.a.b.c}}"}}}
	for _, row := range []struct{ source, contentType, body, why string }{
		{"alertmanager", "application/json", "", "invalid body of Alertmanager"},
		{"alertmanager", "application/json", "null", "no alerts"},
		{"alertmanager", "application/json", `{"alerts":[]}`, "no alerts"},
		{"alertmanager", "application/json", `{"alerts":{}}`, "alerts: "},
		{"alertmanager", "application/json", `{"alerts":[{}]} {}`, "after top-level value"},
		{"alertmanager", "application/json", "{\"alerts\":[{\"labels\":{\"a\":\"\xb0\xa1\"}}]}", "not UTF-8"},
		{"alertmanager", "application/json;charset=klingon", "\xb0", "klingon"},
		{"grafana", "application/json", `[]`, "no alerts"},
		{"grafana", "application/json", `7`, "invalid body of Grafana"},
		{"cloudevents", "application/json", `{}`, "invalid CloudEvent"},
		{"cloudevents", "application/cloudevents+avro", `{}`, "unsupported"},
		{"cloudevents", "application/cloudevents+json", `null`, "not a JSON object"},
		{"cloudevents", "application/cloudevents+json", `{"specversion":"1.0"}`, "missing attribute id"},
		{"cloudevents", "application/cloudevents+json", `{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"*"}`, "invalid base64 in data_base64"},
		{"cloudevents", "application/cloudevents-batch+json", `[]`, "empty batch"},
		{"any", "application/json", `{`, "not JSON"},
	} {
		t.Run(row.source+" "+row.body, func(t *testing.T) {
			items, problem := readItems(t, c, row.source, row.contentType, row.body)
			if problem == nil || !strings.Contains(problem.Error(), row.why) || items != nil || problem.Reason == "" {
				t.Errorf("%+v, %v, want %q", items, problem, row.why)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	for text, why := range map[string]string{
		"alertmanager:\n  target: ['@@ops']\n  severity: high\nbackup:\n  template: {message: '{{.text}}'}\n": "",
		"backup: {}\n": "needs a template for message",
		"backup: {template: {message: '{{.text'}}\n":    "template message of source backup",
		"grafana: {target: [ops]}\n":                    `"ops"`,
		"Grafana: {}\n":                                 "invalid source name",
		"event: {template: {message: '{{.text}}'}}\n":   "reserved for events",
		"grafana: {colour: red}\n":                      "colour",
		"grafana: {template: {title: '{{nothing}}'}}\n": "nothing",
	} {
		path := filepath.Join(t.TempDir(), "intake.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadConfig(path)
		if why == "" && err != nil || why != "" && (err == nil || !strings.Contains(err.Error(), why)) {
			t.Errorf("%s: %v, want %q", text, err, why)
		}
	}
}
