package queue

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/cache"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ cache.Bus = (*Broadcast)(nil)

// A Broadcast carries messages of one subject between processes, by core NATS: at most once,
// and stored nowhere. It implements cache.Bus.
type Broadcast struct {
	conn    *nats.Conn
	subject string
}

// NewBroadcast returns the broadcast of a subject over conn, which may be connected later. The
// caller closes conn.
func NewBroadcast(conn *nats.Conn, subject string) *Broadcast {
	return &Broadcast{conn: conn, subject: subject}
}

// Publish sends a message to all subscribers. It returns an error at once if the connection
// is known to be lost: the client would send the message after the reconnect.
func (b *Broadcast) Publish(data []byte) error {
	if !b.conn.IsConnected() {
		return fault.Unavailablef("NATS server is unreachable")
	}
	if err := b.conn.Publish(b.subject, data); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Subscribe calls receive with each message until stop is called, one at a time.
func (b *Broadcast) Subscribe(receive func(data []byte)) (stop func(), err error) {
	subscription, err := b.conn.Subscribe(b.subject, func(m *nats.Msg) { receive(m.Data) })
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return func() { _ = subscription.Unsubscribe() }, nil // fails only if the connection is closed
}
