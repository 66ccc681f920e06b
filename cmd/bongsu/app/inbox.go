package app

import (
	"context"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
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
	items := &inbox.Handler{Store: store, Hub: hub, Now: b.config.Now}
	deliveries := &inbox.DeliveryHandler{Items: store, Notifier: hub, Now: b.config.Now}
	b.inbox, b.inboxDeliveries = items, deliveries
	return b.listen(ctx, stageServe, Inbox, rpc.Listener{
		Services: []rpc.Service{
			rpc.Public(b.rpc, inboxv1connect.NewInboxServiceHandler, inboxv1connect.InboxServiceHandler(items)),
			rpc.Internal(b.rpc, inboxv1connect.NewInboxDeliveryServiceHandler, inboxv1connect.InboxDeliveryServiceHandler(deliveries)),
		},
	})
}

// connectInbox connects to an inbox service in another process. An edge is ready without one.
func (b *builder) connectInbox() {
	b.inbox = edge.InboxRelay{InboxServiceClient: inboxv1connect.NewInboxServiceClient(b.client, balance.BaseURL, b.clientOptions(Inbox))}
	b.inboxDeliveries = inboxv1connect.NewInboxDeliveryServiceClient(b.client, balance.BaseURL, b.clientOptions(Inbox))
}
