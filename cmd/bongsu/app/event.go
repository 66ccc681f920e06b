package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/internal/eventstream"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/event"
	eventstore "github.com/bongsu-project/bongsu/services/event/store"
)

// runEvent runs the event service in this process.
func (b *builder) runEvent(ctx context.Context) error {
	store, err := eventstore.Open(ctx, b.config.Event.DatabaseURL)
	if err != nil {
		return err
	}
	b.closeLater("the event database", store.Close)
	stream, err := b.openEventStream(ctx)
	if err != nil {
		return err
	}
	rules, err := event.OpenRules(ctx, store, b.log)
	if err != nil {
		return err
	}
	metrics, err := newEventMetrics(b.metrics, stream, store, b.config.Now, b.log)
	if err != nil {
		return err
	}
	alerts := event.AlertClient{Service: b.dispatch}
	batcher := event.NewBatcher(b.config.Now, b.log)
	processor := &event.Processor{Rules: rules, Batches: batcher, Alerts: alerts, DeadLetters: store, Now: b.config.Now, Log: b.log}
	batcher.Store, batcher.Alerts, batcher.Refuse, batcher.Metrics = store, alerts, processor.Refuse, metrics
	consumer := &event.Consumer{Stream: stream, Processor: processor, Metrics: metrics, Log: b.log}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], rules.Run, batcher.Run, consumer.Run)
	events := &event.Handler{
		PublishHandler: &event.PublishHandler{Stream: stream, Metrics: metrics, Now: b.config.Now},
		RuleHandler: &event.RuleHandler{
			Store: store, Rules: rules, Batcher: batcher, Resolver: b.alerts, Messengers: b.messengerNames(),
			Escalations: event.EscalationClient{Service: b.escalations}, Now: b.config.Now, Log: b.log,
		},
		DeadLetterHandler: &event.DeadLetterHandler{DeadLetters: store, Processor: processor},
	}
	b.events = events
	b.ready = append(b.ready, store.Ping)
	return b.listen(ctx, stageServe, Event, rpc.Listener{
		Services: []rpc.Service{
			rpc.Public(b.rpc, eventv1connect.NewEventServiceHandler, eventv1connect.EventServiceHandler(events)),
		},
		Ready: allReady([]readinessCheck{store.Ping, stream.Ready}),
	})
}

// openEventStream opens the stream of events: on the NATS server, or on the broker embedded in
// this process, where no other process handles events.
func (b *builder) openEventStream(ctx context.Context) (*eventstream.Stream, error) {
	conn, instance, err := b.eventConn(ctx)
	if err != nil {
		return nil, err
	}
	return eventstream.Open(ctx, conn, eventstream.Options{
		Instance: instance, Replicas: b.config.replicas(), MaxAge: event.MaxEventAge, Log: b.log,
	})
}

// eventConn returns a connection to the broker, and the name of this process in it.
func (b *builder) eventConn(ctx context.Context) (*nats.Conn, string, error) {
	if b.config.NATSURL != "" {
		conn, err := b.openNATS()
		return conn, strings.ToLower(rand.Text()), err
	}
	q, err := b.openQueue(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("open the broker: %w", err)
	}
	return q.Conn(), "embedded", nil
}

// messengerNames returns the names of all messengers.
func (b *builder) messengerNames() []string {
	names := make([]string, len(b.specs))
	for i, s := range b.specs {
		names[i] = s.Name
	}
	return names
}

// connectEvent connects to an event service in another process. An edge is ready without one.
func (b *builder) connectEvent() {
	b.events = edge.EventRelay{EventServiceClient: eventv1connect.NewEventServiceClient(b.client, balance.BaseURL, b.clientOptions(Event))}
}
