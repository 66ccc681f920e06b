package inbox

import (
	"context"
	"strconv"

	"connectrpc.com/connect"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// A DeliveryClient stores the deliveries of the messenger inbox (internal/messenger/inbox) over
// InboxDeliveryService: the handler in one process, a generated client across processes.
type DeliveryClient struct {
	Service inboxv1connect.InboxDeliveryServiceClient
}

// Store stores a message in the inbox of its user.
func (c DeliveryClient) Store(ctx context.Context, m messenger.Message) error {
	_, err := c.Service.Store(ctx, &inboxv1.StoreRequest{Deliveries: []*inboxv1.InboxDelivery{deliveryToWire(m)}})
	if connect.CodeOf(err) == connect.CodeInvalidArgument {
		return fault.Invalidf("%w", err)
	}
	return err
}

// deliveryToWire returns the delivery of a message. Its text has the details, as that of other
// messengers without fields for them.
func deliveryToWire(m messenger.Message) *inboxv1.InboxDelivery {
	alert := ""
	if m.AlertID != 0 { // a test message is of no alert
		alert = strconv.FormatInt(m.AlertID, 10)
	}
	return &inboxv1.InboxDelivery{
		DeliveryId: m.DeliveryID, NickName: m.Nickname, Rank: int32(m.Rank()), Reply: m.Reply,
		Item: &inboxv1.Item{
			AlertId: alert, Severity: m.Severity, Title: m.Title,
			Text: messenger.Message{Text: m.Text, Details: m.Details}.PlainText(), Link: m.Link,
			CreateTime: timeToWire(m.Time), Key: m.AlertKey, Resolved: m.Resolved,
			Acknowledged: m.Acknowledged, Incident: idToWire(m.Incident), AckUrl: m.AckLink(),
		},
	}
}
