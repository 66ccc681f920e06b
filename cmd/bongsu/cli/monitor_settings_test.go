package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// parseCommand parses a command line without running it.
func parseCommand(t *testing.T, args ...string) *commands {
	t.Helper()
	parsed := &commands{}
	parser := kong.Must(parsed, kong.Name("bongsu"))
	_, err := parser.Parse(flagsFirst(parser.Model.Node, args))
	kittest.NoError(t, err)
	return parsed
}

// requireSettings requires settings that are those of JSON.
func requireSettings(t *testing.T, got *monitorv1.MonitorSettings, want string) {
	t.Helper()
	wanted := &monitorv1.MonitorSettings{}
	kittest.NoError(t, protojson.Unmarshal([]byte(want), wanted))
	if !proto.Equal(got, wanted) {
		t.Errorf("got  %v\nwant %v", got, wanted)
	}
}

// created returns the settings that bongsu monitor create sends.
func created(t *testing.T, stdin string, args ...string) (*monitorv1.MonitorSettings, error) {
	t.Helper()
	c := parseCommand(t, append([]string{"monitor", "create"}, args...)...).Monitor.Create
	s := &monitorv1.MonitorSettings{Name: c.Name, Paused: c.Paused}
	if err := newCheck(s, c.Kind, c.What); err != nil {
		return nil, err
	}
	return s, c.apply(testConsole(stdin, nil, nil), s)
}

// TestMonitorCreateFlags checks the settings of command lines.
func TestMonitorCreateFlags(t *testing.T) {
	password := filepath.Join(t.TempDir(), "password")
	kittest.NoError(t, os.WriteFile(password, []byte("s3cret\n"), 0o600))
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"shop", "http", "https://shop.example", "--target=@@ops,@kim", "--by=slack", "--interval=1m30s", "--check-timeout=5s", "--failures=3", "--window=5",
			"--with=status=200, 204", "--with=json_path=$.a,b", "--with=max_latency=2s", "--header=Accept: text/html", "--public", "--paused", "--depends-on=gateway"},
			`{"name": "shop", "target": ["@@ops", "@kim"], "by": ["slack"], "interval": "90s", "timeout": "5s", "failures": 3, "window": 5, "public": true, "paused": true, "dependsOn": ["gateway"],
			  "http": {"url": "https://shop.example", "status": [200, 204], "jsonPath": "$.a,b", "maxLatency": "2s", "headers": [{"name": "Accept", "value": "text/html"}]}}`},
		{[]string{"shop", "http", "https://shop.example", "--secret=Authorization=-"},
			`{"name": "shop", "http": {"url": "https://shop.example", "headers": [{"name": "Authorization", "value": "Bearer t0ken"}]}}`},
		{[]string{"db", "postgres", "postgres://m@db1/x?sslmode=require", "--secret=password=" + password, "--with=replicationLag=1d12h", "--with=xid_percent=80.5"},
			`{"name": "db", "postgres": {"url": "postgres://m@db1/x?sslmode=require", "password": "s3cret", "replicationLag": "129600s", "xidPercent": 80.5}}`},
		{[]string{"backup", "heartbeat", "1d", "--title=", "--escalation=night", "--severity=high", "--no-public"},
			`{"name": "backup", "escalation": "night", "severity": "high", "heartbeat": {"period": "86400s"}}`},
		{[]string{"late", "system", "oldest_due", "--with=limit=300"}, `{"name": "late", "system": {"value": "SYSTEM_VALUE_OLDEST_DUE", "limit": 300}}`},
		{[]string{"late", "system", "oldest-due"}, `{"name": "late", "system": {"value": "SYSTEM_VALUE_OLDEST_DUE"}}`},
		{[]string{"disk", "host", "--with=disk_percent=90"}, `{"name": "disk", "host": {"diskPercent": 90}}`},
		{[]string{"nats", "nats", "--with=stream=ALERTS", "--with=max_lag=5000000000"}, `{"name": "nats", "nats": {"stream": "ALERTS", "maxLag": "5000000000"}}`},
	} {
		got, err := created(t, "Bearer t0ken\n", row.args...)
		kittest.NoError(t, err)
		requireSettings(t, got, row.want)
	}
}

