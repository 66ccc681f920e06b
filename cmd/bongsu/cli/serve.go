package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/bongsu-project/bongsu/cmd/bongsu/app"
)

// serveCmd is the command bongsu serve.
type serveCmd struct {
	Services []string `default:"all" help:"The services that this process runs: all (all but mockup), or some of edge, group, alert, sender and mockup."`
	Data     string   `default:"./data" type:"path" help:"The folder of the databases, the queue and the seal key file."`
	DemoData bool     `help:"Store demonstration data in an empty directory: user1 to user9 and test-team1 to test-team5."`

	EdgeAddr   string `default:"127.0.0.1:18080" help:"The address on which the edge listens."`
	GroupAddr  string `help:"The address on which the group service listens; none by default beside the edge, otherwise 127.0.0.1:18081."`
	AlertAddr  string `help:"The address on which the alert service listens; none by default beside the edge, otherwise 127.0.0.1:18082."`
	SenderAddr string `help:"The address on which a sender serves its health; none by default beside the edge, otherwise 127.0.0.1:18083."`
	MockupAddr string `help:"The address on which the mockup listens; 127.0.0.1:18084 by default."`

	AllowedHosts []string `placeholder:"bongsu.example.com" help:"Host headers that this process accepts, with any port or with one: bongsu.example.com, bongsu.example.com:8443 or *.example.com; others get status 403. Loopback names are always accepted. By default a port on loopback accepts only those, and any other port every Host."`

	MockupSMTPAddr string `name:"mockup-smtp-addr" help:"The address on which the mockup accepts mail; port 18025 of its host by default."`

	NATSURL      string `name:"nats-url" help:"The URLs of a NATS server or cluster with JetStream, separated by commas: nats://… or tls://…; by default a server is embedded in the process."`
	DirectoryURL string `name:"directory-url" help:"The directory database: postgres://…, a libpq string (host=… dbname=…), or a file; directory.db in --data by default. Behind PgBouncer in transaction mode add default_query_exec_mode=exec."`
	LedgerURL    string `name:"ledger-url" help:"The ledger database: postgres://…, a libpq string (host=… dbname=…), or a file; ledger.db in --data by default. Behind PgBouncer in transaction mode add default_query_exec_mode=exec."`
	GroupURL     string `name:"group-url" help:"The URL of the group service, if another process runs it."`
	UserInfoURL  string `name:"userinfo-url" help:"The URL of a remote directory that serves UserInfo.getUserList over gRPC, with the older service's package or without one; it resolves targets in place of the group service."`
	AlertURL     string `name:"alert-url" help:"The URL of the alert service, if another process runs it."`
	ProviderURL  string `name:"provider-url" help:"The URL to which calls to all providers are redirected; by default the mockup if this process runs it, otherwise none. Mail goes to port 18025 of its host."`
	SealKeyFile  string `type:"path" help:"The seal key file; seal.key in --data by default."`
	SealKey      string `placeholder:"KEY" help:"The contents of a seal key file, or their base64, in place of a file; prefer the environment variable, because command lines are visible to other users."`

	JobSize  int  `default:"5" help:"The maximum number of deliveries in a job."`
	Replicas *int `placeholder:"3" help:"The minimum number of replicas of the queue in a NATS cluster, for the alert service, which creates the queue; by default unchanged, and 1 for a new queue. It is never reduced."`

	Keep string `default:"forever" placeholder:"30d" help:"How long an alert is kept after its last delivery completed, in days such as 30d, at least 2d; then it is deleted with its deliveries and evidence. By default forever: nothing is deleted."`

	FailoverAfter time.Duration `default:"1m" help:"The failover delay: how long an address may take before the next one of its failover chain is used."`

	Lease           time.Duration `default:"30s" help:"The lease: how long a sender may hold a claimed delivery without a report before another sender may claim it; more than twice --provider-timeout."`
	ProviderTimeout time.Duration `default:"10s" help:"The timeout of a call to a provider."`

	CredentialLimit  string        `default:"10/s" placeholder:"10/s" help:"The rate limit of each credential over all senders, such as 10/s, 600/m, 1000/h, or off; 10/s by default. Deliveries above it wait."`
	DestinationLimit string        `placeholder:"1/s" help:"The rate limit of each destination; that of its provider by default."`
	BreakerPercent   int           `default:"10" help:"The percentage of failed calls under a credential at which its circuit breaker opens, from 1 to 100, or -1 for never. With a single destination it opens after --breaker-calls failures in a row."`
	BreakerCalls     int           `default:"10" help:"The minimum number of calls before a breaker may open."`
	BreakerOpen      time.Duration `default:"3s" help:"How long a breaker stays open before a probe."`
	RefusalTime      time.Duration `default:"1m" help:"How long a refused credential is not called before a probe; meanwhile its deliveries fail."`

	MessengerConfig   string   `type:"path" placeholder:"FILE" help:"A YAML file with settings of single messengers: url, credential-limit, destination-limit, timeout, proxy, callback-url."`
	AllowDestinations []string `placeholder:"10.0.0.0/8" help:"Networks and addresses that are not public and to which user-given URLs may lead nevertheless."`
	IntakeConfig      string   `type:"path" placeholder:"FILE" help:"A YAML file with the intake sources and their default targets: alertmanager, grafana, cloudevents, and JSON by templates."`
	SeverityMap       []string `placeholder:"WORD=RANK" help:"The severity map: ranks of severities of other systems beside the built-in ones, such as page=critical; repeatable or separated by commas. Ranks are critical, high, normal and low. For the alert service."`
	AllowHTTP         bool     `name:"allow-http" help:"Allow user-given URLs to use http."`

	MaxConnections int `placeholder:"N" help:"The maximum number of open connections on all ports of the process; further ones wait. By default half of the open file limit (ulimit -n), at most 10000."`

	PprofAddr string `placeholder:"127.0.0.1:6060" help:"The address on which Go profiles are served below /debug/pprof/, on a port of their own; none by default."`

	logging
}

