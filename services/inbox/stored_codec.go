package inbox

import (
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/proto"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
)

// A watchMessage is a message of Watch.
type watchMessage = inboxv1.WatchResponse

// newItemMessage returns the message of an item.
func newItemMessage(item Item) *watchMessage { return &watchMessage{Item: itemToWire(item)} }

// newFirstMessage returns the first message of a stream that begins after an id.
func newFirstMessage(after, last int64, unread int) *watchMessage {
	return &watchMessage{
		UnreadCount: int32(min(unread, math.MaxInt32)),
		LastId:      strconv.FormatInt(last, 10), AfterId: strconv.FormatInt(after, 10),
	}
}

// maxStoredBytes limits a notification between processes, below the payload limit of NATS. A
// larger one has no items.
const maxStoredBytes = 512 << 10

// encodeStored returns the notification of new items of one inbox.
func encodeStored(items []StoredItem) ([]byte, error) {
	wire := &inboxv1.StoredItems{Items: make([]*inboxv1.StoredItem, len(items))}
	for i, item := range items {
		wire.Items[i] = &inboxv1.StoredItem{Item: itemToWire(item.Item), Before: item.Before}
		wire.LastId = max(wire.LastId, item.ID)
	}
	if proto.Size(wire) > maxStoredBytes {
		wire.Items = nil
	}
	data, err := proto.Marshal(wire)
	if err != nil {
		return nil, fmt.Errorf("encode new items: %w", err)
	}
	return data, nil
}

// decodeStored returns the items of a notification, and the greatest id.
func decodeStored(data []byte) ([]news, int64, error) {
	wire := &inboxv1.StoredItems{}
	if err := proto.Unmarshal(data, wire); err != nil {
		return nil, 0, fmt.Errorf("decode new items: %w", err)
	}
	all := make([]news, len(wire.GetItems()))
	for i, item := range wire.GetItems() {
		id, err := strconv.ParseInt(item.GetItem().GetId(), 10, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("decode new items: id: %w", err)
		}
		all[i] = news{id, item.GetBefore(), &watchMessage{Item: item.GetItem()}}
	}
	return all, wire.GetLastId(), nil
}
