package deploy

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/bongsu-project/bongsu/test/proc"
)

// metricNames matches the names of metrics of Bongsu in an expression, with the labels that
// are compared, if any.
var metricNames = regexp.MustCompile(`\b((?:bongsu|rpc_server|process|go)_[a-z0-9_]+)\b(?:\{([^}]*)\})?`)

// targetLabels are the labels that Prometheus adds to what it scrapes.
var targetLabels = []string{"namespace", "job", "instance"}

// exposed are the label names by metric.
type exposed map[string]map[string]bool

// addSamples adds the metrics of a scrape.
func (e exposed) addSamples(text string) {
	label := regexp.MustCompile(`([a-z_]+)="`)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, labels, _ := strings.Cut(strings.Fields(line)[0], "{")
		if e[name] == nil {
			e[name] = map[string]bool{}
		}
		for _, found := range label.FindAllStringSubmatch(labels, -1) {
			e[name][found[1]] = true
		}
	}
}

// check checks the names of metrics and labels in an expression.
func (e exposed) check(t *testing.T, where, expression string) (names []string) {
	t.Helper()
	for _, found := range metricNames.FindAllStringSubmatch(expression, -1) {
		names = append(names, found[1])
		labels, ok := e[found[1]]
		if !ok {
			t.Errorf("%s: the program has no metric %s", where, found[1])
			continue
		}
		for _, compared := range regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`).FindAllStringSubmatch(found[2], -1) {
			if !labels[compared[1]] && !slices.Contains(targetLabels, compared[1]) {
				t.Errorf("%s: the metric %s has no label %s", where, found[1], compared[1])
			}
		}
	}
	return names
}

// A server is a running bongsu with an API key.
type server struct {
	*proc.Process
	urls map[string]string
	key  string
}

// call sends a request and returns the status of the response. from is the address of the
// client, which a trusted proxy would name.
func (s server) call(t *testing.T, service, method, path, from, key, body string) (status int, response string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.urls[service]+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", from)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Authorization", proc.Bearer(key))
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

// must is call for a request that succeeds, from an address of its own.
func (s server) must(t *testing.T, service, method, path, body string) {
	t.Helper()
	if status, text := s.call(t, service, method, path, "198.51.100.1", s.key, body); status/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
}

// fault lets the fake of Slack answer with a body and a status.
func (s server) fault(t *testing.T, status int, body string) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"fault": map[string]any{"share": 1, "status": status, "body": body}})
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, "mockup", http.MethodPost, "/bongsu.mockup.v1.MockupService/SetFault", string(text))
}

const alertToAll = `{"target":["@all"],"message":"node1 down","timeToLive":"3s"}`

// startAll starts a process with all services, and lets happen what its counters count:
// they have no series before.
func startAll(t *testing.T) server {
	t.Helper()
	data := t.TempDir()
	p := binaries.Serve(t, "--services=all,mockup", "--demo-data", "--data="+data, "--auth=required",
		"--edge-addr=127.0.0.1:0", "--mockup-addr=127.0.0.1:0", "--mockup-smtp-addr=127.0.0.1:0", "--metrics-addr=127.0.0.1:0",
		"--address-limit=20/s", "--ban-after=5", "--trusted-proxies=127.0.0.0/8", "--destination-limit=1/h", "--credential-limit=off")
	s := server{Process: p, key: p.AdminKey(t, data), urls: p.URLs(t, 3)}

	s.must(t, "edge", http.MethodPost, "/v1/alerts", alertToAll) // sent
	s.must(t, "edge", http.MethodPost, "/v1/alerts", alertToAll) // deferred by the limit of destinations
	s.must(t, "edge", http.MethodGet, "/v1/groups", "")          // cached
	s.must(t, "edge", http.MethodPost, "/v1/groups", `{"groupName":"changes"}`)
	s.call(t, "edge", http.MethodGet, "/v1/groups", "198.51.100.2", "bgs_wrong", "")
	s.call(t, "edge", http.MethodPost, "/v1/intake/alertmanager?target=@user1", "198.51.100.3", s.key,
		`{"alerts":[{"status":"firing","labels":{"alertname":"Down"}}]}`)
	s.call(t, "edge", http.MethodPost, "/v1/intake/alertmanager?target=@nobody", "198.51.100.3", s.key,
		`{"alerts":[{"status":"firing","labels":{"alertname":"Other"}}]}`)
	for range 100 { // refused, and banned
		s.call(t, "edge", http.MethodGet, "/v1/groups", "198.51.100.4", s.key, "")
	}
	return s
}

// scrape adds the metrics of the process until wanted ones are there.
func (s server) scrape(t *testing.T, to exposed, wanted ...string) {
	t.Helper()
	deadline := time.Now().Add(proc.Patience)
	for {
		status, text := s.call(t, "metrics", http.MethodGet, "/metrics", "", "", "")
		if status != http.StatusOK {
			t.Fatalf("/metrics: %d %s", status, text)
		}
		to.addSamples(text)
		missing := slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return to[name] != nil })
		if len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the metrics %q did not appear; these did: %q", missing, slices.Sorted(maps.Keys(to)))
		}
	}
}

// TestMetricNames checks that rules and dashboard name metrics and labels that a running
// process exposes.
func TestMetricNames(t *testing.T) {
	s := startAll(t)
	metrics := exposed{}
	s.scrape(t, metrics, "bongsu_sender_attempt_duration_seconds_count", "bongsu_sender_deferrals_total", "bongsu_edge_bans_total",
		"bongsu_intake_alerts_total", "bongsu_intake_refusals_total", "bongsu_edge_auth_refusals_total", "bongsu_edge_audit_entries_total")

	r := binaries.Serve(t, append(slices.Clone(proc.Unpaced), "--services=all,mockup", "--demo-data", "--data="+t.TempDir(), "--breaker-calls=2",
		"--edge-addr=127.0.0.1:0", "--mockup-addr=127.0.0.1:0", "--mockup-smtp-addr=127.0.0.1:0", "--metrics-addr=127.0.0.1:0")...)
	refused := server{Process: r, urls: r.URLs(t, 3)}
	refused.fault(t, http.StatusInternalServerError, "")
	refused.must(t, "edge", http.MethodPost, "/v1/alerts", alertToAll)
	refused.scrape(t, metrics, "bongsu_sender_breaker_changes_total")
	refused.fault(t, http.StatusOK, `{"ok":false,"error":"invalid_auth"}`)
	refused.must(t, "edge", http.MethodPost, "/v1/alerts", alertToAll)
	refused.scrape(t, metrics, "bongsu_sender_refusals_total")

	named := 0
	var rules struct {
		Groups []struct {
			Rules []struct{ Record, Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/prometheus/rules.yml")), &rules); err != nil {
		t.Fatal(err)
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Record != "" { // of rules that follow, without the metric in its name
				metrics[rule.Record[strings.LastIndex(rule.Record, ":")+1:]] = map[string]bool{}
			}
			named += len(metrics.check(t, rule.Record+rule.Alert, withoutRecords(rule.Expr)))
		}
	}
	for where, expression := range dashboardExpressions(t) {
		named += len(metrics.check(t, where, expression))
	}
	if named < 60 {
		t.Errorf("only %d names of metrics were found", named)
	}
}

// withoutRecords returns an expression without the names of recorded series.
func withoutRecords(expression string) string {
	return regexp.MustCompile(`[a-z_]+:[a-z0-9_:]+`).ReplaceAllString(expression, "")
}

// dashboardExpressions returns the expressions of the dashboard and of its variables, by
// their titles.
func dashboardExpressions(t *testing.T) map[string]string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
		Templating struct {
			List []struct {
				Name       string
				Definition string
			}
		}
	}
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/bongsu.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	expressions := map[string]string{}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			where := panel.Title + " " + target.RefID
			if expressions[where] != "" {
				t.Errorf("two expressions of the dashboard are called %s", where)
			}
			expressions[where] = target.Expr
		}
	}
	for _, variable := range dashboard.Templating.List {
		expressions["variable "+variable.Name] = variable.Definition
	}
	if len(expressions) < 30 {
		t.Errorf("the dashboard has %d expressions", len(expressions))
	}
	return expressions
}

// TestRulesAreOne checks that the files of Prometheus and Grafana are those of the chart.
func TestRulesAreOne(t *testing.T) {
	for link, want := range map[string]string{
		"deploy/prometheus/rules.yml": "../helm/bongsu/files/rules.yml",
		"deploy/grafana/bongsu.json":  "../helm/bongsu/files/bongsu.json",
	} {
		if got, err := os.Readlink(filepath.Join(root, link)); err != nil || got != want {
			t.Errorf("%s is a link to %q (%v), want %q", link, got, err, want)
		}
	}
}
