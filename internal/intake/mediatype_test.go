package intake

import (
	"strings"
	"testing"
)

// TestJSONSourcesRequireJSON sends the content types of a cross-site form or text to every
// source of JSON.
func TestJSONSourcesRequireJSON(t *testing.T) {
	c := Config{"alertmanager": {Target: []string{"@all"}}, "grafana": {Target: []string{"@all"}}, "backup": {Target: []string{"@all"}, Template: Template{Message: "{{.job}}"}}}
	const body = `{"version":"4","job":"db1","alerts":[{"status":"firing","labels":{"alertname":"x"},"fingerprint":"f","startsAt":"2026-11-20T03:12:45Z"}]}`
	for _, source := range []string{"alertmanager", "grafana", "backup"} {
		for _, contentType := range []string{"", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json/x", "application/jsonx", "text/html+json"} {
			if got, err := read(t, c, source, contentType, body); err == nil || !strings.Contains(err.Error(), "Content-Type") {
				t.Errorf("%s as %q: %v, %+v", source, contentType, err, got)
			}
		}
		for _, contentType := range []string{"application/json", "Application/JSON; charset=UTF-8", "application/vnd.backup+json"} {
			if got, err := read(t, c, source, contentType, body); err != nil || len(got) != 1 {
				t.Errorf("%s as %q: %v, %+v", source, contentType, err, got)
			}
		}
	}
	for _, contentType := range []string{"", "text/plain", "application/json"} {
		if got, err := read(t, c, "cloudevents", contentType, body); err == nil {
			t.Errorf("cloudevents as %q: %v, %+v", contentType, err, got)
		}
	}
}
