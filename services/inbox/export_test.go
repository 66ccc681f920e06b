package inbox

import (
	"context"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
)

// MaxPending and PageSize are limits of a reader.
const (
	MaxPending = maxPending
	PageSize   = pageSize
)

// A Reader is a reader whose call is that of the test.
type Reader struct{ *reader }

// Join returns a reader, and its first message.
func (h *Hub) Join(ctx context.Context, nickname string, after int64) (Reader, *inboxv1.WatchResponse, error) {
	r, err := h.join(ctx, nickname)
	if err != nil {
		return Reader{}, nil, err
	}
	message, err := r.start(ctx, after)
	return Reader{r}, message, err
}

// Next waits for the next item.
func (r Reader) Next(ctx context.Context) (*inboxv1.WatchResponse, error) { return r.next(ctx) }

// Leave removes the reader.
func (r Reader) Leave() { r.hub.leave(r.reader) }

// Receive takes a notification.
func (h *Hub) Receive(nickname string, data []byte) { h.receive(nickname, data) }

// Poll polls once.
func (h *Hub) Poll(ctx context.Context) { h.poll(ctx) }

// EncodeStored and DecodeStored are the codec of notifications.
var EncodeStored = encodeStored

// DecodeStored returns a notification, and the positions of its items.
func DecodeStored(data []byte) (wire *inboxv1.StoredItems, positions []int64, err error) {
	all, last, err := decodeStored(data)
	wire = &inboxv1.StoredItems{LastId: last}
	for _, n := range all {
		wire.Items, positions = append(wire.Items, &inboxv1.StoredItem{Item: n.added.GetItem(), Before: n.before}), append(positions, n.position)
	}
	return wire, positions, err
}
