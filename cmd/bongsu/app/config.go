// Package app assembles the process: it opens the resources of the services, connects
// the services, and runs them until the process is stopped. It is the only package that
// imports them all.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/bongsu-project/bongsu/internal/intake"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/telemetry"
	"github.com/bongsu-project/bongsu/services/access"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/event"
	"github.com/bongsu-project/bongsu/services/inbox"
	"github.com/bongsu-project/bongsu/services/incident"
	"github.com/bongsu-project/bongsu/services/mockup"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/sender"
)

// defaultDrain is the default of Config.Drain in a process that others can replace.
const defaultDrain = 5 * time.Second

// A Config holds the settings of a process: those that services share, and those of each
// service, written where the service is. The tags of a field are its flag of bongsu
// serve: name, default, help, the form of its value (check, see flag_checks.go), and older
// names (aliases). The zero value of a field is its default.
type Config struct {
	// Services names the services of this process. "all" means all but the mockup.
	Services []string `default:"all" help:"The services that this process runs: all (all but mockup), or some of edge, access, directory, alert, event, inbox, incident, monitor, sender and mockup."`

	// Data is the folder of the databases, the queue and the seal key file. It is created
	// if it is missing.
	Data string `default:"./data" type:"path" help:"The folder of the databases, the queue and the seal key file."`

	// AllowedHosts holds the hosts that requests may name in the Host header, such as
	// bongsu.example.com. A port on loopback serves loopback names and these. Any other
	// port serves every host if AllowedHosts is empty.
	AllowedHosts []string `placeholder:"bongsu.example.com" help:"Host headers that this process accepts, with any port or with one: bongsu.example.com, bongsu.example.com:8443 or *.example.com; others get status 403. Loopback names are always accepted. By default a port on loopback accepts only those, and any other port every Host."`

	// PublicURL is the URL at which people reach the edge, without a slash at its end. With it
	// messages of incidents have acknowledgment links. Empty means that they have none.
	PublicURL string `name:"public-url" check:"public" placeholder:"URL" help:"The URL at which people reach the edge, such as https://bongsu.example.com, for the edge and the senders: messages of incidents have a link below it by which their recipient acknowledges the incident. By default they have none."`

	// LinkKeyFile is the path of the file with the keys that sign these links. Empty means
	// link.key in Data, which is created if it is missing and this process runs the edge and a
	// sender.
	LinkKeyFile string `type:"path" placeholder:"FILE" help:"A file with the key that signs the links of --public-url, the same for the edge and the senders: at least 32 characters in a line, such as those of openssl rand -hex 32. The first line signs, all are accepted, so that a key can be replaced. By default link.key in --data, which is created."`

	// DirectoryServiceURL, AccessServiceURL, AlertURL, EventServiceURL, InboxServiceURL,
	// IncidentServiceURL and MonitorServiceURL say where the instances of a service are that other
	// processes run: base URLs separated by commas, or srv:// and the name of a DNS SRV record. Empty means the registry of NATSURL. (--directory-url and --access-url
	// name databases.)
	DirectoryServiceURL string `name:"directory-service-url" aliases:"group-url" check:"services" placeholder:"URL,…" help:"The URLs of the directory service, if other processes run it, or a DNS SRV record: srv://_directory._tcp.example.com. By default the instances that use the same --nats-url."`
	AccessServiceURL    string `name:"access-service-url" check:"services" placeholder:"URL,…" help:"The URLs of the access service, which keeps API keys and the audit log, in the same way."`
	AlertURL            string `name:"alert-url" check:"services" placeholder:"URL,…" help:"The URLs of the alert service, in the same way."`
	EventServiceURL     string `name:"event-service-url" check:"services" placeholder:"URL,…" help:"The URLs of the event service, in the same way."`
	InboxServiceURL     string `name:"inbox-service-url" check:"services" placeholder:"URL,…" help:"The URLs of the inbox service, in the same way."`
	IncidentServiceURL  string `name:"incident-service-url" check:"services" placeholder:"URL,…" help:"The URLs of the incident service, in the same way."`
	MonitorServiceURL   string `name:"monitor-service-url" check:"services" placeholder:"URL,…" help:"The URLs of the monitor service, in the same way."`

	// NATSURL names the servers of a NATS cluster, separated by commas. Empty means a
	// broker embedded in the process.
	NATSURL string `name:"nats-url" check:"nats" help:"The URLs of a NATS server or cluster with JetStream, separated by commas: nats://… or tls://…; by default a server is embedded in the process. Processes with the same one find one another."`

	// AdvertiseHost is the host by which other processes call the ports of this one. Empty
	// means that of the listen address, or for all networks the address of this machine from
	// which it reaches the NATS server.
	AdvertiseHost string `placeholder:"HOST" help:"The host name or IP address at which other processes reach the ports of this one, in the registry; by default that of the listen address, or for 0.0.0.0 the address of this machine in the network of the NATS server."`

	// Drain is how long a process that is stopped still answers, while it says that it is not
	// ready. nil means 5 s with NATSURL, and 0 without: there no other process can take over.
	Drain *time.Duration `placeholder:"5s" help:"How long a process that is stopped goes on answering requests while it is draining: not ready, so that callers and load balancers turn to other instances. By default 5s with --nats-url, and 0s without. A second signal ends it."`

	// Replicas is the minimum number of replicas of the queue's stream, from 1 to 5. nil
	// leaves them unchanged, and means 1 for a new stream. Only the alert service uses it.
	Replicas *int `placeholder:"3" help:"The minimum number of replicas of the queue in a NATS cluster, for the alert service, which creates the queue; by default unchanged, and 1 for a new queue. It is never reduced."`

	// Lease is how long a sender may hold a delivery without a report, and a queue message
	// without an ack, before another sender may take it. At least 1 second, and more than
	// twice the provider timeout.
	Lease time.Duration `default:"30s" help:"The lease: how long a sender may hold a claimed delivery without a report before another sender may claim it; more than twice --provider-timeout."`

	// SealKeyFile is the path of the seal key file. Empty means seal.key in Data, which is
	// created if it is missing.
	SealKeyFile string `type:"path" help:"The seal key file; seal.key in --data by default."`

	// SealKey is the contents of a seal key file, or their base64, in place of a file.
	SealKey string `placeholder:"KEY" help:"The contents of a seal key file, or their base64, in place of a file; prefer the environment variable, because command lines are visible to other users."`

	// MaxConnections bounds the open connections on all ports of the process. 0 means half
	// of the open file limit, at most 10,000.
	MaxConnections int `placeholder:"N" help:"The maximum number of open connections on all ports of the process; further ones wait. By default half of the open file limit (ulimit -n), at most 10000."`

	Internal  InternalConfig   `embed:"" group:"Between processes:"`
	Edge      edge.Config      `embed:"" group:"Edge:"`
	Access    access.Config    `embed:"" group:"Access:"`
	Directory directory.Config `embed:"" group:"Directory:"`
	Alert     alert.Config     `embed:"" group:"Alert:"`
	Event     event.Config     `embed:"" group:"Event:"`
	Inbox     inbox.Config     `embed:"" group:"Inbox:"`
	Incident  incident.Config  `embed:"" group:"Incident:"`
	Monitor   monitor.Config   `embed:"" group:"Monitor:"`
	Sender    sender.Config    `embed:"" group:"Sender:"`
	Providers ProviderConfig   `embed:"" group:"Providers:"`
	Mockup    mockup.Config    `embed:"" group:"Mockup:"`

	// MetricsAddr is the listen address of /metrics, host:port, on a port of its own. Empty
	// means none.
	MetricsAddr string `check:"address" placeholder:"127.0.0.1:18089" help:"The address on which /metrics is served, on a port of its own, with --internal-key-file to whoever has the key; none by default. An edge that does not listen on loopback serves its metrics only there."`

	// PprofAddr is the listen address of Go profiles, host:port, on a port of their own.
	// Empty means none.
	PprofAddr string `check:"address" placeholder:"127.0.0.1:6060" help:"The address on which Go profiles are served below /debug/pprof/, on a port of their own; none by default."`

	// NextSignal returns a context that ends at the next signal that stops the process, or
	// with its parent. nil means that no signal ends draining.
	NextSignal func(context.Context) (context.Context, context.CancelFunc) `kong:"-"`

	Version string `kong:"-"` // of the program, for the registry and traces; may be empty

	Now func() time.Time `kong:"-"` // the clock; default time.Now
	Log *slog.Logger     `kong:"-"` // required

	// AccessLines takes the lines of requests to the edge, by Edge.AccessLog; nil writes none.
	AccessLines *telemetry.AccessLog `kong:"-"`

	Calls io.Writer `kong:"-"` // where the mockup prints the calls that it received; nil prints none
}

