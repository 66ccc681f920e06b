package monitor

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// withCheck returns settings of a name with a check.
func withCheck(check *monitorv1.MonitorSettings) *monitorv1.MonitorSettings {
	check.Name = "x"
	return check
}

func seconds(n int) *durationpb.Duration { return durationpb.New(time.Duration(n) * time.Second) }

// checks are settings with each field of each kind.
var checks = map[string]*monitorv1.MonitorSettings{
	"http": {Check: &monitorv1.MonitorSettings_Http{Http: &monitorv1.HttpCheck{
		Url: "https://example.com/x", Method: "POST", Headers: []*monitorv1.HttpHeader{{Name: "Accept"}}, Body: "b", Status: []int32{200, 404},
		BodyPattern: "a+", BodyNotPattern: "c+", JsonPath: "$.x", JsonValue: "1", Redirects: 3, MaxLatency: seconds(2), SkipVerify: true,
	}}},
	"tcp":  {Check: &monitorv1.MonitorSettings_Tcp{Tcp: &monitorv1.TcpCheck{Address: "example.com:25", Send: "x", Expect: "220", Tls: true}}},
	"dns":  {Check: &monitorv1.MonitorSettings_Dns{Dns: &monitorv1.DnsCheck{Server: "example.com:53", Name: "example.com", Type: "MX", Expect: "mail"}}},
	"icmp": {Check: &monitorv1.MonitorSettings_Icmp{Icmp: &monitorv1.IcmpCheck{Host: "example.com", Count: 2}}},
	"grpc": {Check: &monitorv1.MonitorSettings_Grpc{Grpc: &monitorv1.GrpcCheck{Address: "example.com:443", Service: "a.B", Tls: true, SkipVerify: true}}},
	"tls":  {Check: &monitorv1.MonitorSettings_Tls{Tls: &monitorv1.TlsCheck{Address: "example.com:443", ServerName: "www.example.com", Days: 7}}},
	"host": {Check: &monitorv1.MonitorSettings_Host{Host: &monitorv1.HostCheck{
		DiskPath: "/var", DiskPercent: 90, DiskFreeBytes: 1, MemoryPercent: 91, CpuPercent: 92, Load: 2,
	}}},
	"process": {Check: &monitorv1.MonitorSettings_Process{Process: &monitorv1.ProcessCheck{Name: "sshd", Command: "ssh.*", MinCount: 2, MaxMemoryBytes: 3}}},
	"nats": {Check: &monitorv1.MonitorSettings_Nats{Nats: &monitorv1.NatsCheck{
		Url: "nats://example.com:4222", Servers: 3, Stream: "S", Consumer: "C", MaxLag: 10,
	}}},
	"postgres": {Check: &monitorv1.MonitorSettings_Postgres{Postgres: &monitorv1.PostgresCheck{
		Url: "postgres://kim@example.com/db", ConnectionsPercent: 80, ReplicationLag: seconds(3), TransactionAge: seconds(4), XidPercent: 50,
	}}},
	"instance":  {Check: &monitorv1.MonitorSettings_Instance{Instance: &monitorv1.InstanceCheck{Id: "host-1-edge"}}},
	"heartbeat": {Check: &monitorv1.MonitorSettings_Heartbeat{Heartbeat: &monitorv1.HeartbeatCheck{Period: seconds(60), Grace: seconds(5), MaxRun: seconds(30)}}},
	"system":    {Check: &monitorv1.MonitorSettings_System{System: &monitorv1.SystemCheck{Value: monitorv1.SystemValue_SYSTEM_VALUE_DISK, Limit: 90}}},
}

// TestEveryCheck checks that no field of a check is lost on its way into the nouns and back, and
// that each kind is among them.
func TestEveryCheck(t *testing.T) {
	fields := (*monitorv1.MonitorSettings)(nil).ProtoReflect().Descriptor().Oneofs().ByName("check").Fields()
	kittest.Equal(t, fields.Len(), len(checks))
	for i := range fields.Len() {
		name := string(fields.Get(i).Name())
		t.Run(name, func(t *testing.T) {
			wire := withCheck(checks[name])
			check := wire.ProtoReflect().Get(fields.Get(i)).Message()
			for k := range check.Descriptor().Fields().Len() {
				field := check.Descriptor().Fields().Get(k)
				if secret := field.Name() == "password" || field.Name() == "credentials"; !secret && !check.Has(field) {
					t.Errorf("the test does not set %s", field.FullName())
				}
			}
			s, err := settingsFromWire(proto.CloneOf(wire))
			kittest.NoError(t, err)
			kittest.Equal(t, string(s.Check.Kind()), name)
			got := settingsToWire(s)
			if !proto.Equal(got.ProtoReflect().Get(fields.Get(i)).Message().Interface(), check.Interface()) {
				t.Errorf("%v became %v", wire, got)
			}
			again, err := settingsFromWire(got)
			kittest.NoError(t, err)
			if !proto.Equal(settingsToWire(again), got) {
				t.Errorf("%v is not stable", got)
			}
		})
	}
}

