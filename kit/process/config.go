package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/natsconn"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// defaultDrain is the default of Config.Drain in a process that others can replace.
const defaultDrain = 5 * time.Second

// A Config holds the settings of a process. The tags of fields are flags of a command line that
// kong parses; embed the struct in that of the program. The zero value of a field is its default.
type Config struct {
	// NATSURL names the NATS servers by which processes find one another, separated by commas.
	// Empty means none: the services of this process find only one another.
	NATSURL string `name:"nats-url" placeholder:"URL" help:"The URLs of a NATS server or cluster with JetStream, separated by commas: nats://… or tls://…. Processes with the same one find one another."`

	// ListenHost is the host on which services listen whose address has none.
	ListenHost string `default:"127.0.0.1" placeholder:"HOST" help:"The host name or IP address on which services listen; 0.0.0.0 for all networks. By default 127.0.0.1."`

	// Listen holds the listen addresses of services, host:port, by their names; those without one
	// have the address of Service.Addr.
	Listen map[string]string `placeholder:"SERVICE=HOST:PORT;…" help:"The addresses on which services listen, such as reservation=:8081;delivery=:8082. Without a host it is --listen-host."`

	// AdvertiseHost is the host by which other processes call the ports of this one. Empty means
	// that of the listen address, or for all networks the address of this machine from which it
	// reaches the NATS server.
	AdvertiseHost string `placeholder:"HOST" help:"The host name or IP address at which other processes reach the ports of this one, in the registry; by default that of the listen address, or for 0.0.0.0 the address of this machine in the network of the NATS server."`

	// Drain is how long a process that is stopped still responds to requests, while it is not ready.
	// nil means 5 s with NATS, and 0 without, because no other process can take over then.
	Drain *time.Duration `placeholder:"5s" help:"How long a process that is stopped still responds to requests while it is draining: not ready, so that callers and load balancers use other instances. By default 5s with --nats-url, and 0s without. A second signal ends it."`

	// Bucket is the name of the key-value bucket of the registry, the same for all processes.
	Bucket string `default:"BONGSU_INSTANCES" placeholder:"NAME" help:"The NATS key-value bucket in which processes register themselves, the same for all, also for the edge."`

	// KeyFile is the path of the internal key file, with a key per line: the first is sent, all
	// are accepted. Empty means no key.
	KeyFile string `name:"internal-key-file" type:"path" placeholder:"FILE" help:"A file with the key by which the processes of a deployment authenticate one another, the same for all: services refuse calls without it. One key per line; the first is sent, all are accepted."`

	// TLSCert, TLSKey and TLSCA are the paths of PEM files for mutual TLS between processes: the
	// certificate and the private key of this process, and the certificates of the authority of
	// all. All or none are set.
	TLSCert string `name:"internal-tls-cert" type:"path" placeholder:"FILE" help:"The certificate of this process for mutual TLS between processes, in PEM, as server and client; with --internal-tls-key and --internal-tls-ca."`
	TLSKey  string `name:"internal-tls-key" type:"path" placeholder:"FILE" help:"The private key of --internal-tls-cert."`
	TLSCA   string `name:"internal-tls-ca" type:"path" placeholder:"FILE" help:"The certificates of the authority that issues those of all processes."`

	// The credentials for NATS, as natsconn.Credentials has them.
	NATSCreds string `name:"nats-creds" type:"path" placeholder:"FILE" help:"A NATS credentials file (.creds) for --nats-url."`
	NATSNKey  string `name:"nats-nkey-file" type:"path" placeholder:"FILE" help:"A file with an nkey seed (SU…) of a user of --nats-url."`
	NATSCA    string `name:"nats-ca" type:"path" placeholder:"FILE" help:"The certificates of the authority of the NATS servers, in PEM."`
	NATSCert  string `name:"nats-cert" type:"path" placeholder:"FILE" help:"The client certificate for the NATS servers, in PEM; with --nats-key."`
	NATSKey   string `name:"nats-key" type:"path" placeholder:"FILE" help:"The private key of --nats-cert."`

	// MetricsAddr is the listen address of /metrics on a port of its own, host:port or :port. Empty
	// means none: each service has /metrics on its port.
	MetricsAddr string `placeholder:"HOST:PORT" help:"The address on which /metrics is served, on a port of its own, with --internal-key-file to whoever has the key. Each service serves it on its own port, too. Without a host it is --listen-host."`

	LogLevel  slog.Level `default:"info" help:"The minimum log level: debug, info, warn or error."`
	LogFormat string     `default:"text" enum:"text,json,ecs" help:"The log format on stderr: text, json, or ecs for JSON with the field names of the Elastic Common Schema."`

	Name    string `kong:"-"` // of the program, for the log, traces and NATS; required
	Version string `kong:"-"` // of the program, for the registry and traces; may be empty

	// NATS is a connection to use instead of NATSURL, such as one to an embedded server. The caller
	// closes it after Run.
	NATS *nats.Conn `kong:"-"`

	// NextSignal returns a context that ends at the next signal that stops the process, or with its
	// parent. nil means that no signal ends draining.
	NextSignal func(context.Context) (context.Context, context.CancelFunc) `kong:"-"`

	Now func() time.Time `kong:"-"` // the clock; nil means time.Now
	Log *slog.Logger     `kong:"-"` // nil means that of NewLog on os.Stderr
}

