package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/internal/netguard"
	"github.com/bongsu-project/bongsu/kit/redact"
)

// An Env holds the parts of the process that checks need. Its zero value runs checks of public
// addresses.
type Env struct {
	// Private permits the addresses of this machine and of private networks. Link-local
	// addresses stay blocked: cloud providers serve credentials on them.
	Private bool
	// Data is the data folder.
	Data string
	// Roots are the authorities of certificates; nil for those of the system.
	Roots *x509.CertPool

	// Instances returns the registered instance with an id; nil for none.
	Instances func(id string) (RegisteredInstance, bool)
	// Internal is the client of calls to instances, with its options. Nil calls none.
	Internal        connect.HTTPClient
	InternalOptions []connect.ClientOption
	// NATS returns the connection of this process; nil for none.
	NATS func() *nats.Conn
	// LedgerURL is that of the ledger, if it is PostgreSQL, otherwise "".
	LedgerURL string
	// Values reads the values of this Bongsu; nil reads none.
	Values ValueReader

	Now func() time.Time // nil for time.Now
	Log *slog.Logger     // nil for none
}

// A RegisteredInstance is an instance of the registry.
type RegisteredInstance struct {
	URL      string   // the base URL, without a slash at the end
	Services []string // full names of Protobuf services
}

// A Prober runs checks.
type Prober struct {
	env                  Env
	guard                *netguard.Guard
	verified, unverified *http.Transport
	processors           *processorUse
}

var _ Runner = (*Prober)(nil)

// privateNetworks are the addresses that Env.Private permits.
var privateNetworks = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fc00::/7"),
}

// metadataAddresses are private addresses on which cloud providers serve credentials.
var metadataAddresses = []netip.Prefix{netip.MustParsePrefix("fd00:ec2::254/128"), netip.MustParsePrefix("100.100.100.200/32")}

// New returns a prober.
func New(env Env) *Prober {
	if env.Now == nil {
		env.Now = time.Now
	}
	env.Log = cmp.Or(env.Log, slog.New(slog.DiscardHandler))
	var allowed []netip.Prefix
	if env.Private {
		allowed = privateNetworks
	}
	p := &Prober{
		env:        env,
		guard:      netguard.New(&net.Dialer{KeepAlive: -1}, allowed, http.ProxyFromEnvironment),
		processors: new(processorUse),
	}
	p.guard.Denied = metadataAddresses
	p.verified, p.unverified = p.transport(false), p.transport(true)
	return p
}

// tlsConfig returns the settings of connections by TLS.
func (p *Prober) tlsConfig(serverName string, skipVerify bool) *tls.Config {
	return &tls.Config{
		ServerName: serverName, RootCAs: p.env.Roots, Time: p.env.Now, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: skipVerify, //nolint:gosec // a setting of the check
	}
}

// A runnable is a check that can run.
type runnable interface {
	Check
	run(ctx context.Context, p *Prober) Finding
}

// endGrace is how long Run waits for a check after its context has ended.
const endGrace = 500 * time.Millisecond

// Run runs a check.
func (p *Prober) Run(ctx context.Context, c Check) Finding {
	runs, ok := c.(runnable)
	if !ok {
		return unknown("a check of kind %s is not run", c.Kind())
	}
	start := time.Now()
	done := make(chan Finding, 1) // a check that does not end with ctx writes to it later, and ends
	go func() { done <- p.recovered(ctx, runs) }()
	var f Finding
	select {
	case f = <-done:
	case <-ctx.Done():
		select {
		case f = <-done:
		case <-time.After(endGrace):
			f = failed("")
		}
	}
	if f.Outcome != Passed && (ctx.Err() != nil || timedOut(ctx, f)) {
		f = ended(ctx, start)
	}
	f.Message = clean(redact.Text(f.Message, secretsOf(c)...))
	return f
}

// timedOut reports whether the finding is a timeout of the network at the end of the context,
// which may come a little before ctx ends.
func timedOut(ctx context.Context, f Finding) bool {
	deadline, ok := ctx.Deadline()
	return ok && strings.HasSuffix(f.Message, timeoutText) && time.Until(deadline) < endGrace/10
}

// recovered runs a check, and recovers a panic.
func (p *Prober) recovered(ctx context.Context, c runnable) (f Finding) {
	defer func() {
		if v := recover(); v != nil {
			p.env.Log.ErrorContext(ctx, "check panicked", "kind", c.Kind(), "panic", fmt.Sprintf("%T", v))
			f = unknown("internal error of the check")
		}
	}()
	return c.run(ctx, p)
}

// secretsOf returns the texts that messages about a check must not contain.
func secretsOf(c Check) []string {
	var texts []string
	for _, secret := range c.Secrets() {
		if *secret != "" {
			texts = append(texts, *secret)
		}
	}
	if u, err := url.Parse(c.Destination()); err == nil && u.RawQuery != "" {
		texts = append(texts, u.RawQuery)
	}
	return texts
}

// connect opens a TCP connection, which is closed when ctx ends or stop is called.
func (p *Prober) connect(ctx context.Context, address string) (conn net.Conn, stop func(), err error) {
	conn, err = p.guard.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	release := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return conn, func() { release(); _ = conn.Close() }, nil
}
