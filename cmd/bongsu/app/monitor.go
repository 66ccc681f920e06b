package app

import (
	"context"
	"net/http"
	"os"
	"slices"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/lease"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
	monitorstore "github.com/bongsu-project/bongsu/services/monitor/store"
)

// monitorBucket is the bucket of the leases of monitors.
const monitorBucket = "BONGSU_MONITOR_LEASES"

// runMonitor runs the monitor service in this process.
func (b *builder) runMonitor(ctx context.Context) error {
	store, err := monitorstore.Open(ctx, b.config.Monitor.DatabaseURL)
	if err != nil {
		return err
	}
	b.closeLater("the monitor database", store.Close)
	secrets, err := b.monitorSecrets(store)
	if err != nil {
		return err
	}
	shards, err := b.openMonitorShards()
	if err != nil {
		return err
	}
	metrics, err := newMonitorMetrics(b.metrics, store, shards, b.config.Now, b.log)
	if err != nil {
		return err
	}
	notifier := monitor.NewNotifier(store, monitor.AlertClient{Service: b.dispatch}, b.config.Now, b.log)
	conditions := &monitor.ConditionTracker{Store: store, Now: b.config.Now, Log: b.log}
	values := monitor.SystemValues{Sources: b.valueSources}
	builtIns := monitor.NewBuiltIns(monitor.BuiltInConfig{
		Monitors: store, Shards: shards, Registry: instanceRegistry{b.balancer, b.registry}, Values: values,
		Targets: b.config.Monitor.Targets, Notify: notifier.Notify, Now: b.config.Now, Log: b.log,
	})
	watchdog := b.newWatchdog(store, shards)
	scheduler := &monitor.Scheduler{
		Store: store, Runner: b.newProber(values), Shards: shards, Concurrency: b.config.Monitor.Concurrency, Conditions: conditions, Open: secrets.Open, Notify: notifier.Notify,
		OnStatus: func(before monitor.Monitor, after monitor.Status) {
			builtIns.Observe(before, after)
			watchdog.Observe(before, after)
		},
		OnResult: metrics.Checked, OnLateness: metrics.Late, Now: b.config.Now, Log: b.log,
	}
	heartbeats := &monitor.HeartbeatLoop{Heartbeats: store, Conditions: conditions, Notify: notifier.Notify, Now: b.config.Now, Log: b.log}
	retention := &monitor.RetentionLoop{
		Store: store, Results: b.config.resultRetention, Uptime: b.config.uptimeRetention, OnDelete: metrics.Deleted, Now: b.config.Now, Log: b.log,
	}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe],
		notifier.Run, conditions.Run, scheduler.Run, heartbeats.Run, retention.Run, builtIns.Run, watchdog.Run)
	return b.serveMonitor(ctx, store, monitorParts{secrets, scheduler, conditions, notifier})
}

// monitorParts are the parts of the monitor service that its handlers use.
type monitorParts struct {
	secrets    monitor.Secrets
	scheduler  *monitor.Scheduler
	conditions *monitor.ConditionTracker
	notifier   *monitor.Notifier
}