// TestMonitorSetFlags checks that flags change what they name, and clear it if they are empty.
func TestMonitorSetFlags(t *testing.T) {
	s := storedMonitor(t, `{"name": "shop", "title": "Shop", "target": ["@kim"], "interval": "60s", "public": true, "escalation": "night",
		"http": {"url": "https://shop.example", "jsonPath": "$.a", "redirects": 2, "headers": [{"name": "Authorization"}, {"name": "Accept"}]}}`).GetSettings()
	c := parseCommand(t, "monitor", "set", "shop", "--target=", "--no-public", "--escalation=", "--with=url=https://new.example", "--with=json_path=", "--header=accept:", "--header=X-Site: a:b").Monitor.Set
	kittest.NoError(t, c.apply(testConsole("", nil, nil), s))
	requireSettings(t, s, `{"name": "shop", "title": "Shop", "interval": "60s",
		"http": {"url": "https://new.example", "redirects": 2, "headers": [{"name": "Authorization"}, {"name": "X-Site", "value": "a:b"}]}}`)
}

// TestMonitorFlagErrors checks that invalid flags name themselves, and quote no secret.
func TestMonitorFlagErrors(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	kittest.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"a", "web", "x"}, `unknown kind "web": use http, tcp, dns,`},
		{[]string{"a", "heartbeat", "daily"}, `invalid period "daily" of heartbeat: not a duration such as 90s or 1d12h`},
		{[]string{"a", "system", "speed"}, `invalid value "speed" of system: not one of oldest_due, `},
		{[]string{"a", "tcp", "h:1", "--interval=soon"}, `invalid --interval "soon": not a duration`},
		{[]string{"a", "tcp", "h:1", "--check-timeout=x"}, `invalid --check-timeout "x"`},
		{[]string{"a", "tcp", "h:1", "--failures=x"}, `invalid --failures "x": not a whole number`},
		{[]string{"a", "tcp", "h:1", "--with=url=x"}, `a check of kind tcp has no field url; it has address, send, expect, tls`},
		{[]string{"a", "tcp", "h:1", "--with=tls=yes"}, `invalid --with tls: not true or false`},
		{[]string{"a", "tcp", "h:1", "--with=tls"}, `use FIELD=VALUE`},
		{[]string{"a", "tcp", "h:1", "--header=X: s3cret"}, `for a check of kind http`},
		{[]string{"a", "tcp", "h:1", "--secret=password=" + empty}, `invalid --secret`},
		{[]string{"a", "http", "x", "--with=headers=s3cret"}, `no field headers; it has url, method, body, `},
		{[]string{"a", "postgres", "x", "--with=password=s3cret"}, `set password by --secret=password=FILE`},
		{[]string{"a", "postgres", "x", "--secret=password=" + empty}, `is empty`},
		{[]string{"a", "postgres", "x", "--secret=password=/does/not/exist"}, `no such file`},
		{[]string{"a", "nats", "--with=credentials=s3cret"}, `set credentials by --secret=credentials=FILE`},
	} {
		_, err := created(t, "", row.args...)
		if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v, want %s", row.args, err, row.want)
		}
	}
}

// TestMonitorTexts checks numbers as they are shown.
func TestMonitorTexts(t *testing.T) {
	for share, want := range map[float64]string{0: "0%", 1: "100%", 0.9995: "99.95%", 0.29: "29%", 0.9999999: "99.999%"} {
		kittest.Equal(t, percentText(&share), want)
	}
	for text, want := range map[string]string{"1.234567s": "1.23s", "35.4567ms": "35.5ms", "123.4µs": "123µs", "0s": "0s"} {
		d, err := parseFieldText(findField((&monitorv1.Result{}).ProtoReflect().Descriptor(), "latency"), text)
		kittest.NoError(t, err)
		kittest.Equal(t, latencyText(d.Message().Interface().(*durationpb.Duration)), want)
	}
	for text, want := range map[string]string{"24h": "1d", "36h": "36h", "90s": "1m30s", "1h0m5s": "1h0m5s", "60s": "1m", "3600s": "1h", "0s": "0s", "10s": "10s", "1h10m": "1h10m"} {
		d, err := parseFieldText(findField((&monitorv1.Result{}).ProtoReflect().Descriptor(), "latency"), text)
		kittest.NoError(t, err)
		kittest.Equal(t, durationText(d.Message().Interface().(*durationpb.Duration).AsDuration()), want)
	}
}

// TestReadEnd checks that of a long output the end is sent, beginning with a whole character.
func TestReadEnd(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"short", "short"}, {"0123456789", "0123456789"}, {"x0123456789", "0123456789"}, {strings.Repeat("x", 100000) + "end", "xxxxxxxend"}, {"ab가나다라", "나다라"}, {"", ""},
	} {
		got, err := readEnd(strings.NewReader(row.text), 10)
		kittest.NoError(t, err)
		kittest.Equal(t, string(got), row.want)
	}
	kittest.Equal(t, lastLine("a\nb\r\n\n"), "b")
}
