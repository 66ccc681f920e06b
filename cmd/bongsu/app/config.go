// Package app assembles the process: it opens the resources of the services, connects
// the services, and runs them until the process is stopped. It is the only package that
// imports them all.
package app

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/intake"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// The services, by their names in --services.
const (
	Edge      = "edge"
	Directory = "group"
	Alert     = "alert"
	Sender    = "sender"
	Mockup    = "mockup"
)

// services lists the services with their default addresses: the ports of a split
// deployment, on loopback.
var services = []struct{ name, addr string }{
	{Edge, "127.0.0.1:18080"},
	{Directory, "127.0.0.1:18081"},
	{Alert, "127.0.0.1:18082"},
	{Sender, "127.0.0.1:18083"},
	{Mockup, "127.0.0.1:18084"},
}

// A Config describes a process. The zero value of a field is its default.
type Config struct {
	Services []string // Edge, Group, …; "all" means all but Mockup; default all
	Data     string   // the folder of the databases, the queue and the seal key; required

	// Addrs holds the listen addresses of services by name. A service without one
	// listens on its default port if needed: the edge, the mockup, and any service in a
	// process without the edge. Port 0 is any free port.
	Addrs map[string]string

	// AllowedHosts holds the hosts that requests may name in the Host header, such as
	// bongsu.example.com. A port on loopback serves loopback names and these. Any other
	// port serves every Host if AllowedHosts is empty.
	AllowedHosts []string
	hosts        rpc.Hosts // parsed from AllowedHosts

	// MockupSMTPAddr is where the mockup accepts mail; default port 18025 on the
	// mockup's host, or any free port if the mockup has port 0.
	MockupSMTPAddr string

	DirectoryURL string // postgres://… or a file; default directory.db in Data
	LedgerURL    string // postgres://… or a file; default ledger.db in Data
	NATSURL      string // default a broker embedded in the process
	GroupURL     string // of the group service, if it is in another process
	UserInfoURL  string // UserInfo of a remote directory, in place of the group service; default none
	AlertURL     string // of the alert service, if it is in another process
	ProviderURL  string // replaces the scheme and host of every provider, and with port 18025 the mail relays; default the mockup of this process, or none
	SealKeyFile  string // default seal.key in Data, created if missing
	SealKey      string // the contents of the file, or their base64, in place of a file
	Replicas     int    // minimum replicas of the queue's stream; 0 leaves them unchanged, and means 1 for a new stream. Only for the alert service
	JobSize      int    // maximum deliveries in a job; default 5

	// Retention is how long alerts are kept after their last delivery completed; then they
	// are deleted with their deliveries and attempts. 0 keeps them forever; otherwise
	// at least two days.
	Retention time.Duration

	// FailoverAfter is how long an address may take before the next one of its failover
	// chain is used. Default 1 minute; at least 1 second.
	FailoverAfter time.Duration

	// Lease is how long a sender may hold a delivery without a report, and a queue
	// message without an ack, before another sender may take it. Default 30 s; at least
	// 1 s, and more than twice ProviderTimeout.
	Lease            time.Duration
	ProviderTimeout  time.Duration // of a call to a provider; default 10 s
	CredentialLimit  string        // of calls under one credential, such as 10/s, or off; default 10/s
	DestinationLimit string        // of calls to one destination; default that of the messenger
	BreakerPercent   int           // percentage of failed calls under a credential that opens its breaker; default 10, below 0 never
	BreakerCalls     int           // minimum calls before a breaker opens; default 10
	BreakerOpen      time.Duration // how long a breaker stays open; default 3 s
	RefusalTime      time.Duration // how long a refused credential is not called; default 1 min

	MessengerConfig   string         // file with settings of single messengers; default none
	Messengers        Messengers     // read from MessengerConfig if that is set
	AllowDestinations []netip.Prefix // non-public networks to which user-given URLs may lead
	AllowHTTP         bool           // user-given URLs may use http

	IntakeConfig string        // file with settings of intake sources; default none
	Intake       intake.Config // read from IntakeConfig if that is set

	// MaxConnections bounds the open connections on all ports of the process. Default
	// half of the open file limit, at most 10,000.
	MaxConnections int

	// PprofAddr is where Go profiles are served, on a port of their own; default none.
	PprofAddr string

	// SeverityMap holds ranks of other systems' severities, beside the built-in ones:
	// word=rank.
	SeverityMap []string
	Severities  job.SeverityMap // read from SeverityMap

	DemoData bool // store the demonstration data in an empty directory

	flagsWithoutEffect map[string]string // flags without effect, with the reason; set by complete

	Now   func() time.Time // the clock; default time.Now
	Log   *slog.Logger     // required
	Calls io.Writer        // where the mockup prints the calls that it received; nil prints none
}

// has reports whether the process runs a service.
func (c Config) has(service string) bool { return slices.Contains(c.Services, service) }

