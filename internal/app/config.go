// Package app is the process: it opens what the services need, joins them, and
// runs them until it is told to stop. It is the only package that knows everybody.
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
	"github.com/bongsu-project/bongsu/internal/messenger"
)

// The services, by the word that --services calls each.
const (
	Edge   = "edge"
	Group  = "group"
	Alert  = "alert"
	Sender = "sender"
	Mockup = "mockup"
)

// services holds every service with the address it listens on where it is asked
// for none: the ports of a split deployment, on loopback.
var services = []struct{ name, addr string }{
	{Edge, "127.0.0.1:18080"},
	{Group, "127.0.0.1:18081"},
	{Alert, "127.0.0.1:18082"},
	{Sender, "127.0.0.1:18083"},
	{Mockup, "127.0.0.1:18084"},
}

// A Config says what a process is to be. The zero value of a field is its default.
type Config struct {
	Services []string // Edge, Group, …; "all" means all but Mockup; empty means all
	Data     string   // the folder of the databases, the queue and the seal key; must be set

	// Addrs holds where services listen, by their word. A service without one
	// listens on its own port where it is needed: the edge, the mockup, and any
	// service in a process without the edge. Port 0 asks for any free one.
	Addrs map[string]string

	// MockupSMTPAddr is where the mockup takes mail; default port 18025 on the mockup's
	// host, or any free one where the mockup itself has port 0.
	MockupSMTPAddr string

	DirectoryURL string // postgres://… or a file; default directory.db in Data
	LedgerURL    string // postgres://… or a file; default ledger.db in Data
	NATSURL      string // default a broker inside the process
	GroupURL     string // where the group service is, if not in this process
	UserInfoURL  string // a UserInfo of another system that keeps the people, in place of the group service; none by default
	AlertURL     string // where the alert service is, if not in this process
	ProviderURL  string // in place of the scheme and host of every provider, and of mail relays with port 18025; default the mockup of this process, or the providers themselves
	SealKeyFile  string // default seal.key in Data, made where it is missing
	SealKey      string // what the file holds, or the base64 of it, in place of a file
	Replicas     int    // of the queue's stream; default 1
	JobSize      int    // deliveries a job; default 5

	// Keep is how long alerts are kept after the last of their deliveries ended, before
	// they are deleted, with all that became of them. 0 keeps them forever; else at least
	// two days.
	Keep time.Duration

	// FailoverAfter is how long an address may take, where failover is on, before the
	// next of its user is used. Default a minute; at least a second.
	FailoverAfter time.Duration

	// Lease is how long a sender may hold a delivery without a report, and a job
	// without an end: what a dead sender held goes on after it. Default 30 s; at
	// least a second, and more than twice ProviderTimeout.
	Lease            time.Duration
	ProviderTimeout  time.Duration // of a call to a provider; default 10 s
	CredentialLimit  string        // of calls under one credential, such as 10/s, or off; default 10/s
	DestinationLimit string        // of calls to one destination; default the messenger's own
	BreakerPercent   int           // of calls under a credential that fail before it is left alone; default 10, below 0 never
	BreakerCalls     int           // so many at least; default 10
	BreakerOpen      time.Duration // how long it is left alone; default 3 s
	RefusalTime      time.Duration // how long a credential is left alone that was refused; default 1 min

	MessengerConfig   string         // a file that says more of single messengers; none where it is empty
	Messengers        Messengers     // what it says; read from MessengerConfig where that is set
	AllowDestinations []netip.Prefix // where user-given URLs may lead, though they are not public
	AllowHTTP         bool           // user-given URLs may be http

	IntakeConfig string        // a file that says more of the sources of /v1/intake/; none where it is empty
	Intake       intake.Config // what it says; read from IntakeConfig where that is set

	// PprofAddr is where Go's profiles of the process are served, on a port of their own;
	// nowhere where it is empty.
	PprofAddr string

	DemoData bool // fill an empty directory with the demonstration data

	// Now is the clock of the services, of which only the wall time counts; default
	// time.Now.
	Now func() time.Time

	Log   *slog.Logger // must be set
	Calls io.Writer    // where the mockup prints the calls it got; nil prints none
}

// has says whether the process runs a service.
func (c Config) has(service string) bool { return slices.Contains(c.Services, service) }