// NewLog returns the log of the process by LogLevel and LogFormat: its lines have the ids of
// requests and traces.
func (c Config) NewLog(w io.Writer) (*slog.Logger, error) {
	format, err := telemetry.ParseFormat(cmp.Or(c.LogFormat, "text"))
	if err != nil {
		return nil, err
	}
	return slog.New(rpc.NewLogHandler(telemetry.NewHandler(w, format, c.Name, c.LogLevel))), nil
}

// check returns an error that names the flag which is not valid.
func (c Config) check() error {
	set := cmp.Or(c.TLSCert, c.TLSKey, c.TLSCA) != ""
	switch {
	case c.Name == "":
		return errors.New("Config.Name is missing: set the name of the program")
	case set && (c.TLSCert == "" || c.TLSKey == "" || c.TLSCA == ""):
		return errors.New("mutual TLS needs --internal-tls-cert, --internal-tls-key and --internal-tls-ca: set all three, or none")
	case c.NATSCreds != "" && c.NATSNKey != "":
		return errors.New("set --nats-creds or --nats-nkey-file, not both: a credentials file holds the nkey too")
	case (c.NATSCert == "") != (c.NATSKey == ""):
		return errors.New("set --nats-cert and --nats-key, or neither")
	case c.Drain != nil && *c.Drain < 0:
		return fmt.Errorf("invalid --drain %s: must not be negative", *c.Drain)
	}
	if _, _, err := net.SplitHostPort(cmp.Or(c.MetricsAddr, ":0")); err != nil {
		return fmt.Errorf("invalid --metrics-addr %q: want host:port or :port", c.MetricsAddr)
	}
	for _, service := range slices.Sorted(maps.Keys(c.Listen)) {
		if _, _, err := net.SplitHostPort(c.Listen[service]); err != nil {
			return fmt.Errorf("invalid --listen of %s: want host:port or :port", service)
		}
	}
	return nil
}

// peers returns the settings of the authentication between processes.
func (c Config) peers() rpc.PeerConfig {
	return rpc.PeerConfig{KeyFile: c.KeyFile, CertFile: c.TLSCert, TLSKeyFile: c.TLSKey, CAFile: c.TLSCA}
}

// dial connects to the NATS servers of NATSURL.
func (c Config) dial() (*nats.Conn, error) {
	return natsconn.Dial(c.NATSURL, natsconn.Options{Name: c.Name, Log: c.Log, Credentials: natsconn.Credentials{
		File: c.NATSCreds, NKeyFile: c.NATSNKey, CAFile: c.NATSCA, CertFile: c.NATSCert, KeyFile: c.NATSKey,
	}})
}

// drain returns Drain or its default.
func (c Config) drain() time.Duration {
	switch {
	case c.Drain != nil:
		return *c.Drain
	case c.NATSURL != "" || c.NATS != nil:
		return defaultDrain
	}
	return 0
}

// listenAddr returns the listen address of a service, whose own address is addr.
func (c Config) listenAddr(service, addr string) (string, error) {
	host, port, err := net.SplitHostPort(cmp.Or(c.Listen[service], addr, ":0"))
	if err != nil {
		return "", fmt.Errorf("invalid address %q: want host:port or :port", addr)
	}
	return net.JoinHostPort(cmp.Or(host, c.ListenHost, "127.0.0.1"), port), nil
}

// isLoopback reports whether an address is reachable from this machine only.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
