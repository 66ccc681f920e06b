package inbox

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/internal/job"
)

func itemToWire(i Item) *inboxv1.Item {
	return &inboxv1.Item{
		Id: strconv.FormatInt(i.ID, 10), AlertId: i.AlertID, Severity: i.Severity, Title: i.Title, Text: i.Text, Link: i.Link,
		CreateTime: timeToWire(i.CreateTime), StoreTime: timeToWire(i.StoreTime), ReadTime: timeToWire(i.ReadTime),
		Archived: i.Archived, Key: i.Key, Resolved: i.Resolved, Acknowledged: i.Acknowledged, Incident: idToWire(i.Incident),
		UpdateTime: timeToWire(i.UpdateTime), Position: strconv.FormatInt(i.Position, 10), AckUrl: i.AckURL,
	}
}

// idToWire returns an id; empty for 0.
func idToWire(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

func itemsToWire(items []Item) []*inboxv1.Item {
	wire := make([]*inboxv1.Item, len(items))
	for i, item := range items {
		wire[i] = itemToWire(item)
	}
	return wire
}

// deliveryFromWire returns the item of a delivery, without an id and times of the inbox.
func deliveryFromWire(d *inboxv1.InboxDelivery) (Item, error) {
	i := d.GetItem()
	incident, err := parseID("deliveries.item.incident", i.GetIncident())
	return Item{
		DeliveryID: d.GetDeliveryId(), Nickname: d.GetNickName(), AlertID: i.GetAlertId(), Severity: i.GetSeverity(),
		Title: i.GetTitle(), Text: i.GetText(), Link: i.GetLink(), Key: i.GetKey(), Resolved: i.GetResolved(),
		CreateTime: timeFromWire(i.GetCreateTime()),
		Incident:   incident, Acknowledged: i.GetAcknowledged(), AckURL: i.GetAckUrl(), Rank: job.Rank(d.GetRank()), Reply: d.GetReply(),
	}, err
}

// timeToWire returns nil for the zero time.
func timeToWire(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeFromWire returns the zero time for nil.
func timeFromWire(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
