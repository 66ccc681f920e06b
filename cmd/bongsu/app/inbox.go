package app

import (
	"context"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/inbox"
	inboxstore "github.com/bongsu-project/bongsu/services/inbox/store"
)

// runInbox runs the inbox service in this process.
func (b *builder) runInbox(ctx context.Context) error {
	store, err := inboxstore.Open(ctx, b.config.Inbox.DatabaseURL)
	if err != nil {
		return err
	}
	b.closeLater("the inbox database", store.Close)
	hub, err := b.openInboxHub(store)
	if err != nil {
		return err
	}
	b.runInboxRetention(store)
	reporter := inbox.NewReadReporter(store, inbox.ReadClient{Service: b.dispatch}, b.log)
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], reporter.Run)
	items := &inbox.Handler{Store: store, Hub: hub, Reporter: reporter, Now: b.config.Now}
	deliveries := &inbox.DeliveryHandler{Items: store, Notifier: hub, Now: b.config.Now}
	b.inbox, b.inboxDeliveries = items, deliveries
	b.ready = append(b.ready, store.Ping)
	return b.listen(ctx, stageServe, Inbox, rpc.Listener{
		Services: []rpc.Service{
			rpc.Public(b.rpc, inboxv1connect.NewInboxServiceHandler, inboxv1connect.InboxServiceHandler(items)),
			rpc.Internal(b.rpc, inboxv1connect.NewInboxDeliveryServiceHandler, inboxv1connect.InboxDeliveryServiceHandler(deliveries)),
		},
		Ready: store.Ping,
	})
}

// connectInbox connects to an inbox service in another process. An edge is ready without one.
func (b *builder) connectInbox() {
	b.inbox = edge.InboxRelay{InboxServiceClient: inboxv1connect.NewInboxServiceClient(b.client, balance.BaseURL, b.clientOptions(Inbox))}
	b.inboxDeliveries = inboxv1connect.NewInboxDeliveryServiceClient(b.client, balance.BaseURL, b.clientOptions(Inbox))
}

// runInboxRetention runs the retention of inboxes, unless items are kept forever.
func (b *builder) runInboxRetention(items inbox.Store) {
	if b.config.inboxRetention == 0 {
		return
	}
	r := &inbox.Retention{Items: items, Retention: b.config.inboxRetention, OnDelete: b.metrics.DeletedItems, Now: b.config.Now, Log: b.log}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], r.Run)
}

// An inboxStore is the store of the messenger inbox: the inbox service that the process runs, or
// another process does. Messengers are opened before it is known which.
type inboxStore struct{ *builder }

// Store stores a message in the inbox of its user.
func (s inboxStore) Store(ctx context.Context, m messenger.Message) error {
	return inbox.DeliveryClient{Service: s.inboxDeliveries}.Store(ctx, m)
}