// TestSecretsAreNotReturned checks that no secret leaves the service.
func TestSecretsAreNotReturned(t *testing.T) {
	for _, wire := range []*monitorv1.MonitorSettings{
		{Check: &monitorv1.MonitorSettings_Http{Http: &monitorv1.HttpCheck{Url: "https://example.com", Headers: []*monitorv1.HttpHeader{{Name: "Authorization", Value: "s3cret"}}}}},
		{Check: &monitorv1.MonitorSettings_Nats{Nats: &monitorv1.NatsCheck{Url: "nats://example.com", Servers: 1, Credentials: "s3cret"}}},
		{Check: &monitorv1.MonitorSettings_Postgres{Postgres: &monitorv1.PostgresCheck{Url: "postgres://kim@example.com/db", Password: "s3cret"}}},
	} {
		s, err := settingsFromWire(withCheck(wire))
		kittest.NoError(t, err)
		kittest.Equal(t, hasSecrets(s.Check), true)
		kittest.Equal(t, strings.Contains(settingsToWire(s).String(), "s3cret"), false)
	}
}

// TestSettings checks the defaults, and what is refused.
func TestSettings(t *testing.T) {
	tcp := func(change func(*monitorv1.MonitorSettings)) *monitorv1.MonitorSettings {
		wire := &monitorv1.MonitorSettings{Name: "x", Check: &monitorv1.MonitorSettings_Tcp{Tcp: &monitorv1.TcpCheck{Address: "example.com:1"}}}
		change(wire)
		return wire
	}
	heartbeat := func(change func(*monitorv1.MonitorSettings)) *monitorv1.MonitorSettings {
		wire := &monitorv1.MonitorSettings{Name: "x", Check: &monitorv1.MonitorSettings_Heartbeat{Heartbeat: &monitorv1.HeartbeatCheck{Period: seconds(60)}}}
		change(wire)
		return wire
	}
	type times struct {
		interval, timeout            time.Duration
		failures, window, recoveries int
	}
	for _, c := range []struct {
		wire *monitorv1.MonitorSettings
		want times
	}{
		{tcp(func(*monitorv1.MonitorSettings) {}), times{time.Minute, 10 * time.Second, 2, 2, 2}},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Interval = seconds(5) }), times{5 * time.Second, 2500 * time.Millisecond, 2, 2, 2}},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Failures = 3 }), times{time.Minute, 10 * time.Second, 3, 3, 2}},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Window = 5 }), times{time.Minute, 10 * time.Second, 2, 5, 2}},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Window, w.Recoveries = 1, 1 }), times{time.Minute, 10 * time.Second, 1, 1, 1}},
		{heartbeat(func(*monitorv1.MonitorSettings) {}), times{0, 0, 1, 1, 1}},
	} {
		s, err := settingsFromWire(c.wire)
		kittest.NoError(t, err)
		kittest.Equal(t, times{s.Interval, s.Timeout, s.Failures, s.Window, s.Recoveries}, c.want)
		kittest.Equal(t, s.Severity, "critical")
	}
	for _, c := range []struct {
		wire  *monitorv1.MonitorSettings
		field string
	}{
		{tcp(func(w *monitorv1.MonitorSettings) { w.Name = "" }), "name"},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Check = nil }), "check"},
		{tcp(func(w *monitorv1.MonitorSettings) { w.GetTcp().Address = "example.com" }), "tcp.address"},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Interval, w.Timeout = seconds(1), seconds(2) }), "timeout"},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Failures, w.Window = 3, 2 }), "window"},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Severity = "0123456789012345678901234567890" }), "severity"},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Severity = "a\nb" }), "severity"},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Escalation = "On Call" }), "escalation"},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Link = "javascript:alert(1)" }), "link"},
		{tcp(func(w *monitorv1.MonitorSettings) { w.Link = "runbook" }), "link"},
		{heartbeat(func(w *monitorv1.MonitorSettings) { w.Interval = seconds(1) }), "interval"},
		{heartbeat(func(w *monitorv1.MonitorSettings) { w.Timeout = seconds(1) }), "timeout"},
	} {
		_, err := settingsFromWire(c.wire)
		kittest.Error(t, err, fault.ErrInvalid, c.field)
		if fields := fault.Fields(err); len(fields) != 1 || fields[0].Path != c.field {
			t.Errorf("%v has the fields %v, want %s", err, fields, c.field)
		}
	}
}
