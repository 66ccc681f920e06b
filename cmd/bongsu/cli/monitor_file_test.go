package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// everyKind is a file with a monitor of each kind, with most of the fields.
const everyKind = `monitors:
  - name: shop
    title: "Shop: the web"
    group: Web
    interval: 30s
    timeout: 2.5s
    failures: 3
    window: 5
    recoveries: 1
    severity: high
    target:
      - '@@ops'
      - '@kim'
    by:
      - slack
    escalation: night
    depends_on:
      - gateway
    paused: true
    public: true
    link: https://wiki.example/shop
    http:
      url: https://shop.example/healthz
      method: POST
      headers:
        - name: Accept
          value: text/html
        - name: Authorization
      body: '{"a": 1}'
      status:
        - 200
        - 204
      body_pattern: "ok|\U0001F600"
      json_path: $.status
      json_value: "010"
      redirects: 2
      max_latency: 1m30s
      skip_verify: true
  - name: line
    tcp:
      address: '[::1]:25'
      send: |
        EHLO x
      expect: ^220
      tls: true
  - name: names
    dns:
      server: 192.0.2.1:53
      name: shop.example
      type: AAAA
  - name: gateway
    icmp:
      host: gateway.example
      count: 5
  - name: api
    grpc:
      address: api.example:443
      service: shop.v1.Orders
  - name: certificate
    tls:
      address: shop.example:443
      days: 21
  - name: machine
    host:
      disk_percent: 90.5
      disk_free_bytes: 5368709120
      load: 4
  - name: daemon
    process:
      name: nginx
      min_count: 2
  - name: broker
    nats:
      servers: 3
      stream: ALERTS
      max_lag: 1000
  - name: orders
    postgres:
      url: postgres://monitor@db1/orders
      replication_lag: 500ms
  - name: edge-1
    instance:
      id: edge-1
  - name: backup
    heartbeat:
      period: 1d
      grace: 2h
      max_run: 1h15m
  - name: late
    system:
      value: oldest_due
      limit: 300
`

// TestMonitorFileRoundTrip reads a file, writes it, and reads it again.
func TestMonitorFileRoundTrip(t *testing.T) {
	file, problems, err := readMonitorFile([]byte(everyKind))
	kittest.NoError(t, err)
	kittest.Equal(t, problems.lines, []string(nil))
	settings, kinds := []*monitorv1.MonitorSettings{}, []string{}
	for _, m := range file.monitors {
		settings = append(settings, m.settings)
		kind, _ := checkOf(m.settings)
		kinds = append(kinds, kind)
	}
	for _, kind := range monitorKinds {
		if !slices.Contains(kinds, kind.name) {
			t.Errorf("no monitor of kind %s", kind.name)
		}
	}
	var out bytes.Buffer
	kittest.NoError(t, writeEntries(&out, "monitors", settings, monitorNode))
	again, problems, err := readMonitorFile(out.Bytes())
	kittest.NoError(t, err)
	kittest.Equal(t, problems.lines, []string(nil))
	for i, m := range again.monitors {
		if !proto.Equal(m.settings, settings[i]) {
			t.Errorf("%v, want %v", m.settings, settings[i])
		}
	}
	if got := out.String(); strings.ReplaceAll(got, `"`, "'") != strings.ReplaceAll(everyKind, `"`, "'") {
		t.Errorf("written:\n%s", got)
	}
	shop := settings[0].GetHttp()
	kittest.Equal(t, []any{shop.GetJsonValue(), shop.GetMaxLatency().AsDuration().String(), shop.GetHeaders()[1].GetValue(), len(shop.GetStatus())}, []any{"010", "1m30s", "", 2})
}

// TestKindsAreComplete checks that each kind of the API can be created.
func TestKindsAreComplete(t *testing.T) {
	checks := (&monitorv1.MonitorSettings{}).ProtoReflect().Descriptor().Oneofs().ByName("check").Fields()
	kittest.Equal(t, len(monitorKinds), checks.Len())
	for i := range checks.Len() {
		kind := monitorKinds[i]
		kittest.Equal(t, kind.name, string(checks.Get(i).Name()))
		if findField(checks.Get(i).Message(), kind.what) == nil {
			t.Errorf("%s has no field %s", kind.name, kind.what)
		}
	}
}

