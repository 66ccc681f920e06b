package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/edge"
)

// runAlert runs the alert service in this process.
func (b *builder) runAlert(ctx context.Context) error {
	store, err := ledger.Open(ctx, b.config.Alert.LedgerURL, b.config.Now)
	if err != nil {
		return err
	}
	store.Log = b.log
	b.ledger = store
	b.closeLater("the ledger", store.Close)
	q, err := b.openQueue(ctx)
	if err != nil {
		return err
	}
	rule := alert.NewVerdictRule(b.specs)
	clock := alert.NewDispatchLoop(store, q, rule, b.config.Alert.JobSize, b.config.Now, b.log)
	b.shutdownStages[stageEnqueue] = append(b.shutdownStages[stageEnqueue], clock.Run)

	if err := b.connectRemoteDirectory(); err != nil {
		return err
	}
	limiterKeys := b.openLimiter(q).Report
	if err := b.metrics.registerBacklog(&backlogGauges{counter: store, limiterKeys: limiterKeys, specs: b.specs, now: b.config.Now, log: b.log}); err != nil {
		return err
	}
	b.runRetention(store)
	validated := validatedDirectory{b.directory}
	renderer := alert.NewTextRenderer(store, b.config.Now, b.log)
	hub := alert.NewHub(store, 0, b.log)
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], hub.Run)
	incidents := alert.NewIncidentFeed(store)
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], incidents.Run)
	b.silenceSet = new(alert.SilenceSet)
	if b.escalationNames, err = alert.NewEscalationNames(b.config.Now, b.log); err != nil {
		return err
	}
	alerts := &alert.Handler{
		Silences: b.silenceSet, Silenced: b.metrics.Silenced, Escalations: b.escalationNames,
		Directory: b.lookup, Store: store, Hub: hub, Loop: clock, Renderer: renderer, Specs: b.specs,
		FailoverAfter: b.config.Alert.FailoverAfter, Severities: b.config.severities, Now: b.config.Now,
		Trace: rpc.TraceContextOf, Log: b.log, Incidents: incidents, IncidentSettings: b.config.Alert.Incidents(),
	}
	alerts.Digests, alerts.HeldBack = alert.NewDigestCounter(b.config.digests), b.metrics.HeldBack
	b.monitorSeals = new(alert.MonitorSealClient)
	messengers := &alert.MessengerHandler{
		Specs: b.specs, LimiterKeys: limiterKeys, Counter: store, Now: b.config.Now,
		Templates: store, Renderer: renderer, Directory: b.directory, SealCounter: store, MonitorSeals: b.monitorSeals,
	}
	dispatch := &alert.DispatchHandler{
		Dispatcher: store, Rule: rule, Loop: clock, Hub: hub, Lease: b.config.Lease, Now: b.config.Now,
		ReceiptReader: validated, Receipts: store, Alerts: alerts, Incidents: incidents,
		AddressMethods: directory.DispatchHandler{Service: validated},
	}
	endpoints, err := b.runCallbacks(store)
	if err != nil {
		return err
	}
	b.alerts, b.messengers, b.dispatch, b.callbacks = alerts, messengers, validatedDispatch{dispatch}, endpoints
	b.ready = append(b.ready, store.Ping)
	return b.listen(ctx, stageServe, Alert, rpc.Listener{
		Services: []rpc.Service{
			rpc.Public(b.rpc, alertv1connect.NewAlertServiceHandler, alertv1connect.AlertServiceHandler(alerts)),
			rpc.Public(b.rpc, messengerv1connect.NewMessengerServiceHandler, messengerv1connect.MessengerServiceHandler(messengers)),
			rpc.Public(b.rpc, alertv1connect.NewCallbackEndpointServiceHandler, alertv1connect.CallbackEndpointServiceHandler(endpoints)),
			rpc.Internal(b.rpc, jobv1connect.NewDispatchServiceHandler, jobv1connect.DispatchServiceHandler(dispatch)),
		},
		Ready: allReady(b.ready), // includes the directory: without it no target can be resolved
	})
}

// connectAlert connects to an alert service in another process.
func (b *builder) connectAlert() {
	b.alerts = edge.AlertRelay{AlertServiceClient: alertv1connect.NewAlertServiceClient(b.client, balance.BaseURL, b.clientOptions(Alert))}
	b.messengers = messengerv1connect.NewMessengerServiceClient(b.client, balance.BaseURL, b.clientOptions(Alert))
	b.dispatch = jobv1connect.NewDispatchServiceClient(b.client, balance.BaseURL, b.clientOptions(Alert))
	b.callbacks = alertv1connect.NewCallbackEndpointServiceClient(b.client, balance.BaseURL, b.clientOptions(Alert))
	if b.config.has(Edge) || b.config.has(Sender) || b.config.has(Event) {
		b.ready = append(b.ready, b.readinessOf(Alert, alertv1connect.AlertServiceName))
	}
}

// openQueue opens the queue once, on a NATS server or on the broker embedded in this
// process.
func (b *builder) openQueue(ctx context.Context) (*queue.Queue, error) {
	if b.queue != nil {
		return b.queue, nil
	}
	open := b.connectQueue
	if b.config.NATSURL == "" {
		open = b.startEmbeddedQueue
	}
	q, err := open(ctx)
	if err != nil {
		return nil, err
	}
	q.Trace(b.tracer("internal/queue"))
	b.closeLater("the queue", func() error { q.Close(); return nil })
	if err := b.metrics.registerConnected(q.Connected); err != nil {
		return nil, err
	}
	b.queue = q
	return q, nil
}

// limiterClock returns the clock of the rate limiter: that of the alert service, in a sender
// too.
func (b *builder) limiterClock() func() time.Time {
	if b.clock != nil {
		return b.clock.Now
	}
	return b.config.Now
}

// openLimiter returns the limiter of this process, which stops last.
func (b *builder) openLimiter(q *queue.Queue) *ratelimit.Limiter {
	if b.limiter == nil {
		b.limiter = ratelimit.New(q.LimiterBucket(), b.limiterClock(), b.log)
		b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], b.limiter.Run)
	}
	return b.limiter
}

// connectQueue opens the queue on a NATS server. The alert service is its owner.
func (b *builder) connectQueue(ctx context.Context) (*queue.Queue, error) {
	conn, err := b.openNATS()
	if err != nil {
		return nil, err
	}
	q, err := queue.Open(ctx, conn, queue.Options{
		Owner: b.config.has(Alert), Replicas: b.config.replicas(), AckWait: b.config.Lease, SharedConn: true, Log: b.log,
	})
	if err != nil {
		return nil, err
	}
	return q, nil
}

// dialNATS connects to the NATS server.
func (b *builder) dialNATS() (*nats.Conn, error) {
	return b.config.Internal.nats().Dial(b.config.NATSURL, b.log)
}

// startEmbeddedQueue opens the queue on the embedded broker.
func (b *builder) startEmbeddedQueue(ctx context.Context) (*queue.Queue, error) {
	broker, err := queue.StartBroker(filepath.Join(b.config.Data, "jetstream"))
	if err != nil {
		return nil, err
	}
	b.closeLater("the broker", func() error { broker.Stop(); return nil })
	b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], func(ctx context.Context) error { return broker.Run(ctx, b.log) })
	return broker.Open(ctx, b.config.Lease, b.log)
}