// Validate returns an error for a flag that is set to an empty or zero value, which would
// become the default. The command line calls it, and then those of the services.
func (c Config) Validate() error {
	if c.Data == "" {
		return errors.New("--data must be a folder such as /var/lib/bongsu")
	}
	if len(c.Services) == 0 {
		return fmt.Errorf("--services must be all, or some of %s, separated by commas", strings.Join(serviceNames(), ", "))
	}
	if c.Replicas != nil && *c.Replicas < 1 {
		return fmt.Errorf("invalid --replicas %d: must be at least 1", *c.Replicas)
	}
	if c.Lease <= 0 {
		return fmt.Errorf("invalid --lease %s: must be above 0", c.Lease)
	}
	return nil
}

// drain returns Drain or its default.
func (c Config) drain() time.Duration {
	switch {
	case c.Drain != nil:
		return *c.Drain
	case c.NATSURL != "":
		return defaultDrain
	}
	return 0
}

// replicas returns Replicas as the queue takes them: 0 leaves them unchanged.
func (c Config) replicas() int {
	if c.Replicas == nil {
		return 0
	}
	return *c.Replicas
}

// CheckSyntax returns an error for a retention or networks that cannot be parsed. The
// command line calls it before it logs.
func (c Config) CheckSyntax() error {
	if _, err := c.Providers.allowed(); err != nil {
		return err
	}
	if _, err := c.Access.AuditRetention(); err != nil {
		return err
	}
	if _, err := c.Inbox.Retention(); err != nil {
		return err
	}
	if _, err := c.Incident.Retention(); err != nil {
		return err
	}
	if _, _, err := c.Monitor.Retention(); err != nil {
		return err
	}
	_, err := c.Alert.Retention()
	return err
}