// TestMonitorFileProblems checks that each problem names its line.
func TestMonitorFileProblems(t *testing.T) {
	for text, want := range map[string]string{
		"monitors:\n  - name: a\n    htpp: {}":                                                     `line 3: a monitor has no field "htpp"`,
		"monitors:\n  - name: a\n    http:\n      url: x\n      hdr: 1":                            `line 5: http has no field "hdr"`,
		"monitors:\n  - name: a\n    interval: soon\n    tcp: {address: h:1}":                      `line 3: interval: not a duration such as 90s or 1d12h`,
		"monitors:\n  - name: a\n    failures: many\n    tcp: {address: h:1}":                      `line 3: failures: not a whole number`,
		"monitors:\n  - name: a\n    public: yes\n    tcp: {address: h:1}":                         `line 3: public: not true or false`,
		"monitors:\n  - name: a\n    tcp: {address: h:1}\n    icmp: {host: h}":                     `line 4: a monitor has one check only: tcp or icmp`,
		"monitors:\n  - name: a\n    depends_on: [b]\n    dependsOn: [c]\n    tcp: {address: h:1}": `line 4: duplicate field depends_on`,
		"monitors:\n  - name: a":                                            `line 2: monitor a has no check, such as http`,
		"monitors:\n  - tcp: {address: h:1}":                                `line 2: a monitor has no name`,
		"monitors:\n  - name: A\n    tcp: {address: h:1}":                   `line 2: monitor A: name: `,
		"monitors:\n  - name: a\n    tcp: {}":                               `line 2: monitor a: tcp.address: `,
		"monitors:\n  - name: a\n    interval: 2d\n    tcp: {address: h:1}": `line 2: monitor a: interval: `,
		"monitors:\n  - name: a\n    system: {value: speed}":                `line 3: value: not one of oldest_due, stuck_deliveries, `,
		"monitors:\n  - name: a\n    target: kim\n    tcp: {address: h:1}":  `line 3: target must be a list`,
		"monitors:\n  - name: a\n    tcp: h:1":                              `line 3: tcp must be a mapping`,
		"monitors:\n  - &a {name: a, tcp: {address: h:1}}\n  - *a":          `line 3: monitor a is in line 2 too`,
		"monitor: []": `has no field "monitor"`,
	} {
		_, problems, err := readMonitorFile([]byte(text))
		if err != nil || len(problems.lines) != 1 || !strings.Contains(problems.lines[0], want) {
			t.Errorf("%s:\n%v, %v; want %s", text, problems.lines, err, want)
		}
	}
	for text, want := range map[string]string{"monitors: [": "invalid YAML", "a: 1\n---\nb: 2": "more than one YAML document"} {
		if _, _, err := readMonitorFile([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestMonitorFileMergesKeys checks anchors and merge keys, and that names of JSON are accepted.
func TestMonitorFileMergesKeys(t *testing.T) {
	file, problems, err := readMonitorFile([]byte("monitors:\n  - &base\n    name: a\n    interval: 15s\n    target: [\"@@ops\"]\n    http: {url: https://a.example, bodyPattern: ok}\n  - <<: *base\n    name: b\n    http: {url: https://b.example}\n"))
	kittest.NoError(t, err)
	kittest.Equal(t, problems.lines, []string(nil))
	kittest.Equal(t, file.monitors[0].settings.GetHttp().GetBodyPattern(), "ok")
	b := file.monitors[1].settings
	kittest.Equal(t, []string{b.GetName(), b.GetInterval().AsDuration().String(), strings.Join(b.GetTarget(), ","), b.GetHttp().GetUrl()}, []string{"b", "15s", "@@ops", "https://b.example"})
}

// FuzzMonitorFile checks that what is read can be written and read again, without a difference.
func FuzzMonitorFile(f *testing.F) {
	f.Add([]byte(everyKind))
	f.Add([]byte("monitors:\n  - &a {name: a, tcp: {address: \"h:1\"}}\n  - <<: *a\n    name: b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, problems, err := readMonitorFile(text)
		if err != nil || problems.count > 0 {
			return
		}
		for _, m := range file.monitors {
			var out bytes.Buffer
			kittest.NoError(t, writeEntries(&out, "monitors", []*monitorv1.MonitorSettings{m.settings}, monitorNode))
			again, problems, err := readMonitorFile(out.Bytes())
			if err != nil || problems.count > 0 || len(again.monitors) != 1 || !proto.Equal(again.monitors[0].settings, m.settings) {
				t.Errorf("%v, %v, of:\n%s", err, problems.lines, out.String())
			}
		}
	})
}

// TestMonitorPlan compares stored monitors with a file: defaults are no change, a monitor comes
// after those that it depends on, and is deleted before them.
func TestMonitorPlan(t *testing.T) {
	stored := []*monitorv1.Monitor{
		storedMonitor(t, `{"name": "same", "title": "same", "interval": "60s", "timeout": "10s", "failures": 2, "window": 2, "recoveries": 2, "severity": "critical", "http": {"url": "https://a.example", "method": "GET", "headers": [{"name": "Authorization"}]}}`),
		storedMonitor(t, `{"name": "beat", "failures": 1, "window": 1, "recoveries": 1, "severity": "critical", "heartbeat": {"period": "86400s", "grace": "8640s"}}`),
		storedMonitor(t, `{"name": "wide", "interval": "5s", "timeout": "2.5s", "failures": 2, "window": 5, "recoveries": 2, "postgres": {}}`),
		storedMonitor(t, `{"name": "moved", "http": {"url": "https://a.example"}}`),
		storedMonitor(t, `{"name": "kind", "http": {"url": "https://a.example"}}`),
		storedMonitor(t, `{"name": "old", "tcp": {"address": "h:1"}}`),
		storedMonitor(t, `{"name": "older", "dependsOn": ["old"], "tcp": {"address": "h:1"}}`),
		storedMonitor(t, `{"name": "instance.a", "instance": {"id": "a"}}`),
	}
	stored[7].BuiltIn = true
	file, problems, err := readMonitorFile([]byte(`monitors:
  - {name: top, depends_on: [middle, same], tcp: {address: "h:1"}}
  - {name: middle, depends_on: [moved, bottom], tcp: {address: "h:1"}}
  - {name: same, http: {url: "https://a.example", headers: [{name: Authorization}]}}
  - {name: beat, heartbeat: {period: 24h}}
  - {name: wide, title: wide, interval: 5s, window: 5, postgres: {replication_lag: 0s}}
  - {name: bottom, tcp: {address: "h:1"}}
  - {name: moved, interval: 30s, http: {url: "https://b.example", method: GET, headers: [{name: Authorization, value: Bearer s3cret}]}}
  - {name: kind, tcp: {address: "h:1"}}
`))
	kittest.NoError(t, err)
	kittest.Equal(t, problems.lines, []string(nil))
	plan := newMonitorPlan(stored, file.monitors, true)
	var got []string
	for _, c := range plan.set {
		got = append(got, c.settings.GetName()+" "+strings.Join(c.fields, ","))
	}
	kittest.Equal(t, got, []string{"moved interval,http.url,http.headers", "bottom ", "middle ", "top ", "kind http,tcp"})
	got = nil
	for _, c := range plan.deleted {
		got = append(got, c.settings.GetName())
	}
	kittest.Equal(t, got, []string{"older", "old"})
	kittest.Equal(t, plan.unchanged, 3)
	kittest.Equal(t, len(newMonitorPlan(stored, file.monitors, false).deleted), 0)
}

// storedMonitor returns a stored monitor with settings in JSON.
func storedMonitor(t *testing.T, settings string) *monitorv1.Monitor {
	t.Helper()
	s := &monitorv1.MonitorSettings{}
	kittest.NoError(t, protojson.Unmarshal([]byte(settings), s))
	return &monitorv1.Monitor{Settings: s}
}

// TestMonitorFileIsCheckedFirst checks that a file with problems, or with people that are not asked
// for, is refused before any call.
func TestMonitorFileIsCheckedFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "monitors.yaml")
	for text, want := range map[string]string{
		"monitors:\n  - name: a\n":       "the file has 1 problem, and nothing was imported",
		"users: [{nickname: kim}]\n":     "has users or groups: add --directory",
		"monitors: []\n---\nusers: []\n": "more than one YAML document",
	} {
		kittest.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		code, stdout, stderr := bongsu(t, "", "monitor", "import", path, "--server=127.0.0.1:1")
		if code == exitOK || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit %d, %q, %q; want %s", text, code, stdout, stderr, want)
		}
	}
}