// serveMonitor serves the monitor service.
func (b *builder) serveMonitor(ctx context.Context, store *monitorstore.Store, parts monitorParts) error {
	here := &monitor.RunHandler{Scheduler: parts.scheduler}
	monitors := &monitor.Handler{
		Monitors: store, Results: store, Secrets: parts.secrets, Resolver: b.alerts, Notify: parts.notifier.Notify, Now: b.config.Now,
		Run: &monitor.RemoteRunner{Here: here, Others: b.otherMonitors},
	}
	heartbeats := &monitor.HeartbeatHandler{Monitors: store, Heartbeats: store, Conditions: parts.conditions, Notify: parts.notifier.Notify, Now: b.config.Now}
	maintenances := &monitor.MaintenanceHandler{
		Windows: store, Monitors: store, Now: b.config.Now,
		Changed: func(ctx context.Context) {
			if err := parts.conditions.Refresh(ctx); err != nil {
				b.log.WarnContext(ctx, "reading maintenance windows failed; retrying", "error", err)
			}
		},
	}
	page := &monitor.StatusPageHandler{Monitors: store, Results: store, Windows: store, Now: b.config.Now}
	seals := &monitor.SealHandler{Monitors: store}
	b.monitors, b.heartbeats, b.maintenances, b.statusPage = monitors, heartbeats, maintenances, page
	b.countSealsAt(seals, func() bool { return true })
	b.ready = append(b.ready, store.Ping)
	return b.listen(ctx, stageServe, Monitor, rpc.Listener{
		Services: []rpc.Service{
			rpc.Public(b.rpc, monitorv1connect.NewMonitorServiceHandler, monitorv1connect.MonitorServiceHandler(monitors)),
			rpc.Public(b.rpc, monitorv1connect.NewHeartbeatServiceHandler, monitorv1connect.HeartbeatServiceHandler(heartbeats)),
			rpc.Public(b.rpc, monitorv1connect.NewMaintenanceServiceHandler, monitorv1connect.MaintenanceServiceHandler(maintenances)),
			rpc.Internal(b.rpc, monitorv1connect.NewMonitorRunServiceHandler, monitorv1connect.MonitorRunServiceHandler(here)),
			rpc.Internal(b.rpc, monitorv1connect.NewStatusPageServiceHandler, monitorv1connect.StatusPageServiceHandler(page)),
			rpc.Internal(b.rpc, monitorv1connect.NewMonitorSealServiceHandler, monitorv1connect.MonitorSealServiceHandler(seals)),
		},
		Ready: store.Ping,
	})
}

// connectMonitor connects to a monitor service in another process. An edge is ready without one.
func (b *builder) connectMonitor() {
	b.monitors = monitorv1connect.NewMonitorServiceClient(b.client, balance.BaseURL, b.clientOptions(Monitor))
	b.heartbeats = monitorv1connect.NewHeartbeatServiceClient(b.client, balance.BaseURL, b.clientOptions(Monitor))
	b.maintenances = monitorv1connect.NewMaintenanceServiceClient(b.client, balance.BaseURL, b.clientOptions(Monitor))
	b.statusPage = monitorv1connect.NewStatusPageServiceClient(b.client, balance.BaseURL, b.clientOptions(Monitor))
	b.countSealsAt(monitorv1connect.NewMonitorSealServiceClient(b.client, balance.BaseURL, b.clientOptions(Monitor)), b.hasMonitorService)
}

// countSealsAt lets the alert service, if this process runs it, count the monitors of a monitor
// service by seal key.
func (b *builder) countSealsAt(seals monitorv1connect.MonitorSealServiceClient, known func() bool) {
	if b.monitorSeals != nil {
		b.monitorSeals.Service, b.monitorSeals.Known = seals, known
	}
}

// hasMonitorService reports whether another process is known to run the monitor service: by the
// flag of its URLs, or in the registry.
func (b *builder) hasMonitorService() bool {
	return b.config.MonitorServiceURL != "" || slices.ContainsFunc(b.balancer.Instances(), func(instance discovery.Instance) bool {
		return slices.Contains(instance.Services, monitorv1connect.MonitorServiceName)
	})
}

// otherMonitors returns clients of the monitor services of other processes.
func (b *builder) otherMonitors() []monitorv1connect.MonitorRunServiceClient {
	var others []monitorv1connect.MonitorRunServiceClient
	for _, instance := range b.balancer.Instances() {
		if !slices.Contains(instance.Services, monitorv1connect.MonitorRunServiceName) || instance.ID == b.instanceIDs[Monitor] {
			continue
		}
		others = append(others, monitorv1connect.NewMonitorRunServiceClient(b.peerClient, instance.URL, b.clientOptions(Monitor)))
	}
	return others
}

