package app

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/acklink"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/kit/telemetry"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/sender"
)

// A builder holds the parts that services share while they are assembled.
type builder struct {
	*App
	rpc     rpc.Options
	admit   *rpc.Admission // shared by all ports
	metrics *metrics
	specs   []messenger.Spec
	peers   *rpc.Peers

	client     *http.Client // of calls to services of other processes: it sends them to their instances
	peerClient *http.Client // of calls to one process
	registrar  discovery.Registrar
	registry   discovery.Registry
	balancer   *balance.Balancer
	// instanceIDs holds the ids under which the ports of this process are registered, by service.
	instanceIDs map[string]string

	tracing    *telemetry.Tracing    // nil records no spans; set by openTracing
	traceCalls []connect.Interceptor // of calls to other processes

	// The services that others call: handlers of this process, or generated clients.
	groups          groupv1connect.GroupServiceClient
	users           userv1connect.UserServiceClient
	directory       userv1connect.DirectoryServiceClient
	lookup          alert.Directory // of directory, for the alert service
	transfers       userv1connect.TransferServiceClient
	alerts          alertv1connect.AlertServiceHandler
	messengers      messengerv1connect.MessengerServiceClient
	dispatch        jobv1connect.DispatchServiceClient
	callbacks       alertv1connect.CallbackEndpointServiceClient
	events          eventv1connect.EventServiceClient
	inbox           inboxv1connect.InboxServiceHandler
	inboxDeliveries inboxv1connect.InboxDeliveryServiceClient
	incidents       incidentv1connect.IncidentServiceHandler
	silences        incidentv1connect.SilenceServiceClient
	silenceSet      *alert.SilenceSet        // of the alert service, if this process runs it
	escalationNames *alert.EscalationNames   // of the alert service, if this process runs it
	monitorSeals    *alert.MonitorSealClient // of the alert service, if this process runs it
	escalations     incidentv1connect.EscalationPolicyServiceClient
	monitors        monitorv1connect.MonitorServiceClient
	heartbeats      monitorv1connect.HeartbeatServiceClient
	maintenances    monitorv1connect.MaintenanceServiceClient
	statusPage      monitorv1connect.StatusPageServiceClient
	// access is edge.NoAccess, and credentials is nil, if no process is named that runs the access
	// service.
	access       accessv1connect.AccessServiceClient
	credentials  accessv1connect.CredentialServiceClient
	accessFinder *accessFinder // set if callers need no credentials, and an access service may be in the registry

	ready []readinessCheck // of this process's services and their upstreams

	keyring          *seal.Keyring         // opened by openKeyring
	linkKeys         func() acklink.Keys   // opened by openLinkKeys
	ledger           *ledger.Store         // of the alert service, if this process runs it
	queue            *queue.Queue          // opened by openQueue
	nats             *nats.Conn            // opened by openNATS, in a process without a queue
	openedMessengers []messenger.Messenger // set by openMessengers
	limiter          *ratelimit.Limiter    // set by openLimiter
	clock            *sender.Clock         // set in a sender whose alert service is in another process, otherwise nil
	mailAddr         string                // where the mockup accepts mail; set by listenMail
}

// A readinessCheck returns why the process is not ready, or nil.
type readinessCheck func(context.Context) error

// build assembles the services, each after its upstreams.
func (a *App) build(ctx context.Context) error {
	if err := os.MkdirAll(a.config.Data, 0o700); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	if err := a.lockData(); err != nil {
		return err
	}
	m, err := newMetrics()
	if err != nil {
		return err
	}
	a.closeLater("metrics", m.Close)
	options, err := rpc.NewOptions(a.log, m.Provider(), edge.RESTRules)
	if err != nil {
		return err
	}
	admission, err := rpc.NewAdmission(a.config.MaxConnections, a.log)
	if err != nil {
		return fmt.Errorf("--max-connections: %w", err)
	}
	peers, err := rpc.OpenPeers(a.config.Internal.peers(), a.config.Now, a.log)
	if err != nil {
		return err
	}
	b := &builder{App: a, rpc: options, admit: admission, metrics: m, specs: all.Specs(a.config.messengers.templates()...), peers: peers, client: peers.Client(), instanceIDs: map[string]string{}}
	if err := b.openTracing(ctx); err != nil {
		return err
	}
	if err := b.serveProfiles(ctx); err != nil {
		return err
	}
	if err := b.serveMetrics(ctx); err != nil {
		return err
	}
	if err := b.openRegistry(ctx); err != nil {
		return err
	}
	for _, service := range []struct {
		name  string
		here  func(context.Context) error
		there func()
	}{
		{Mockup, b.runMockup, func() {}},
		{Access, b.runAccess, b.connectAccess},
		{Directory, b.runDirectory, b.connectDirectory},
		{Alert, b.runAlert, b.connectAlert},
		{Inbox, b.runInbox, b.connectInbox},
		{Incident, b.runIncident, b.connectIncident},
		{Event, b.runEvent, b.connectEvent},
		{Monitor, b.runMonitor, b.connectMonitor},
		{Sender, b.runSender, func() {}},
		{Edge, b.runEdge, func() {}},
	} {
		if !a.config.has(service.name) {
			service.there()
			continue
		}
		if err := service.here(ctx); err != nil {
			return fmt.Errorf("%s: %w", service.name, err)
		}
	}
	return nil
}

// listen opens the port of a service, if it has one, and serves it during a stage.
func (b *builder) listen(ctx context.Context, stage int, service string, l rpc.Listener) error {
	addr := b.config.addr(service)
	if addr == "" {
		return nil
	}
	if service != Edge && service != Mockup { // the stages of the edge begin with it; the mockup answers as providers do
		l.Stages = append([]rpc.Stage{rpc.RequestIDs}, l.Stages...)
	}
	if l.Handlers == nil {
		l.Handlers = map[string]http.Handler{}
	}
	if service != Edge || isLoopback(addr) { // metrics are not for outsiders
		l.Handlers["GET /metrics"] = b.metrics.Handler()
	}
	if service == b.config.valuePort() {
		l.Services = append(slices.Clip(l.Services), b.valueService())
	}
	l.Draining, l.Stopping = b.draining.Done(), b.stopping.Done()
	secure, err := b.secure(service, addr, &l)
	if err != nil {
		return err
	}
	handler, err := l.Handler()
	if err != nil {
		return err
	}
	handler = rpc.Protect(handler, b.hostsOf(service, addr), edge.RESTRules, b.log)
	server, err := b.admit.ListenTLS(ctx, addr, handler, secure)
	if err != nil {
		return fmt.Errorf("--%s-addr: %w", service, err)
	}
	b.ports = append(b.ports, listener{service, server})
	b.closeLater("the port of "+service, server.Close)
	b.shutdownStages[stage] = append(b.shutdownStages[stage], func(ctx context.Context) error { return server.Serve(ctx, shutdownGrace) })
	return b.register(stage, service, l, server, secure != nil)
}

// allReady returns a check that passes if all checks pass.
func allReady(checks []readinessCheck) readinessCheck {
	return func(ctx context.Context) error {
		for _, c := range checks {
			if err := c(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

func unavailable(service string) error {
	return fault.WithReason(fault.Unavailablef("%s service unavailable; try again", service), "SERVICE_UNAVAILABLE")
}
