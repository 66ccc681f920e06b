package app

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/services/access"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/mockup"
)

// TestFlags checks each flag with an address or a URL with valid and invalid values: an
// error names the flag and the expected form, and does not quote the value.
func TestFlags(t *testing.T) {
	addrs := []string{"127.0.0.1:18080", ":18080", "0.0.0.0:0", "[::1]:18080", "localhost:18080", "[fe80::1%lo]:18080"}
	noAddrs := []string{"18080", "127.0.0.1", "http://127.0.0.1:18080", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "a,b:18080", "127.0.0.1:18080,127.0.0.1:18081", "127.0.0.1:", " 127.0.0.1:1", "::1:18080", "a b:1"}
	services := []string{"http://10.0.0.7:18082", "https://alert.example.com", "http://alert:18082/", "http://[::1]:18082", "http://my_alert.internal.:1"}
	noServices := []string{
		"a,b", "http://a:1,b:2", "http://a,b:18082", "alert:18082", "alert", "htp://alert:18082", "http:/alert", "http//alert", "http://", "http://:18082",
		"http://alert:port", "http://alert:0", "http://alert:65536", "http://alert:", "http://kim:s3cret@alert", "http://alert?x=s3cret", "http://alert#s3cret", "http://al ert", "http://alert\n",
		" http://alert", "ftp://alert", "http://alert:18082:18083", "http://-alert", "nats://alert", "HTTP", "http://kim:s3c/ret@alert:1", "http://s3cret%zz@alert", "http://[::1", "http://alert!",
	}
	several := []string{"http://a,http://b", "http://a:1, https://b:2/", "srv://_alert._tcp.example.com", "srv://alert/"}
	noSeveral := []string{"http://a,", "http://a,http://a", "http://a,http://a/", "http://a/x,http://b", "http://alert/prefix", "http://a,srv://b", "srv://a,srv://b", "srv://", "srv://a:1", "srv://kim:s3cret@a", "http://a,http://kim:s3cret@b"}
	databases := []string{
		"ledger.db", "./a=b.db", "/var/lib/a:b.db", "sqlite:/var/lib/x.db", "sqlite:x.db", `C:\bongsu\x.db`, "postgres://kim:s3cret@h:5432/x?sslmode=disable", "postgresql:///x?host=/run",
		"host=h dbname=x user=kim password=s3cret", "dbname=x", "host = h", "postgres://h/x?default_query_exec_mode=exec", "postgres://a,b/x",
	}
	noDatabases := []string{
		"postgress://kim:s3cret@h/x", "postgres:/h/x", "postgres:h", "mysql://kim:s3cret@h/x", "sqlite://x.db", "sqlite:///x.db", "sqlite3:x.db", "file:x.db", "file:///x.db", "sqlite:",
		":memory:", "sqlite::memory:", "hosst=h password=s3cret", "host=h port=s3cret", "postgres://kim:s3cret@h:port/x", "postgres://kim:s3c/ret@h/x", " postgres://h/x", "postgres://h/x\n",
		"jdbc:postgresql://h/x?password=s3cret", "Postgres://h/x", "https://h/x", "ab:c.db", "postgres://h/x?default_query_exec_mode=s3cret", "mongodb+srv://h", "\x00.db",
	}
	for _, flag := range []struct {
		name      string
		set       func(*Config, string)
		good, bad []string
	}{
		{"--edge-addr", func(c *Config, value string) { c.Edge.Addr, c.Edge.Auth = value, edge.AuthOff }, addrs, noAddrs},
		{"--directory-addr", func(c *Config, value string) { c.Directory.Addr = value }, addrs, noAddrs},
		{"--alert-addr", func(c *Config, value string) { c.Alert.Addr = value }, addrs, noAddrs},
		{"--event-addr", func(c *Config, value string) { c.Event.Addr = value }, addrs, noAddrs},
		{"--inbox-addr", func(c *Config, value string) { c.Inbox.Addr = value }, addrs, noAddrs},
		{"--incident-addr", func(c *Config, value string) { c.Incident.Addr = value }, addrs, noAddrs},
		{"--monitor-addr", func(c *Config, value string) { c.Monitor.Addr = value }, addrs, noAddrs},
		{"--sender-addr", func(c *Config, value string) { c.Sender.Addr = value }, addrs, noAddrs},
		{"--mockup-addr", func(c *Config, value string) { c.Mockup.Addr = value }, addrs, noAddrs},
		{"--mockup-smtp-addr", func(c *Config, value string) { c.Mockup.SMTPAddr = value }, addrs, noAddrs},
		{"--metrics-addr", func(c *Config, value string) { c.MetricsAddr = value }, addrs, noAddrs},
		{"--pprof-addr", func(c *Config, value string) { c.PprofAddr = value }, addrs, noAddrs},
		{"--directory-service-url", func(c *Config, value string) { c.DirectoryServiceURL = value }, append(several, services...), append(noSeveral, noServices...)},
		{"--alert-url", func(c *Config, value string) { c.AlertURL = value }, append(several, services...), append(noSeveral, noServices...)},
		{"--access-service-url", func(c *Config, value string) { c.AccessServiceURL = value }, append(several, services...), append(noSeveral, noServices...)},
		{"--event-service-url", func(c *Config, value string) { c.EventServiceURL = value }, append(several, services...), append(noSeveral, noServices...)},
		{"--inbox-service-url", func(c *Config, value string) { c.InboxServiceURL = value }, append(several, services...), append(noSeveral, noServices...)},
		{"--incident-service-url", func(c *Config, value string) { c.IncidentServiceURL = value }, append(several, services...), append(noSeveral, noServices...)},
		{"--monitor-service-url", func(c *Config, value string) { c.MonitorServiceURL = value }, append(several, services...), append(noSeveral, noServices...)},
		{"--userinfo-url", func(c *Config, value string) { c.Alert.UserInfoURL = value }, append(services, "http://alert/prefix"), append(noServices, "http://a,http://b", "srv://a")},
		{"--oidc-issuer", func(c *Config, value string) { c.Edge.OIDC.Issuer, c.Edge.OIDC.Audience = value, "bongsu" },
			[]string{"https://login.example.com", "https://login.example.com/realms/ops", "https://login.example.com/", "http://127.0.0.1:8080", "http://localhost/x", "http://[::1]:1"},
			[]string{"http://login.example.com", "login.example.com", "https://kim:s3cret@login", "https://login?x=s3cret", "https://login#s3cret", "ftp://login", "https://", "http://10.0.0.7"}},
		{"--provider-url", func(c *Config, value string) { c.Providers.URL = value }, append(services, "http://kim:s3cret@gateway:3128/x"),
			[]string{"htp://mockup:18084", "mockup:18084", "http//mockup", "http://a,b", "http://mockup:18084?x=1", "http://mockup:65536", "smtp://mockup", "http://s3cret%zz@mockup"}},
		{"--public-url", func(c *Config, value string) { c.PublicURL = value },
			[]string{"https://bongsu.example.com", "https://bongsu.example.com/", "http://10.0.0.7:18080", "https://example.com/bongsu"},
			[]string{"bongsu.example.com", "https://", "ftp://bongsu", "https://kim:s3cret@bongsu", "https://bongsu?x=s3cret", "https://bongsu#s3cret", "https://bongsu:port", "http://a,http://b", " https://bongsu", "https://s3cret%zz@bongsu"}},
		{"--nats-url", func(c *Config, value string) { c.NATSURL = value },
			[]string{"nats://10.0.0.5", "nats://kim:s3cret@h:4222", "nats://t0ken@h", "tls://h:4222", "nats://a:4222, nats://b:4222", "h:4222", "wss://h/nats", "nats://[::1]:4222", "nats://h/"},
			[]string{"natss://h", "http://h:4222", "nats://", "nats://h:port", "nats://a:4222,", "nats://a:4222,,nats://b:4222", "nats://kim:s3c/ret@h:4222", "nats://kim:s3cret@h:s3cret", "nats:h:4222", "nats://h?x=1", "nats://h/x", "nats://a b", "nats:/h"}},
		{"--directory-url", func(c *Config, value string) { c.Directory.DatabaseURL = value }, databases, noDatabases},
		{"--event-url", func(c *Config, value string) { c.Event.DatabaseURL = value }, databases, noDatabases},
		{"--inbox-url", func(c *Config, value string) { c.Inbox.DatabaseURL = value }, databases, noDatabases},
		{"--incident-url", func(c *Config, value string) { c.Incident.DatabaseURL = value }, databases, noDatabases},
		{"--monitor-url", func(c *Config, value string) { c.Monitor.DatabaseURL = value }, databases, noDatabases},
		{"--ledger-url", func(c *Config, value string) { c.Alert.LedgerURL = value }, databases, noDatabases},
		{"--watchdog-mail", func(c *Config, value string) {
			c.Monitor.WatchdogMail, c.Monitor.WatchdogMailTo = value, []string{"ops@example.com"}
		}, []string{"smtp://kim:s3cret@relay.example.com?from=bongsu@example.com", "smtps://relay?from=bongsu@example.com", "smtp://127.0.0.1:18025?from=bongsu@example.com&tls=off"},
			[]string{"relay.example.com", "smtp://kim:s3cret@relay", "https://kim:s3cret@relay?from=bongsu@example.com", "smtp://kim:s3cret@relay?from=bongsu@example.com&tls=off", "smtp://s3cret%zz@relay"}},
	} {
		t.Run(flag.name, func(t *testing.T) {
			for _, value := range flag.good {
				c := Config{Data: t.TempDir()}
				flag.set(&c, value)
				if _, err := c.complete(); err != nil {
					t.Errorf("%q: %v", value, err)
				}
			}
			for _, value := range flag.bad {
				c := Config{Data: t.TempDir()}
				flag.set(&c, value)
				_, err := c.complete()
				if err == nil {
					t.Errorf("%q is accepted", value)
					continue
				}
				if !strings.HasPrefix(err.Error(), flag.name+" ") || !strings.Contains(err.Error(), "must") || strings.Contains(err.Error(), "s3c") {
					t.Errorf("%q: %v", value, err)
				}
			}
		})
	}
}

