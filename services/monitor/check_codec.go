package monitor

import (
	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// checkFromWire returns the check of settings. Its error names the field.
func checkFromWire(wire *monitorv1.MonitorSettings) (probe.Check, error) {
	c := decodeCheck(wire)
	if c == nil {
		return nil, fault.InvalidField("check", "must be set")
	}
	if err := c.Validate(); err != nil {
		return nil, fault.Within(string(c.Kind()), err)
	}
	return c, nil
}

// decodeCheck returns the check of settings, or nil if there is none.
func decodeCheck(wire *monitorv1.MonitorSettings) probe.Check {
	switch c := wire.GetCheck().(type) {
	case *monitorv1.MonitorSettings_Http:
		return httpFromWire(c.Http)
	case *monitorv1.MonitorSettings_Tcp:
		return &probe.TCP{Address: c.Tcp.GetAddress(), Send: c.Tcp.GetSend(), Expect: c.Tcp.GetExpect(), TLS: c.Tcp.GetTls()}
	case *monitorv1.MonitorSettings_Dns:
		return &probe.DNS{Server: c.Dns.GetServer(), Name: c.Dns.GetName(), Type: c.Dns.GetType(), Expect: c.Dns.GetExpect()}
	case *monitorv1.MonitorSettings_Icmp:
		return &probe.ICMP{Host: c.Icmp.GetHost(), Count: int(c.Icmp.GetCount())}
	case *monitorv1.MonitorSettings_Grpc:
		return &probe.GRPC{Address: c.Grpc.GetAddress(), Service: c.Grpc.GetService(), TLS: c.Grpc.GetTls(), SkipVerify: c.Grpc.GetSkipVerify()}
	case *monitorv1.MonitorSettings_Tls:
		return &probe.TLS{Address: c.Tls.GetAddress(), ServerName: c.Tls.GetServerName(), Days: int(c.Tls.GetDays())}
	case *monitorv1.MonitorSettings_Host:
		return &probe.Host{
			DiskPath: c.Host.GetDiskPath(), DiskPercent: c.Host.GetDiskPercent(), DiskFreeBytes: c.Host.GetDiskFreeBytes(),
			MemoryPercent: c.Host.GetMemoryPercent(), CPUPercent: c.Host.GetCpuPercent(), Load: c.Host.GetLoad(),
		}
	case *monitorv1.MonitorSettings_Process:
		return &probe.Process{
			Name: c.Process.GetName(), Command: c.Process.GetCommand(), MinCount: int(c.Process.GetMinCount()), MaxMemoryBytes: c.Process.GetMaxMemoryBytes(),
		}
	case *monitorv1.MonitorSettings_Nats:
		return &probe.NATS{
			URL: c.Nats.GetUrl(), Servers: int(c.Nats.GetServers()), Stream: c.Nats.GetStream(), Consumer: c.Nats.GetConsumer(),
			MaxLag: c.Nats.GetMaxLag(), Credentials: c.Nats.GetCredentials(),
		}
	case *monitorv1.MonitorSettings_Postgres:
		return &probe.Postgres{
			URL: c.Postgres.GetUrl(), Password: c.Postgres.GetPassword(), ConnectionsPercent: c.Postgres.GetConnectionsPercent(),
			ReplicationLag: c.Postgres.GetReplicationLag().AsDuration(), TransactionAge: c.Postgres.GetTransactionAge().AsDuration(),
			XIDPercent: c.Postgres.GetXidPercent(),
		}
	case *monitorv1.MonitorSettings_Instance:
		return &probe.Instance{ID: c.Instance.GetId()}
	case *monitorv1.MonitorSettings_Heartbeat:
		return &probe.Heartbeat{
			Period: c.Heartbeat.GetPeriod().AsDuration(), Grace: c.Heartbeat.GetGrace().AsDuration(), MaxRun: c.Heartbeat.GetMaxRun().AsDuration(),
		}
	case *monitorv1.MonitorSettings_System:
		return &probe.System{Value: probe.SystemValue(c.System.GetValue()), Limit: c.System.GetLimit()}
	}
	return nil
}

func httpFromWire(wire *monitorv1.HttpCheck) *probe.HTTP {
	c := &probe.HTTP{
		URL: wire.GetUrl(), Method: wire.GetMethod(), Body: wire.GetBody(), Status: wire.GetStatus(),
		BodyPattern: wire.GetBodyPattern(), BodyNotPattern: wire.GetBodyNotPattern(), JSONPath: wire.GetJsonPath(), JSONValue: wire.GetJsonValue(),
		Redirects: int(wire.GetRedirects()), MaxLatency: wire.GetMaxLatency().AsDuration(), SkipVerify: wire.GetSkipVerify(),
	}
	for _, h := range wire.GetHeaders() {
		c.Headers = append(c.Headers, probe.Header{Name: h.GetName(), Value: h.GetValue()})
	}
	return c
}

// checkToWire sets the check of settings, without secrets.
func checkToWire(c probe.Check, wire *monitorv1.MonitorSettings) {
	switch c := c.(type) {
	case *probe.HTTP:
		wire.Check = &monitorv1.MonitorSettings_Http{Http: httpToWire(c)}
	case *probe.TCP:
		wire.Check = &monitorv1.MonitorSettings_Tcp{Tcp: &monitorv1.TcpCheck{Address: c.Address, Send: c.Send, Expect: c.Expect, Tls: c.TLS}}
	case *probe.DNS:
		wire.Check = &monitorv1.MonitorSettings_Dns{Dns: &monitorv1.DnsCheck{Server: c.Server, Name: c.Name, Type: c.Type, Expect: c.Expect}}
	case *probe.ICMP:
		wire.Check = &monitorv1.MonitorSettings_Icmp{Icmp: &monitorv1.IcmpCheck{Host: c.Host, Count: int32(c.Count)}}
	case *probe.GRPC:
		wire.Check = &monitorv1.MonitorSettings_Grpc{Grpc: &monitorv1.GrpcCheck{Address: c.Address, Service: c.Service, Tls: c.TLS, SkipVerify: c.SkipVerify}}
	case *probe.TLS:
		wire.Check = &monitorv1.MonitorSettings_Tls{Tls: &monitorv1.TlsCheck{Address: c.Address, ServerName: c.ServerName, Days: int32(c.Days)}}
	case *probe.Host:
		wire.Check = &monitorv1.MonitorSettings_Host{Host: &monitorv1.HostCheck{
			DiskPath: c.DiskPath, DiskPercent: c.DiskPercent, DiskFreeBytes: c.DiskFreeBytes, MemoryPercent: c.MemoryPercent, CpuPercent: c.CPUPercent, Load: c.Load,
		}}
	case *probe.Process:
		wire.Check = &monitorv1.MonitorSettings_Process{Process: &monitorv1.ProcessCheck{
			Name: c.Name, Command: c.Command, MinCount: int32(c.MinCount), MaxMemoryBytes: c.MaxMemoryBytes,
		}}
	case *probe.NATS:
		wire.Check = &monitorv1.MonitorSettings_Nats{Nats: &monitorv1.NatsCheck{
			Url: c.URL, Servers: int32(c.Servers), Stream: c.Stream, Consumer: c.Consumer, MaxLag: c.MaxLag,
		}}
	case *probe.Postgres:
		wire.Check = &monitorv1.MonitorSettings_Postgres{Postgres: &monitorv1.PostgresCheck{
			Url: c.URL, ConnectionsPercent: c.ConnectionsPercent, ReplicationLag: durationToWire(c.ReplicationLag),
			TransactionAge: durationToWire(c.TransactionAge), XidPercent: c.XIDPercent,
		}}
	case *probe.Instance:
		wire.Check = &monitorv1.MonitorSettings_Instance{Instance: &monitorv1.InstanceCheck{Id: c.ID}}
	case *probe.Heartbeat:
		wire.Check = &monitorv1.MonitorSettings_Heartbeat{Heartbeat: &monitorv1.HeartbeatCheck{
			Period: durationToWire(c.Period), Grace: durationToWire(c.Grace), MaxRun: durationToWire(c.MaxRun),
		}}
	case *probe.System:
		wire.Check = &monitorv1.MonitorSettings_System{System: &monitorv1.SystemCheck{Value: monitorv1.SystemValue(c.Value), Limit: c.Limit}}
	}
}

func httpToWire(c *probe.HTTP) *monitorv1.HttpCheck {
	wire := &monitorv1.HttpCheck{
		Url: c.URL, Method: c.Method, Body: c.Body, Status: c.Status, BodyPattern: c.BodyPattern, BodyNotPattern: c.BodyNotPattern,
		JsonPath: c.JSONPath, JsonValue: c.JSONValue, Redirects: int32(c.Redirects), MaxLatency: durationToWire(c.MaxLatency), SkipVerify: c.SkipVerify,
	}
	for _, h := range c.Headers {
		wire.Headers = append(wire.Headers, &monitorv1.HttpHeader{Name: h.Name})
	}
	return wire
}

// checkBuiltIn returns an error if the check of a built-in monitor would change, but for the limit of
// a system check.
func checkBuiltIn(stored, changed probe.Check) error {
	old, limited := stored.(*probe.System)
	to, ok := changed.(*probe.System)
	if limited && ok && old.Value == to.Value {
		return nil
	}
	if !limited && stored.Kind() == changed.Kind() && stored.Destination() == changed.Destination() {
		return nil
	}
	return fault.InvalidField("settings."+string(changed.Kind()), "the check of a built-in monitor cannot be changed")
}
