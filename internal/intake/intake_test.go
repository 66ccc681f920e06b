package intake

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// read reads a request by a source.
func read(t *testing.T, c Config, source, contentType, body string, more ...string) ([]Alert, error) {
	t.Helper()
	sources, err := c.Sources()
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Content-Type": {contentType}}
	for i := 0; i < len(more); i += 2 {
		header.Set(more[i], more[i+1])
	}
	return sources[source](header, []byte(body))
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
		Targets: []string{"@user1", "@@test-team2"}, Severity: "critical", Title: "NodeDown",
		Message: "node1 down\nnode1:9100 has been unreachable for more than 5 minutes.",
		Link:    "https://runbooks.example.com/node-down", Details: labels("node1"),
		Key: key("alertmanager", "c9bfa1d9b8e34f3a firing 2026-11-20T03:12:45.123Z"),
	}, {
		Targets: []string{"@@ops"}, Severity: "normal", Title: "NodeDown", Message: "resolved: node2 down",
		Link:    "http://prometheus.example.com:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
		Details: labels("node2"),
		Key:     key("alertmanager", "1f3a5b7c9d0e2f41 resolved 2026-11-20T03:02:45.123Z 2026-11-20T03:10:45.123Z"),
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
		Targets: []string{"@@ops"}, Severity: "high", Title: "High memory usage",
		Message: "This alert was triggered for zone us-1\nThe system has high memory usage",
		Link:    "https://play.grafana.org/d/dashboard-1?viewPanel=2",
		Details: []Detail{{"grafana_folder", "Databases"}, {"team", "blue"}, {"zone", "us-1"}},
		Key:     key("grafana", "c6eadffa33fcdf37 firing 2026-11-20T09:51:03.157076+02:00"),
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
		Link:    "https://backup.example.com/1",
		Details: []Detail{{"source", "/backup/db1"}, {"id", "A234-1234-1234"}, {"subject", "nightly"}},
		Key:     key("cloudevents", "/backup/db1 A234-1234-1234"),
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
			if err != nil || !reflect.DeepEqual(got, []Alert{want}) {
				t.Errorf("%v\n%+v, want\n%+v", err, got, want)
			}
		})
	}
	t.Run("text", func(t *testing.T) {
		got, err := read(t, ops, "cloudevents", "text/plain", "node1 down", "ce-specversion", "1.0", "ce-id", "1", "ce-source", "/s", "ce-type", "t")
		if err != nil || len(got) != 1 || got[0].Message != "node1 down" || got[0].Targets[0] != "@@ops" {
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
		Targets: []string{"@@dba"}, Severity: "critical", Message: "db1 failed: disk full; no space;", Title: "DB1", Key: key("backup", "17"),
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%+v, want\n%+v", err, got, want)
	}
	if got, err := read(t, c, "backup", "application/problem+json; charset=utf-8", `{"job":"db1","level":1,"errors":[],"run":18}`); err != nil || got[0].Targets[0] != "@all" || got[0].Severity != "low" {
		t.Errorf("%v, %+v", err, got)
	}
}

// TestRefused sends what no source says, to each.
func TestRefused(t *testing.T) {
	c := Config{"any": {Template: Template{Message: "{{.a.b.c}}"}}}
	for _, row := range []struct{ source, contentType, body, why string }{
		{"alertmanager", "application/json", "", "not that of Alertmanager"},
		{"alertmanager", "application/json", `{"alerts":[]}`, "there are 0"},
		{"alertmanager", "application/json", `{"alerts":[{"status":"on"}]}`, "alerts[0].status"},
		{"alertmanager", "application/json", `{"alerts":[{"status":"firing","labels":{"alertname":"x"}}]}`, `"bongsu_target"`},
		{"alertmanager", "application/json", `{"alerts":[{"status":"firing","labels":{"bongsu_target":"@all"}}]}`, "says nothing"},
		{"alertmanager", "application/json", `{"alerts":[{"status":"firing","labels":{"bongsu_target":7}}]}`, "Labels"},
		{"grafana", "application/json", `[]`, "not that of Grafana"},
		{"cloudevents", "application/json", `{}`, "no CloudEvent"},
		{"cloudevents", "application/cloudevents+json", `{"specversion":"1.0"}`, "id"},
		{"cloudevents", "application/cloudevents-batch+json", `[]`, "0 events"},
		{"any", "application/json", `{`, "no JSON"},
		{"any", "application/json", `{"a":"b"}`, "message"},
	} {
		t.Run(row.source+" "+row.body, func(t *testing.T) {
			got, err := read(t, c, row.source, row.contentType, row.body)
			if !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), row.why) || got != nil {
				t.Errorf("%+v, %v, want %q", got, err, row.why)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	for text, why := range map[string]string{
		"alertmanager:\n  target: ['@@ops']\n  severity: high\nbackup:\n  template: {message: '{{.text}}'}\n": "",
		"backup: {}\n": "needs a template for message",
		"backup: {template: {message: '{{.text'}}\n":    "template of backup",
		"grafana: {target: [ops]}\n":                    `"ops"`,
		"Grafana: {}\n":                                 "no name",
		"grafana: {colour: red}\n":                      "colour",
		"grafana: {template: {title: '{{nothing}}'}}\n": "nothing",
	} {
		path := filepath.Join(t.TempDir(), "intake.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		if why == "" && err != nil || why != "" && (err == nil || !strings.Contains(err.Error(), why)) {
			t.Errorf("%s: %v, want %q", text, err, why)
		}
	}
}

func FuzzNotification(f *testing.F) {
	f.Add([]byte(`{"alerts":[{"status":"firing","labels":{"alertname":"x","bongsu_target":"@all"}}]}`))
	sources, err := ops.Sources()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		alerts, err := sources["alertmanager"](http.Header{}, body)
		if err != nil && !errors.Is(err, fault.ErrInvalid) {
			t.Error(err)
		}
		for _, a := range alerts {
			if a.Message == "" || len(a.Targets) == 0 || a.Key == "" || len(a.Details) > maxDetails {
				t.Errorf("%+v", a)
			}
		}
	})
}