// TestOneDatabaseForBoth checks that the ledger and the directory must use different
// databases: each has its own schema version in one table.
func TestOneDatabaseForBoth(t *testing.T) {
	const url = "postgres://kim:s3cret@h/x"
	_, err := Config{Data: t.TempDir(), Alert: alert.Config{LedgerURL: url}, Directory: directory.Config{DatabaseURL: url}}.complete()
	if err == nil || !strings.Contains(err.Error(), "--ledger-url") || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}

func TestSlashesBehindURLs(t *testing.T) {
	c, err := Config{Services: []string{Edge}, Data: t.TempDir(), DirectoryServiceURL: "http://group:1/, http://group:2", AlertURL: "http://alert:1//", AccessServiceURL: "srv://_access._tcp.example.com/", EventServiceURL: "http://event:1/", InboxServiceURL: "http://inbox:1/", IncidentServiceURL: "http://incident:1/", MonitorServiceURL: "http://monitor:1/"}.complete()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{Directory: "[http://group:1 http://group:2]", Alert: "[http://alert:1]", Access: "[]_access._tcp.example.com", Event: "[http://event:1]", Inbox: "[http://inbox:1]", Incident: "[http://incident:1]", Monitor: "[http://monitor:1]"}
	for _, upstream := range c.upstreamFlags() {
		if got := fmt.Sprint(upstream.urls(), upstream.record()); got != want[upstream.service] {
			t.Errorf("%s: %s, want %s", upstream.service, got, want[upstream.service])
		}
	}
}

