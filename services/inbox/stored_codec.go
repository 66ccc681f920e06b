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

// decodeStored returns the items of a notification, and the greatest id. It returns an error for
// ids that no process sends: readers pass them on, and take the greatest one as known.
func decodeStored(data []byte) ([]news, int64, error) {
	wire := &inboxv1.StoredItems{}
	if err := proto.Unmarshal(data, wire); err != nil {
		return nil, 0, fmt.Errorf("decode new items: %w", err)
	}
	all := make([]news, len(wire.GetItems()))
	last := int64(0)
	for i, item := range wire.GetItems() {
		text := item.GetItem().GetId()
		id, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
			return nil, 0, fmt.Errorf("decode new items: id: %w", err)
		case id <= last || strconv.FormatInt(id, 10) != text:
			return nil, 0, fmt.Errorf("decode new items: invalid id %q after %d", text, last)
		case item.GetBefore() < 0 || item.GetBefore() >= id:
			return nil, 0, fmt.Errorf("decode new items: invalid id %d before %d", item.GetBefore(), id)
		}
		all[i], last = news{id, item.GetBefore(), &watchMessage{Item: item.GetItem()}}, id
	}
	if wire.GetLastId() < 0 || len(all) > 0 && wire.GetLastId() != last {
		return nil, 0, fmt.Errorf("decode new items: invalid last id %d", wire.GetLastId())
	}
	return all, wire.GetLastId(), nil
}
