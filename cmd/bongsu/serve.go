package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/bongsu-project/bongsu/internal/app"
)

// serveCmd is bongsu serve.
type serveCmd struct {
	Services []string `default:"all" help:"Which services this process runs: all (all but mockup), or some of edge, group, alert, sender, mockup."`
	Data     string   `default:"./data" type:"path" help:"The folder of the databases, the queue and the seal key."`
	DemoData bool     `help:"Fill an empty directory with user1 to user9 and test-team1 to test-team5."`

	EdgeAddr   string `default:"127.0.0.1:18080" help:"Where the edge listens."`
	GroupAddr  string `help:"Where the group service listens: by default nowhere beside the edge, else 127.0.0.1:18081."`
	AlertAddr  string `help:"Where the alert service listens: by default nowhere beside the edge, else 127.0.0.1:18082."`
	SenderAddr string `help:"Where a sender answers for its health: by default nowhere beside the edge, else 127.0.0.1:18083."`
	MockupAddr string `help:"Where the mockup listens: by default 127.0.0.1:18084."`

	AllowedHosts []string `placeholder:"bongsu.example.com" help:"Hosts by which callers name this process: with any port, or with one (bongsu.example.com:8443), or *.example.com. Requests with another Host header are refused with 403. Loopback names are always served. By default a port on loopback serves only these, and a port elsewhere every Host."`

	MockupSMTPAddr string `name:"mockup-smtp-addr" help:"Where the mockup takes mail: by default on port 18025 of its host."`

	NATSURL      string `name:"nats-url" help:"A NATS server with JetStream, or several of a cluster with commas between: nats://… or tls://…; by default one inside the process."`
	DirectoryURL string `name:"directory-url" help:"The database of people: postgres://…, host=… dbname=… as libpq has it, or a file; by default directory.db in --data. Behind PgBouncer in transaction mode with default_query_exec_mode=exec."`
	LedgerURL    string `name:"ledger-url" help:"The database of alerts: postgres://…, host=… dbname=… as libpq has it, or a file; by default ledger.db in --data. Behind PgBouncer in transaction mode with default_query_exec_mode=exec."`
	GroupURL     string `name:"group-url" help:"Where the group service is, if another process runs it."`
	UserInfoURL  string `name:"userinfo-url" help:"Another system that keeps the people and offers UserInfo.getUserList over gRPC, with the older service's package or without one: alerts are resolved there, not by the group service."`
	AlertURL     string `name:"alert-url" help:"Where the alert service is, if another process runs it."`
	ProviderURL  string `name:"provider-url" help:"Where calls to all providers go instead: by default to the mockup if this process runs it, else to the providers. Mail goes to port 18025 there."`
	SealKeyFile  string `type:"path" help:"The key that seals credentials: by default seal.key in --data."`
	SealKey      string `placeholder:"KEY" help:"What such a file holds, or the base64 of it, in place of a file. Rather say it in the environment: others can read command lines."`

	JobSize  int  `default:"5" help:"How many deliveries a queue message carries at most."`
	Replicas *int `placeholder:"3" help:"On how many servers of a NATS cluster the queue is kept, at least: said to the alert service, which makes the queue. By default as it is, and 1 for a new one. It is never made fewer."`

	Keep string `default:"forever" placeholder:"30d" help:"How long the ledger keeps an alert after the last of its deliveries ended: days such as 30d, at least 2d, or forever. Then it is deleted, with its deliveries and their evidence. By default forever: nothing recorded is deleted."`

	FailoverAfter time.Duration `default:"1m" help:"How long an address may take, where failover is on, before the next of its user is used."`

	Lease           time.Duration `default:"30s" help:"How long a sender may hold what it sends without a word, before it is sent by another; more than twice --provider-timeout."`
	ProviderTimeout time.Duration `default:"10s" help:"How long a call to a provider may take."`

	CredentialLimit  string        `default:"10/s" placeholder:"10/s" help:"How fast providers are called under one credential, by all senders together: 10/s, 600/m, 1000/h or off. What is beyond waits."`
	DestinationLimit string        `placeholder:"1/s" help:"How fast one destination is called; by default as its provider says."`
	BreakerPercent   int           `default:"10" help:"How much of the calls under a credential must fail for it to be left alone for a while, in percent; -1 for never. Where it has a single destination, so many as --breaker-calls says must fail in a row."`
	BreakerCalls     int           `default:"10" help:"How many calls at least that is counted over."`
	BreakerOpen      time.Duration `default:"3s" help:"How long it is left alone before it is tried again."`
	RefusalTime      time.Duration `default:"1m" help:"How long a credential is left alone that its provider refused, before it is tried again. Meanwhile its deliveries end as failed."`

	MessengerConfig   string   `type:"path" placeholder:"FILE" help:"A YAML file that says more of single messengers: url, credential-limit, destination-limit, timeout, proxy, callback-url."`
	AllowDestinations []string `placeholder:"10.0.0.0/8" help:"Networks and addresses that user-given URLs may lead to, though they are not public."`
	IntakeConfig      string   `type:"path" placeholder:"FILE" help:"A YAML file that says whom the alerts of other systems tell: for alertmanager, grafana, cloudevents, and JSON by templates."`
	SeverityMap       []string `placeholder:"WORD=RANK" help:"How the severity words of other systems rank, beside those that are known: page=critical, several times or between commas. The ranks are critical, high, normal and low. For the alert service."`
	AllowHTTP         bool     `name:"allow-http" help:"Let user-given URLs be http."`

	MaxConnections int `placeholder:"N" help:"How many connections the process accepts at a time, on all its ports; more wait until others close. By default half of the files that it may have open (ulimit -n), at most 10000."`

	PprofAddr string `placeholder:"127.0.0.1:6060" help:"Where Go's profiles of this process are served, below /debug/pprof/, on a port of their own; by default nowhere."`

	logging
}