// TestServiceURLsInFlagsOfDatabases checks that --directory-url and --access-url may name
// services of other processes.
func TestServiceURLsInFlagsOfDatabases(t *testing.T) {
	c, err := Config{
		Services: []string{Edge}, Data: t.TempDir(), AlertURL: "http://alert:1",
		Directory: directory.Config{DatabaseURL: "http://a:1,http://b:1"}, Access: access.Config{DatabaseURL: "srv://access"},
	}.complete()
	if err != nil || c.DirectoryServiceURL != "http://a:1,http://b:1" || c.AccessServiceURL != "srv://access" {
		t.Errorf("%q, %q, %v", c.DirectoryServiceURL, c.AccessServiceURL, err)
	}
	_, err = Config{Services: []string{Edge}, Data: t.TempDir(), AlertURL: "http://alert:1", DirectoryServiceURL: "http://a:1", Directory: directory.Config{DatabaseURL: "http://b:1"}}.complete()
	if err == nil || !strings.Contains(err.Error(), "set one") {
		t.Errorf("both: %v", err)
	}
}

// TestMissingUpstreams checks that the error of a process whose upstream is nowhere names all
// ways to it, and that a NATS server is one.
func TestMissingUpstreams(t *testing.T) {
	for _, row := range []struct {
		config Config
		flag   string
	}{
		{Config{Services: []string{Edge}, AlertURL: "http://a"}, "--directory-service-url"},
		{Config{Services: []string{Edge}, DirectoryServiceURL: "http://a"}, "--alert-url"},
		{Config{Services: []string{Alert, Sender}}, "--directory-service-url"},
		{Config{Services: []string{Sender}}, "--alert-url"},
		{Config{Services: []string{Edge}, DirectoryServiceURL: "http://a", AlertURL: "http://a", Edge: edge.Config{Auth: edge.AuthRequired}}, "--access-service-url"},
	} {
		row.config.Data = t.TempDir()
		_, err := row.config.complete()
		if err == nil || !strings.Contains(err.Error(), row.flag) || !strings.Contains(err.Error(), "--nats-url") || !strings.Contains(err.Error(), "--services") {
			t.Errorf("%v: %v", row.config.Services, err)
		}
		row.config.NATSURL = "nats://h"
		if _, err := row.config.complete(); err != nil {
			t.Errorf("%v with --nats-url: %v", row.config.Services, err)
		}
	}
}

