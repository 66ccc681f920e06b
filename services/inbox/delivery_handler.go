package inbox

import (
	"context"
	"time"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
)

var _ inboxv1connect.InboxDeliveryServiceHandler = (*DeliveryHandler)(nil)

// A DeliveryHandler implements InboxDeliveryService, for the senders.
type DeliveryHandler struct {
	Items    Store
	Notifier Notifier // nil notifies nobody
	Now      func() time.Time
}

// Store stores items and notifies the readers of those that are new or changed.
func (h *DeliveryHandler) Store(ctx context.Context, req *inboxv1.StoreRequest) (*inboxv1.StoreResponse, error) {
	items := make([]Item, len(req.GetDeliveries()))
	now := h.Now()
	for i, d := range req.GetDeliveries() {
		item, err := deliveryFromWire(d)
		if err != nil {
			return nil, err
		}
		items[i], items[i].StoreTime = item, now
	}
	stored, err := h.Items.Add(ctx, items)
	if err != nil {
		return nil, err
	}
	if h.Notifier != nil && len(stored) > 0 {
		h.Notifier.Stored(stored)
	}
	return &inboxv1.StoreResponse{}, nil
}