// complete sets the defaults and validates the configuration. Errors name flags.
func (c Config) complete() (Config, error) {
	var err error
	if c.Services, err = expandServices(c.Services); err != nil {
		return c, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.checkFlags(); err != nil {
		return c, err
	}
	c.flagsWithoutEffect = c.findFlagsWithoutEffect()
	if c.JobSize == 0 {
		c.JobSize = 5
	}
	if c.JobSize < 1 || c.JobSize > 1000 {
		return c, fmt.Errorf("invalid --job-size %d: must be from 1 to 1000", c.JobSize)
	}
	c.FailoverAfter = cmp.Or(c.FailoverAfter, time.Minute)
	if c.FailoverAfter < time.Second {
		return c, fmt.Errorf("invalid --failover-after %s: must be at least 1s", c.FailoverAfter)
	}
	if c.Retention != 0 {
		if err := checkRetention(c.Retention, c.Retention.String()); err != nil {
			return c, err
		}
	}
	if err := c.completeLimits(); err != nil {
		return c, err
	}
	if err := c.completeHosts(); err != nil {
		return c, err
	}
	if c.Replicas < 0 || c.Replicas > 5 {
		return c, fmt.Errorf("invalid --replicas %d: must be from 1 to 5; omit it to leave the queue unchanged", c.Replicas)
	}
	if c.Lease == 0 {
		c.Lease = 30 * time.Second
	}
	if c.ProviderTimeout == 0 {
		c.ProviderTimeout = 10 * time.Second
	}
	if c.MessengerConfig != "" {
		if c.Messengers, err = readMessengers(c.MessengerConfig); err != nil {
			return c, err
		}
	}
	if c.Severities, err = job.ParseSeverityMap(c.SeverityMap); err != nil {
		return c, fmt.Errorf("--severity-map: %w", err)
	}
	if c.IntakeConfig != "" {
		if c.Intake, err = intake.ReadConfig(c.IntakeConfig); err != nil {
			return c, err
		}
	}
	if err := c.Messengers.check(c.ProviderTimeout); err != nil {
		return c, err
	}
	if c.Lease < time.Second || c.ProviderTimeout < 0 || c.Lease <= 2*c.ProviderTimeout {
		return c, fmt.Errorf("invalid --lease %s with --provider-timeout %s: the lease must be at least 1s and more than twice the provider timeout", c.Lease, c.ProviderTimeout)
	}
	if c.DirectoryURL == "" {
		c.DirectoryURL = filepath.Join(c.Data, "directory.db")
	}
	if c.LedgerURL == "" {
		c.LedgerURL = filepath.Join(c.Data, "ledger.db")
	}
	if c.SealKey != "" && c.SealKeyFile != "" {
		return c, fmt.Errorf("set the seal key once: as a file (--seal-key-file) or as BONGSU_SEAL_KEY in the environment")
	}
	return c, c.checkUpstreams()
}

// completeLimits sets the defaults of limits and breakers, and validates them.
func (c *Config) completeLimits() error {
	c.CredentialLimit = cmp.Or(c.CredentialLimit, "10/s")
	if _, err := ratelimit.ParseRate(c.CredentialLimit); err != nil {
		return fmt.Errorf("--credential-limit: %w", err)
	}
	if _, err := ratelimit.ParseRate(cmp.Or(c.DestinationLimit, "off")); err != nil {
		return fmt.Errorf("--destination-limit: %w", err)
	}
	c.BreakerPercent = max(cmp.Or(c.BreakerPercent, 10), 0)
	c.BreakerCalls = cmp.Or(c.BreakerCalls, 10)
	c.BreakerOpen = cmp.Or(c.BreakerOpen, 3*time.Second)
	c.RefusalTime = cmp.Or(c.RefusalTime, time.Minute)
	if c.BreakerPercent > 100 || c.BreakerCalls < 1 || c.BreakerOpen < 0 {
		return fmt.Errorf("--breaker-percent must be from 1 to 100, or -1 for never; --breaker-calls and --breaker-open must be above 0")
	}
	if c.RefusalTime < time.Second {
		return fmt.Errorf("invalid --refusal-time %s: must be at least 1s, because a provider may block clients that repeat calls with a refused credential", c.RefusalTime)
	}
	return nil
}

// checkUpstreams returns an error that names the flag of a missing upstream.
func (c Config) checkUpstreams() error {
	for _, need := range []struct {
		who, whom, flag, value string
	}{
		{Edge, Directory, "--group-url", c.GroupURL},
		{Edge, Alert, "--alert-url", c.AlertURL},
		{Alert, Directory, "--group-url", cmp.Or(c.UserInfoURL, c.GroupURL)},
		{Sender, Alert, "--alert-url", c.AlertURL},
	} {
		if c.has(need.who) && !c.has(need.whom) && need.value == "" {
			return fmt.Errorf("%s needs the %s service, which this process does not run: set %s, or add it to --services", need.who, need.whom, need.flag)
		}
	}
	if c.has(Alert) != c.has(Sender) && c.NATSURL == "" {
		return fmt.Errorf("the alert service and the senders run in different processes: set --nats-url to the NATS server between them")
	}
	return nil
}

// expandServices returns the services that words name, in the order of the table.
func expandServices(words []string) ([]string, error) {
	if len(words) == 0 {
		words = []string{"all"}
	}
	named := map[string]bool{}
	var known []string
	for _, s := range services {
		known = append(known, s.name)
	}
	for _, word := range words {
		switch {
		case word == "all":
			for _, name := range known {
				named[name] = named[name] || name != Mockup
			}
		case slices.Contains(known, word):
			named[word] = true
		default:
			return nil, fmt.Errorf("unknown service %q in --services: use all, or some of %s", word, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(known, func(name string) bool { return !named[name] }), nil
}

// addr returns the listen address of a service, or "" if it has no port of its own.
func (c Config) addr(service string) string {
	if a := c.Addrs[service]; a != "" {
		return a
	}
	if service != Edge && service != Mockup && c.has(Edge) {
		return ""
	}
	for _, s := range services {
		if s.name == service {
			return s.addr
		}
	}
	return ""
}

// isLoopback reports whether an address is reachable from this machine only.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