// TestFlagsWithoutEffect checks that flags without effect in this process are logged at
// the start.
func TestFlagsWithoutEffect(t *testing.T) {
	var log strings.Builder
	c := Config{Services: []string{Mockup}, Data: t.TempDir(), AlertURL: "http://alert:1", NATSURL: "nats://h", Log: slog.New(slog.NewTextHandler(&log, nil)),
		Alert: alert.Config{LedgerURL: "x.db", UserInfoURL: "http://people:1"}, Directory: directory.Config{DatabaseURL: "y.db"},
		Providers: ProviderConfig{URL: "http://mockup:1"}, Mockup: mockup.Config{Addr: "127.0.0.1:0"}}
	a, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.close(); err != nil {
		t.Error(err)
	}
	for _, flag := range []string{"ledger-url", "directory-url", "userinfo-url", "provider-url"} {
		if !strings.Contains(log.String(), `flag=--`+flag+" ") {
			t.Errorf("no warning for --%s:\n%s", flag, &log)
		}
	}
	full, err := Config{Data: t.TempDir(), DirectoryServiceURL: "http://group:1", AlertURL: "http://alert:1", NATSURL: "nats://h"}.complete()
	if err != nil || len(full.flagsWithoutEffect) != 2 {
		t.Errorf("%v, %v", full.flagsWithoutEffect, err)
	}
}

// TestProxiesOfTheEnvironment checks that an invalid proxy variable is an error at the
// start that names the variable and does not quote its value.
func TestProxiesOfTheEnvironment(t *testing.T) {
	for value, right := range map[string]bool{
		"": true, "http://proxy:3128": true, "proxy:3128": true, "http://kim:s3cret@proxy:3128/": true, "socks5://proxy": true,
		"http://kim:s3c/ret@proxy:3128": false, "ftp://s3cret:3128": false, "http://s3cret:port": false, "a s3cret": false, "http://a,b:3128": false,
	} {
		for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
			c := Config{Services: []string{Sender}}
			err := c.checkProxies(func(asked string) string { return map[string]string{name: value}[asked] })
			if (err == nil) != right || err != nil && (!strings.HasPrefix(err.Error(), name+" ") || strings.Contains(err.Error(), "s3c")) {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		}
	}
}