// monitorSecrets returns the sealer of the secrets of checks. A monitor service without a seal key
// accepts none.
func (b *builder) monitorSecrets(store *monitorstore.Store) (monitor.Secrets, error) {
	if !b.hasSealKey() {
		b.log.Info("no secrets of checks: they need a seal key", "flag", "--seal-key-file")
		return monitor.Secrets{}, nil
	}
	key, err := b.openKeyring()
	if err != nil {
		return monitor.Secrets{}, err
	}
	secrets := monitor.Secrets{Key: key}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], func(ctx context.Context) error {
		secrets.RunReseal(ctx, store, b.log)
		return nil
	})
	return secrets, nil
}

// monitorShards are the monitors that this process runs, with their number.
type monitorShards interface {
	monitor.Shards
	// Share returns the number of shards that this process owns, of how many, and the number of
	// processes.
	Share() (owned, of, members int)
}

// openMonitorShards returns which monitors this process runs: all, if no other process can.
func (b *builder) openMonitorShards() (monitorShards, error) {
	if b.config.NATSURL == "" {
		return lease.All{}, nil
	}
	conn, err := b.openNATS()
	if err != nil {
		return nil, err
	}
	shards, err := lease.NewShards(conn, monitorBucket, machineName(), lease.Options{Replicas: b.config.replicas(), Log: b.log})
	if err != nil {
		return nil, err
	}
	b.shutdownStages[stageEnqueue] = append(b.shutdownStages[stageEnqueue], shards.Run) // frees them after checks have ended
	return shards, nil
}

// newProber returns the runner of checks.
func (b *builder) newProber(values probe.ValueReader) *probe.Prober {
	env := probe.Env{
		Private: b.config.Monitor.Private, Data: b.config.Data, Instances: b.registeredInstance,
		Internal: b.newInstanceClient(), InternalOptions: []connect.ClientOption{b.clientOptions("instance")},
		NATS: b.natsConn, Values: values, Now: b.config.Now, Log: b.log,
	}
	if b.config.has(Alert) && database.IsPostgres(b.config.Alert.LedgerURL) {
		env.LedgerURL = b.config.Alert.LedgerURL
	}
	return probe.New(env)
}

// registeredInstance returns an instance of the registry.
func (b *builder) registeredInstance(id string) (probe.RegisteredInstance, bool) {
	for _, instance := range b.balancer.Instances() {
		if instance.ID == id {
			return probe.RegisteredInstance{URL: instance.URL, Services: instance.Services}, true
		}
	}
	return probe.RegisteredInstance{}, false
}

// natsConn returns the connection to the broker; nil for none.
func (b *builder) natsConn() *nats.Conn {
	if b.queue != nil {
		return b.queue.Conn()
	}
	return b.nats
}

// newWatchdog returns the watchdog of this process.
func (b *builder) newWatchdog(results monitor.Results, shards monitor.Shards) *monitor.Watchdog {
	return monitor.NewWatchdog(monitor.WatchdogConfig{
		Webhook: b.config.Monitor.WatchdogWebhook, Heartbeat: b.config.Monitor.WatchdogHeartbeat, Client: &http.Client{},
		Mail:    b.watchdogMail(),
		Results: results, Shards: shards, Host: machineName(), Now: b.config.Now, Log: b.log,
	})
}

// watchdogMail returns the mail of the watchdog. The relay is an operator's, which may have any address,
// and --provider-url does not replace it.
func (b *builder) watchdogMail() monitor.WatchdogMail {
	endpoint := call.Endpoint{Dial: call.NewDialer(call.ClientConfig{AllowAll: true}), Now: b.config.Now, HTTP: b.config.Providers.AllowHTTP}
	return monitor.WatchdogMail{Messenger: all.Mail(endpoint), Relay: b.config.Monitor.WatchdogMail, To: b.config.Monitor.WatchdogMailTo}
}

// machineName returns the name of this machine.
func machineName() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// An instanceRegistry is the registry of instances, as built-in monitors need it.
type instanceRegistry struct {
	*balance.Balancer
	discovery.Registry
}

// IDs returns the ids of the instances.
func (r instanceRegistry) IDs() []string {
	var ids []string
	for _, instance := range r.Instances() {
		ids = append(ids, instance.ID)
	}
	return ids
}