// Help is the long help.
func (serveCmd) Help() string {
	return `With no flags it is all there is: the edge on 127.0.0.1:18080, databases, queue and key in ./data. It listens on loopback unless told otherwise.

Examples:

	bongsu serve --data=/var/lib/bongsu
	bongsu serve --services=all,mockup --demo-data
	bongsu serve --services=sender --nats-url=nats://10.0.0.5 --alert-url=http://10.0.0.7:18082 --seal-key-file=/etc/bongsu/seal.key`
}

// Validate is called by kong before Run. What is zero or empty in app.Config is the
// default there, and would be taken for it in silence.
func (c serveCmd) Validate() error {
	if c.Data == "" {
		return usagef("--data must be a folder such as /var/lib/bongsu")
	}
	if len(c.Services) == 0 {
		return usagef("--services must be all, or some of edge, group, alert, sender, mockup with commas between")
	}
	for flag, n := range map[string]int{"--job-size": c.JobSize, "--replicas": c.replicas(1), "--breaker-calls": c.BreakerCalls} {
		if n < 1 {
			return usagef("%s is %d: it must be at least 1", flag, n)
		}
	}
	if c.BreakerPercent == 0 || c.BreakerPercent < -1 {
		return usagef("--breaker-percent is %d: it goes from 1 to 100, or is -1 for never", c.BreakerPercent)
	}
	for flag, d := range map[string]time.Duration{
		"--failover-after": c.FailoverAfter, "--lease": c.Lease, "--provider-timeout": c.ProviderTimeout,
		"--breaker-open": c.BreakerOpen, "--refusal-time": c.RefusalTime,
	} {
		if d <= 0 {
			return usagef("%s is %s: it must be above 0", flag, d)
		}
	}
	return nil
}

// replicas returns what --replicas says, and none where it is not given.
func (c serveCmd) replicas(none int) int {
	if c.Replicas == nil {
		return none
	}
	return *c.Replicas
}

// Run serves until ctx ends.
func (c serveCmd) Run(ctx context.Context, con *console) error {
	defer useMemory(ctx)()
	if c.PprofAddr == "" {
		runtime.MemProfileRate = 0 // nobody can ask for it
	}
	allowed, err := app.ParsePrefixes(c.AllowDestinations)
	if err != nil {
		return err
	}
	keep, err := app.ParseKeep(c.Keep)
	if err != nil {
		return err
	}
	log := c.logger(con.Err)
	for _, name := range con.Unknown {
		log.Warn("unknown environment variable: no flag has this name", "name", name)
	}
	return serve(ctx, app.Config{
		Services: c.Services,
		Data:     c.Data,
		Addrs: map[string]string{
			app.Edge: c.EdgeAddr, app.Group: c.GroupAddr, app.Alert: c.AlertAddr,
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
		Keep:            keep,
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
