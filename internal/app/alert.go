package app

import (
	"context"
	"path/filepath"

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
	writer := alert.NewWriter(store, b.config.Now, b.log)
	alerts := &alert.Handler{
		Directory: b.directory, Book: store, Clock: clock, Writer: writer, Specs: b.specs,
		FailoverAfter: b.config.FailoverAfter, Now: b.config.Now,
	}
	messengers := &alert.MessengerHandler{
		Specs: b.specs, Paces: paces, Counter: store, Now: b.config.Now,
		Templates: store, Writer: writer, Directory: b.directory, Sealed: store,
	}
	dispatch := &alert.DispatchHandler{
		Dispatcher: store, Rule: rule, Clock: clock, Lease: b.config.Lease, Now: b.config.Now,
		Directory: b.directory, Receipts: store,
	}
	b.alerts, b.messengers, b.dispatch = alerts, messengers, dispatch
	b.ready = append(b.ready, store.Ping)
	return b.listen(ctx, accept, Alert, rpc.Face{
		Services: []rpc.Service{
			rpc.Public(b.rpc, alertv1connect.NewAlertServiceHandler, alertv1connect.AlertServiceHandler(alerts)),
			rpc.Public(b.rpc, messengerv1connect.NewMessengerServiceHandler, messengerv1connect.MessengerServiceHandler(messengers)),
			rpc.Internal(b.rpc, jobv1connect.NewDispatchServiceHandler, jobv1connect.DispatchServiceHandler(dispatch)),
		},
		Ready: all(b.ready), // the directory too: without it no target is resolved
	})
}

// alertThere asks an alert service elsewhere.
func (b *builder) alertThere() {
	url := b.config.AlertURL
	b.alerts = edge.Relay{AlertServiceClient: alertv1connect.NewAlertServiceClient(b.client, url, rpc.ClientOptions())}
	b.messengers = messengerv1connect.NewMessengerServiceClient(b.client, url, rpc.ClientOptions())
	b.dispatch = jobv1connect.NewDispatchServiceClient(b.client, url, rpc.ClientOptions())
	if url != "" {
		b.ready = append(b.ready, b.answers(Alert, url))
	}
}

// openQueue opens the queue: that of a NATS server elsewhere, or of a broker in
// this process.
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
	b.queue = q
	return q, nil
}

// paces gives the pacer of this process, which stops last.
func (b *builder) paces(q *queue.Queue) *pace.Pacer {
	if b.pacer == nil {
		b.pacer = pace.New(q.Bucket(), b.config.Now, b.log)
		b.stages[last] = append(b.stages[last], b.pacer.Run)
	}
	return b.pacer
}

// dialQueue opens the queue of a NATS server elsewhere.
func (b *builder) dialQueue(ctx context.Context) (*queue.Queue, error) {
	conn, err := queue.Dial(b.config.NATSURL)
	if err != nil {
		return nil, err
	}
	q, err := queue.Open(ctx, conn, b.config.Replicas, b.config.Lease)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return q, nil
}

// startQueue opens the queue of a broker in this process.
func (b *builder) startQueue(ctx context.Context) (*queue.Queue, error) {
	broker, err := queue.StartBroker(filepath.Join(b.config.Data, "jetstream"))
	if err != nil {
		return nil, err
	}
	b.onClose("the broker", func() error { broker.Stop(); return nil })
	b.stages[last] = append(b.stages[last], func(ctx context.Context) error { return broker.Run(ctx, b.log) })
	return broker.Open(ctx, b.config.Replicas, b.config.Lease)
}