// settings are a valid Config with its defaults, and the values that were parsed from it.
type settings struct {
	Config
	hosts              rpc.Hosts         // of AllowedHosts
	retention          time.Duration     // of Alert.Keep; 0 is forever
	auditRetention     time.Duration     // of Access.KeepAudit; 0 is forever
	inboxRetention     time.Duration     // of Inbox.KeepInbox; 0 is forever
	incidentRetention  time.Duration     // of Incident.KeepIncidents; 0 is forever
	resultRetention    time.Duration     // of Monitor.KeepResults; 0 is forever
	uptimeRetention    time.Duration     // of Monitor.KeepUptime; 0 is forever
	severities         job.SeverityMap   // of Alert.SeverityMap
	digests            alert.DigestRule  // of Alert.DigestAfter
	allowed            []netip.Prefix    // of Providers.AllowDestinations
	messengers         Messengers        // of the file Providers.MessengerConfig
	intake             intake.Config     // of the file Edge.IntakeConfig
	cacheBytes         int64             // of Edge.ResponseCache; 0 is none
	flagsWithoutEffect map[string]string // flags without effect in this process, with the reason
}

// complete sets the defaults, reads the files, and validates the settings: each service
// those of its own, and here those that services share. Errors name flags.
func (c Config) complete() (_ settings, err error) {
	s := settings{Config: c}
	flags, err := s.applyDefaults()
	if err != nil {
		return s, err
	}
	if s.Services, err = expandServices(s.Services); err != nil {
		return s, err
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if err := s.moveServiceURLs(); err != nil {
		return s, err
	}
	if err := s.checkForms(flags); err != nil {
		return s, err
	}
	if err := s.Internal.check(); err != nil {
		return s, err
	}
	if err := s.checkServiceURLs(); err != nil {
		return s, err
	}
	if err := s.Edge.CheckTLS(); err != nil {
		return s, err
	}
	if s.AdvertiseHost != "" && checkHost(s.AdvertiseHost) != nil {
		return s, errors.New("--advertise-host must be a host name or an IP address, without a port")
	}
	if s.Drain != nil && *s.Drain < 0 {
		return s, fmt.Errorf("invalid --drain %s: must not be negative", *s.Drain)
	}
	if err := s.checkLinks(); err != nil {
		return s, err
	}
	s.flagsWithoutEffect = s.findFlagsWithoutEffect()
	if err := s.Edge.CheckBounds(); err != nil {
		return s, err
	}
	if err := s.Edge.Admission.CheckBounds(); err != nil {
		return s, err
	}
	if err := s.Alert.CheckBounds(); err != nil {
		return s, err
	}
	if err := s.Monitor.CheckBounds(); err != nil {
		return s, err
	}
	if err := s.Sender.CheckBounds(); err != nil {
		return s, err
	}
	if err := s.Providers.CheckBounds(); err != nil {
		return s, err
	}
	if s.hosts, err = rpc.ParseHosts(s.AllowedHosts, "bongsu.example.com"); err != nil {
		return s, fmt.Errorf("--allowed-hosts: %w", err)
	}
	if s.Replicas != nil && (*s.Replicas < 1 || *s.Replicas > 5) {
		return s, fmt.Errorf("invalid --replicas %d: must be from 1 to 5; omit it to leave the queue unchanged", *s.Replicas)
	}
	if err := s.chooseAuth(); err != nil {
		return s, err
	}
	if err := s.parse(); err != nil {
		return s, err
	}
	if err := s.messengers.check(s.Sender.ProviderTimeout); err != nil {
		return s, err
	}
	if s.Lease < time.Second || s.Sender.ProviderTimeout < 0 || s.Lease <= 2*s.Sender.ProviderTimeout {
		return s, fmt.Errorf("invalid --lease %s with --provider-timeout %s: the lease must be at least 1s and more than twice the provider timeout", s.Lease, s.Sender.ProviderTimeout)
	}
	s.Access.DatabaseURL = cmp.Or(s.Access.DatabaseURL, filepath.Join(s.Data, "access.db"))
	s.Directory.DatabaseURL = cmp.Or(s.Directory.DatabaseURL, filepath.Join(s.Data, "directory.db"))
	s.Event.DatabaseURL = cmp.Or(s.Event.DatabaseURL, filepath.Join(s.Data, "event.db"))
	s.Inbox.DatabaseURL = cmp.Or(s.Inbox.DatabaseURL, filepath.Join(s.Data, "inbox.db"))
	s.Incident.DatabaseURL = cmp.Or(s.Incident.DatabaseURL, filepath.Join(s.Data, "incident.db"))
	s.Monitor.DatabaseURL = cmp.Or(s.Monitor.DatabaseURL, filepath.Join(s.Data, "monitor.db"))
	s.Alert.LedgerURL = cmp.Or(s.Alert.LedgerURL, filepath.Join(s.Data, "ledger.db"))
	if s.SealKey != "" && s.SealKeyFile != "" {
		return s, errors.New("set the seal key once: as a file (--seal-key-file) or as BONGSU_SEAL_KEY in the environment")
	}
	return s, s.checkUpstreams()
}

// applyDefaults sets the fields that are zero to the defaults of their tags, and returns
// the flags that the tags describe. It reads neither arguments nor the environment.
func (s *settings) applyDefaults() ([]*kong.Flag, error) {
	parser, err := kong.New(&s.Config, kong.Name("serve"), kong.NoDefaultHelp())
	if err != nil {
		return nil, err
	}
	defaults, err := kong.Trace(parser, nil)
	if err != nil {
		return nil, err
	}
	return parser.Model.Flags, defaults.ApplyDefaults()
}

// parse parses the settings that have a form of their own, and reads the files that
// settings name.
func (s *settings) parse() (err error) {
	if s.allowed, err = s.Providers.allowed(); err != nil {
		return err
	}
	if s.retention, err = s.Alert.Retention(); err != nil {
		return err
	}
	if s.auditRetention, err = s.Access.AuditRetention(); err != nil {
		return err
	}
	if s.inboxRetention, err = s.Inbox.Retention(); err != nil {
		return err
	}
	if s.incidentRetention, err = s.Incident.Retention(); err != nil {
		return err
	}
	if s.resultRetention, s.uptimeRetention, err = s.Monitor.Retention(); err != nil {
		return err
	}
	if s.messengers, err = s.Providers.readMessengers(); err != nil {
		return err
	}
	if s.severities, err = s.Alert.Severities(); err != nil {
		return err
	}
	if s.digests, err = s.Alert.DigestRule(); err != nil {
		return err
	}
	if s.cacheBytes, err = s.Edge.CacheBytes(); err != nil {
		return err
	}
	if s.Edge.IntakeConfig != "" {
		s.intake, err = intake.ReadConfig(s.Edge.IntakeConfig)
	}
	return err
}
