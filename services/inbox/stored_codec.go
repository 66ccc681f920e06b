package inbox

import (
	"cmp"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/proto"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
)

// A watchMessage is a message of Watch.
type watchMessage = inboxv1.WatchResponse

// newsOfItem returns the news of an item, for readers that have all up to before; 0 if it is
// unknown.
func newsOfItem(item *inboxv1.Item, id, position, before int64) news {
	n := news{id: id, position: position, before: before, added: &watchMessage{Item: item}}
	if position != id {
		n.changed = &watchMessage{Item: item, Changed: true}
	}
	return n
}

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

// encodeStored returns the notification of new and changed items of one inbox.
func encodeStored(items []StoredItem) ([]byte, error) {
	wire := &inboxv1.StoredItems{Items: make([]*inboxv1.StoredItem, len(items))}
	for i, item := range items {
		wire.Items[i] = &inboxv1.StoredItem{Item: itemToWire(item.Item), Before: item.Before}
		wire.LastId = max(wire.LastId, item.Position)
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

// decodeStored returns the items of a notification, and the greatest position. It returns an error
// for positions that no process sends: readers pass them on, and take the greatest one as known.
// An item of an older version has no position, and has not changed.
func decodeStored(data []byte) ([]news, int64, error) {
	wire := &inboxv1.StoredItems{}
	if err := proto.Unmarshal(data, wire); err != nil {
		return nil, 0, fmt.Errorf("decode new items: %w", err)
	}
	all := make([]news, len(wire.GetItems()))
	last := int64(0)
	for i, stored := range wire.GetItems() {
		item := stored.GetItem()
		id, err := decodeNumber(item.GetId())
		if err != nil {
			return nil, 0, err
		}
		position, err := decodeNumber(cmp.Or(item.GetPosition(), item.GetId()))
		switch {
		case err != nil:
			return nil, 0, err
		case position <= last || position < id || id < 1:
			return nil, 0, fmt.Errorf("decode new items: invalid position %d of %d after %d", position, id, last)
		case stored.GetBefore() < 0 || stored.GetBefore() >= position:
			return nil, 0, fmt.Errorf("decode new items: invalid position %d before %d", stored.GetBefore(), position)
		}
		all[i], last = newsOfItem(item, id, position, stored.GetBefore()), position
	}
	if wire.GetLastId() < 0 || len(all) > 0 && wire.GetLastId() != last {
		return nil, 0, fmt.Errorf("decode new items: invalid last position %d", wire.GetLastId())
	}
	return all, wire.GetLastId(), nil
}

// decodeNumber returns an id or position, as strconv.FormatInt wrote it.
func decodeNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("decode new items: number: %w", err)
	case strconv.FormatInt(n, 10) != text:
		return 0, fmt.Errorf("decode new items: invalid number %q", text)
	}
	return n, nil
}
