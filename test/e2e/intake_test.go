package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// TestIntake sends alerts of Alertmanager, Grafana, CloudEvents and custom JSON, each
// twice: duplicates are dropped.
func TestIntake(t *testing.T) {
	config := filepath.Join(t.TempDir(), "intake.yaml")
	if err := os.WriteFile(config, []byte("alertmanager:\n  target: ['@@test-team1']\ngrafana:\n  target: ['@user3']\n"+
		"backup:\n  target: ['@user4']\n  template:\n    message: '{{.job}} failed'\n    severity: critical\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("one process", func(t *testing.T) { intakeSuite(t, oneProcess(t, "--intake-config="+config)) })
	t.Run("six processes", func(t *testing.T) { intakeSuite(t, sixProcesses(t, "--intake-config="+config)) })
}

func intakeSuite(t *testing.T, d deployment) {
	// The resolved alert of Alertmanager's payload must have fired.
	firing := received(t, d.intake(t, "alertmanager", "application/json", nil,
		`{"alerts":[{"status":"firing","fingerprint":"1f3a5b7c9d0e2f41","labels":{"alertname":"NodeDown","severity":"critical"},"startsAt":"2026-11-20T03:02:45.123Z"}]}`, http.StatusOK))
	d.ended(t, firing.Alerts[0].ID)
	for _, c := range []struct {
		source, contentType string
		header              map[string]string
		body                string
		texts               []string // of the calls
	}{
		{"alertmanager", "application/json", nil, payload(t, "alertmanager.json"), []string{
			"[critical] node1 down", "[critical] node1 down", "[critical] node1 down", "[critical] resolved: node2 down", "[critical] resolved: node2 down",
		}},
		{"grafana", "application/json", nil, payload(t, "grafana.json"), []string{"[normal] This alert was triggered for zone us-1"}},
		{"cloudevents", "application/cloudevents+json", nil, `{"specversion":"1.0","id":"1","source":"/backup","type":"failed","bongsutarget":"@user5","data":{"message":"no tape"}}`,
			[]string{"[normal] no tape"}},
		{"cloudevents", "text/plain", map[string]string{"ce-specversion": "1.0", "ce-id": "2", "ce-source": "/backup", "ce-type": "failed", "ce-bongsutarget": "@user5", "ce-severity": "high"}, "no tape again",
			[]string{"[high] no tape again"}},
		{"backup", "application/json", nil, `{"job":"nightly"}`, []string{"[critical] nightly failed"}},
	} {
		t.Run(c.source, func(t *testing.T) {
			before := len(d.calls(t)) // the fakes keep their messages, which later ones change
			first := received(t, d.intake(t, c.source, c.contentType, c.header, c.body, http.StatusOK))
			second := received(t, d.intake(t, c.source, c.contentType, c.header, c.body, http.StatusOK))
			if len(first.Alerts) == 0 || first.RecordedCount != len(first.Alerts) || second.RepeatedCount != len(first.Alerts) || second.RecordedCount != 0 {
				t.Fatalf("responses %+v, then %+v", first, second)
			}
			for i, a := range first.Alerts {
				if second.Alerts[i].ID != a.ID || second.Alerts[i].UserCount != a.UserCount {
					t.Errorf("alert %d is %+v, then %+v", i, a, second.Alerts[i])
				}
				for _, delivery := range d.ended(t, a.ID) {
					if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT {
						t.Errorf("%v", delivery)
					}
				}
			}
			calls := d.calls(t)[before:]
			if len(calls) != len(c.texts) {
				t.Errorf("%d calls, want %d: %v", len(calls), len(c.texts), calls)
			}
			for _, text := range c.texts {
				found := false
				for i, call := range calls {
					if found = strings.Contains(call.GetBody(), text); found {
						calls = append(calls[:i], calls[i+1:]...)
						break
					}
				}
				if !found {
					t.Errorf("not sent: %q", text)
				}
			}
		})
	}
}

// TestIntakeRefuses sends requests that notify nobody.
func TestIntakeRefuses(t *testing.T) {
	t.Run("one process", func(t *testing.T) { intakeRefuses(t, oneProcess(t)) })
	t.Run("six processes", func(t *testing.T) { intakeRefuses(t, sixProcesses(t)) })
}

func intakeRefuses(t *testing.T, d deployment) {
	for source, c := range map[string]struct {
		body   string
		status int
		why    string
	}{
		"alertmanager": {`{"alerts":[{"labels":{"bongsu_target":"@nobody"}},{"labels":{"bongsu_target":"ops"}},{}]}`, http.StatusBadRequest, "alerts[1].target: malformed target ops"},
		"grafana":      {`{"alerts":`, http.StatusBadRequest, "body of Grafana"},
		"backup":       {`{}`, http.StatusNotFound, "backup"},
	} {
		t.Run(source, func(t *testing.T) {
			if answer := d.intake(t, source, "application/json", nil, c.body, c.status); !strings.Contains(string(answer), c.why) {
				t.Errorf("%s, want %q", answer, c.why)
			}
			if calls := d.calls(t); len(calls) > 0 {
				t.Errorf("calls were made: %v", calls)
			}
		})
	}
}

// An intakeResponse is a response of the intake.
type intakeResponse struct {
	Alerts []struct {
		ID            string
		UserCount     int
		UnknownTarget []string
		Outcome       string
		DefaultTarget bool
		Field, Reason string
	}
	RecordedCount, RepeatedCount, RefusedCount int
}

// outcomes returns the result of each alert as text.
func (r intakeResponse) outcomes() string {
	var all []string
	for _, a := range r.Alerts {
		all = append(all, strings.ToLower(strings.TrimPrefix(a.Outcome, "RECEIVED_OUTCOME_")))
	}
	return strings.Join(all, " ")
}

// received parses a response of the intake.
func received(t *testing.T, text []byte) (res intakeResponse) {
	t.Helper()
	if err := json.Unmarshal(text, &res); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return res
}

// payload returns a recorded body of a source.
func payload(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "internal", "intake", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// intake posts a body as a source, and returns the response body.
func (d deployment) intake(t *testing.T, source, contentType string, header map[string]string, body string, status int) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.edge+"/v1/intake/"+source, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("%s returned %d %s (%v), want %d", source, res.StatusCode, answer, err, status)
	}
	return answer
}