// complete fills in the defaults and says what cannot work, in the words of the
// command line.
func (c Config) complete() (Config, error) {
	var err error
	if c.Services, err = expand(c.Services); err != nil {
		return c, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.JobSize == 0 {
		c.JobSize = 5
	}
	if c.JobSize < 1 || c.JobSize > 1000 {
		return c, fmt.Errorf("--job-size is %d: it goes from 1 to 1000", c.JobSize)
	}
	c.FailoverAfter = cmp.Or(c.FailoverAfter, time.Minute)
	if c.FailoverAfter < time.Second {
		return c, fmt.Errorf("--failover-after is %s: it must be at least a second", c.FailoverAfter)
	}
	if c.Keep != 0 {
		if err := checkKeep(c.Keep, c.Keep.String()); err != nil {
			return c, err
		}
	}
	if err := c.completePace(); err != nil {
		return c, err
	}
	if c.Replicas == 0 {
		c.Replicas = 1
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
	if c.IntakeConfig != "" {
		if c.Intake, err = intake.Read(c.IntakeConfig); err != nil {
			return c, err
		}
	}
	if err := c.Messengers.check(c.ProviderTimeout); err != nil {
		return c, err
	}
	if c.Lease < time.Second || c.ProviderTimeout < 0 || c.Lease <= 2*c.ProviderTimeout {
		return c, fmt.Errorf("--lease is %s and --provider-timeout %s: a lease must be at least a second, and longer than two calls to a provider may take", c.Lease, c.ProviderTimeout)
	}
	if c.DirectoryURL == "" {
		c.DirectoryURL = filepath.Join(c.Data, "directory.db")
	}
	if c.LedgerURL == "" {
		c.LedgerURL = filepath.Join(c.Data, "ledger.db")
	}
	if c.SealKey != "" && c.SealKeyFile != "" {
		return c, fmt.Errorf("say the seal key once: in a file (--seal-key-file), or as BONGSU_SEAL_KEY in the environment")
	}
	return c, c.checkNeighbours()
}

// completePace fills in how fast providers are called.
func (c *Config) completePace() error {
	c.CredentialLimit = cmp.Or(c.CredentialLimit, "10/s")
	if _, err := messenger.ParseRate(c.CredentialLimit); err != nil {
		return fmt.Errorf("--credential-limit: %w", err)
	}
	if _, err := messenger.ParseRate(cmp.Or(c.DestinationLimit, "off")); err != nil {
		return fmt.Errorf("--destination-limit: %w", err)
	}
	c.BreakerPercent = max(cmp.Or(c.BreakerPercent, 10), 0)
	c.BreakerCalls = cmp.Or(c.BreakerCalls, 10)
	c.BreakerOpen = cmp.Or(c.BreakerOpen, 3*time.Second)
	c.RefusalTime = cmp.Or(c.RefusalTime, time.Minute)
	if c.BreakerPercent > 100 || c.BreakerCalls < 1 || c.BreakerOpen < 0 {
		return fmt.Errorf("--breaker-percent goes from 1 to 100, or is -1 for never; --breaker-calls and --breaker-open are above 0")
	}
	if c.RefusalTime < time.Second {
		return fmt.Errorf("--refusal-time is %s: it must be at least a second, as a provider that is asked with a refused credential again and again may shut us out", c.RefusalTime)
	}
	return nil
}

// checkNeighbours says which service of another process must be named.
func (c Config) checkNeighbours() error {
	for _, need := range []struct {
		who, whom, flag, value string
	}{
		{Edge, Group, "--group-url", c.GroupURL},
		{Edge, Alert, "--alert-url", c.AlertURL},
		{Alert, Group, "--group-url", cmp.Or(c.UserInfoURL, c.GroupURL)},
		{Sender, Alert, "--alert-url", c.AlertURL},
	} {
		if c.has(need.who) && !c.has(need.whom) && need.value == "" {
			return fmt.Errorf("%s needs the %s service, which this process does not run: name it with %s, or add it to --services", need.who, need.whom, need.flag)
		}
	}
	if c.has(Alert) != c.has(Sender) && c.NATSURL == "" {
		return fmt.Errorf("the alert service and the senders are in different processes: name the NATS server between them with --nats-url")
	}
	return nil
}

// expand gives the services that words name, in the order of the table.
func expand(words []string) ([]string, error) {
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
			return nil, fmt.Errorf("--services names %q: it takes all or some of %s", word, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(known, func(name string) bool { return !named[name] }), nil
}

// addr gives where a service listens; empty where it has no port of its own.
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

// loopback says whether only this machine can reach an address.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