// Help returns the long help.
func (serveCmd) Help() string {
	return `Without flags one process runs all services: the edge on 127.0.0.1:18080, with databases, queue and seal key in ./data. All ports listen on loopback by default.

Examples:

	bongsu serve --data=/var/lib/bongsu
	bongsu serve --services=all,mockup --demo-data
	bongsu serve --services=sender --nats-url=nats://10.0.0.5 --alert-url=http://10.0.0.7:18082 --seal-key-file=/etc/bongsu/seal.key`
}

// Validate checks the flags; kong calls it before Run. Zero and empty values are
// errors, because app.Config would silently replace them with defaults.
func (c serveCmd) Validate() error {
	if c.Data == "" {
		return usagef("--data must be a folder such as /var/lib/bongsu")
	}
	if len(c.Services) == 0 {
		return usagef("--services must be all, or some of edge, group, alert, sender, mockup, separated by commas")
	}
	for flag, n := range map[string]int{"--job-size": c.JobSize, "--replicas": c.replicas(1), "--breaker-calls": c.BreakerCalls} {
		if n < 1 {
			return usagef("invalid %s %d: must be at least 1", flag, n)
		}
	}
	if c.BreakerPercent == 0 || c.BreakerPercent < -1 {
		return usagef("invalid --breaker-percent %d: must be from 1 to 100, or -1 for never", c.BreakerPercent)
	}
	for flag, d := range map[string]time.Duration{
		"--failover-after": c.FailoverAfter, "--lease": c.Lease, "--provider-timeout": c.ProviderTimeout,
		"--breaker-open": c.BreakerOpen, "--refusal-time": c.RefusalTime,
	} {
		if d <= 0 {
			return usagef("invalid %s %s: must be above 0", flag, d)
		}
	}
	return nil
}

// replicas returns the value of --replicas, or none if it is not set.
func (c serveCmd) replicas(none int) int {
	if c.Replicas == nil {
		return none
	}
	return *c.Replicas
}

// Run serves until ctx is done.
func (c serveCmd) Run(ctx context.Context, con *console) error {
	defer useMemory(ctx)()
	if c.PprofAddr == "" {
		runtime.MemProfileRate = 0 // no port serves the profile
	}
	allowed, err := app.ParsePrefixes(c.AllowDestinations)
	if err != nil {
		return err
	}
	keep, err := app.ParseRetention(c.Keep)
	if err != nil {
		return err
	}
	log := c.logger(con.Err)
	for _, name := range con.Unknown {
		log.Warn("unknown environment variable", "name", name)
	}
	return serve(ctx, app.Config{
		Services: c.Services,
		Data:     c.Data,
		Addrs: map[string]string{
			app.Edge: c.EdgeAddr, app.Directory: c.GroupAddr, app.Alert: c.AlertAddr,
			app.Sender: c.SenderAddr, app.Mockup: c.MockupAddr,
		},
		AllowedHosts:    c.AllowedHosts,
		MockupSMTPAddr:  c.MockupSMTPAddr,
		DirectoryURL:    c.DirectoryURL,
		LedgerURL:       c.LedgerURL,
		NATSURL:         c.NATSURL,
		GroupURL:        c.GroupURL,
		AlertURL:        c.AlertURL,
		UserInfoURL:     c.UserInfoURL,
		ProviderURL:     c.ProviderURL,
		SealKeyFile:     c.SealKeyFile,
		SealKey:         c.SealKey,
		Replicas:        c.replicas(0),
		JobSize:         c.JobSize,
		Retention:       keep,
		FailoverAfter:   c.FailoverAfter,
		Lease:           c.Lease,
		ProviderTimeout: c.ProviderTimeout,

		CredentialLimit:  c.CredentialLimit,
		DestinationLimit: c.DestinationLimit,
		BreakerPercent:   c.BreakerPercent,
		BreakerCalls:     c.BreakerCalls,
		BreakerOpen:      c.BreakerOpen,
		RefusalTime:      c.RefusalTime,

		MessengerConfig:   c.MessengerConfig,
		AllowDestinations: allowed,
		AllowHTTP:         c.AllowHTTP,
		IntakeConfig:      c.IntakeConfig,
		SeverityMap:       c.SeverityMap,

		MaxConnections: c.MaxConnections,

		PprofAddr: c.PprofAddr,

		DemoData: c.DemoData,
		Now:      con.Now,
		Log:      log,
		Calls:    con.Out,
	})
}

func serve(ctx context.Context, config app.Config) error {
	a, err := app.New(ctx, config)
	if err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	if err := a.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
