package inbox

import "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"

var _ inboxv1connect.InboxDeliveryServiceHandler = (*DeliveryHandler)(nil)

// A DeliveryHandler implements InboxDeliveryService, for the senders.
type DeliveryHandler struct {
	inboxv1connect.UnimplementedInboxDeliveryServiceHandler
}
