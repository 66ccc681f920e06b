package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/internal/pace"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/internal/rpc"
	"github.com/bongsu-project/bongsu/internal/store/ledger"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/edge"
)

// alertHere runs the alert service in this process.
func (b *builder) alertHere(ctx context.Context) error {
	store, err := ledger.Open(ctx, b.config.LedgerURL, b.config.Now)
	if err != nil {
		return err
	}
	b.onClose("the ledger", store.Close)
	q, err := b.openQueue(ctx)
	if err != nil {
		return err
	}
	rule := alert.NewRule(b.specs)
	clock := alert.NewClock(store, q, rule, b.config.JobSize, b.config.Now, b.log)
	b.stages[put] = append(b.stages[put], clock.Run)

	if err := b.peopleElsewhere(); err != nil {
		return err
	}
	paces := b.paces(q).List
	if err := b.metrics.show(&gauges{counter: store, paces: paces, specs: b.specs, now: b.config.Now, log: b.log}); err != nil {
		return err
	}
	b.keep(store)
	directory := checkedDirectory{b.directory}
	writer := alert.NewWriter(store, b.config.Now, b.log)
	hub := alert.NewHub(store, 0, b.log)
	b.stages[accept] = append(b.stages[accept], hub.Run)
	alerts := &alert.Handler{
		Directory: directory, Book: store, Hub: hub, Clock: clock, Writer: writer, Specs: b.specs,
		FailoverAfter: b.config.FailoverAfter, Severities: b.config.Severities, Now: b.config.Now,
	}
	messengers := &alert.MessengerHandler{
		Specs: b.specs, Paces: paces, Counter: store, Now: b.config.Now,
		Templates: store, Writer: writer, Directory: b.directory, Sealed: store,
	}
	dispatch := &alert.DispatchHandler{
		Dispatcher: store, Rule: rule, Clock: clock, Hub: hub, Lease: b.config.Lease, Now: b.config.Now,
		Directory: directory, Receipts: store, Alerts: alerts,
	}
	b.alerts, b.messengers, b.dispatch = alerts, messengers, checkedDispatch{dispatch}
	b.ready = append(b.ready, store.Ping)
	return b.listen(ctx, accept, Alert, rpc.Face{
		Services: []rpc.Service{
			rpc.Public(b.rpc, alertv1connect.NewAlertServiceHandler, alertv1connect.AlertServiceHandler(alerts)),
			rpc.Public(b.rpc, messengerv1connect.NewMessengerServiceHandler, messengerv1connect.MessengerServiceHandler(messengers)),
			rpc.Internal(b.rpc, jobv1connect.NewDispatchServiceHandler, jobv1connect.DispatchServiceHandler(dispatch)),
		},
		Ready: all(b.ready), // includes the directory: without it no target can be resolved
	})
}

// alertThere connects to an alert service in another process.
func (b *builder) alertThere() {
	url := b.config.AlertURL
	b.alerts = edge.Relay{AlertServiceClient: alertv1connect.NewAlertServiceClient(b.client, url, rpc.ClientOptions(Alert, b.log))}
	b.messengers = messengerv1connect.NewMessengerServiceClient(b.client, url, rpc.ClientOptions(Alert, b.log))
	b.dispatch = jobv1connect.NewDispatchServiceClient(b.client, url, rpc.ClientOptions(Alert, b.log))
	if url != "" {
		b.ready = append(b.ready, b.answers(Alert, url))
	}
}

// openQueue opens the queue once, on a NATS server or on the broker embedded in this
// process.
func (b *builder) openQueue(ctx context.Context) (*queue.Queue, error) {
	if b.queue != nil {
		return b.queue, nil
	}
	open := b.dialQueue
	if b.config.NATSURL == "" {
		open = b.startQueue
	}
	q, err := open(ctx)
	if err != nil {
		return nil, err
	}
	b.onClose("the queue", func() error { q.Close(); return nil })
	if err := b.metrics.showConnected(q.Connected); err != nil {
		return nil, err
	}
	b.queue = q
	return q, nil
}

// now returns the clock of the rate limiter: that of the alert service, in a sender
// too.
func (b *builder) now() func() time.Time {
	if b.clock != nil {
		return b.clock.Now
	}
	return b.config.Now
}

// paces returns the limiter of this process, which stops last.
func (b *builder) paces(q *queue.Queue) *pace.Pacer {
	if b.pacer == nil {
		b.pacer = pace.New(q.Bucket(), b.now(), b.log)
		b.stages[last] = append(b.stages[last], b.pacer.Run)
	}
	return b.pacer
}

// dialQueue opens the queue on a NATS server. The alert service is its owner.
func (b *builder) dialQueue(ctx context.Context) (*queue.Queue, error) {
	conn, err := queue.Dial(b.config.NATSURL, b.log)
	if err != nil {
		return nil, err
	}
	q, err := queue.Open(ctx, conn, queue.Options{
		Owner: b.config.has(Alert), Replicas: b.config.Replicas, Hold: b.config.Lease, Log: b.log,
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return q, nil
}

// startQueue opens the queue on the embedded broker.
func (b *builder) startQueue(ctx context.Context) (*queue.Queue, error) {
	if err := b.lockQueue(); err != nil {
		return nil, err
	}
	broker, err := queue.StartBroker(filepath.Join(b.config.Data, "jetstream"))
	if err != nil {
		return nil, err
	}
	b.onClose("the broker", func() error { broker.Stop(); return nil })
	b.stages[last] = append(b.stages[last], func(ctx context.Context) error { return broker.Run(ctx, b.log) })
	return broker.Open(ctx, b.config.Lease, b.log)
}
