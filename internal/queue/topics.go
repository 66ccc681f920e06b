package queue

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// maxTopicMessages is how many messages of a Topics wait to be received. Further ones are lost.
const maxTopicMessages = 16 << 10

// confirmTimeout bounds the time of a confirmation.
const confirmTimeout = 2 * time.Second

// Topics carry messages of many names between processes by core NATS, at most once, and stored
// nowhere. A name has a subject of its own, so that a process receives only those that it subscribes
// to. All subscriptions share one channel: they need no goroutine each. It is safe for concurrent
// use.
type Topics struct {
	conn     *nats.Conn
	prefix   string // of the subjects, with a dot at the end
	messages chan *nats.Msg
	log      *slog.Logger
}

// NewTopics returns the topics below a subject over conn, which may be connected later. The caller
// closes conn.
func NewTopics(conn *nats.Conn, subject string, log *slog.Logger) *Topics {
	return &Topics{conn: conn, prefix: subject + ".", messages: make(chan *nats.Msg, maxTopicMessages), log: log}
}

// subject returns the subject of a name. A name may have characters that a subject may not.
func (t *Topics) subject(name string) string {
	return t.prefix + base64.RawURLEncoding.EncodeToString([]byte(name))
}

// Publish sends a message to all subscribers of a name. While the connection is lost, a limited
// number of messages is kept and sent after the reconnect.
func (t *Topics) Publish(name string, data []byte) error {
	if err := t.conn.Publish(t.subject(name), data); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Subscribe subscribes to a name until stop is called.
func (t *Topics) Subscribe(name string) (stop func(), err error) {
	subscription, err := t.conn.ChanSubscribe(t.subject(name), t.messages)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return func() { _ = subscription.Unsubscribe() }, nil // fails only if the connection is closed
}

// Confirm returns nil once the server has all subscriptions, within 2 seconds. It returns
// fault.ErrUnavailable at once while the connection is lost.
func (t *Topics) Confirm(ctx context.Context) error {
	if !t.conn.IsConnected() {
		return fault.Unavailablef("NATS server is unreachable")
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	if err := t.conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("confirm subscriptions: %w", err)
	}
	return nil
}

// Run calls receive with each message, one at a time, until ctx ends. After the connection was lost
// it calls restored, once the server has all subscriptions again.
func (t *Topics) Run(ctx context.Context, receive func(name string, data []byte), restored func()) error {
	connected := t.conn.StatusChanged(nats.CONNECTED)
	defer t.conn.RemoveStatusListener(connected)
	for {
		select {
		case m := <-t.messages:
			name, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(m.Subject, t.prefix))
			if err != nil {
				t.log.Warn("message with an invalid subject", "subject", m.Subject)
				continue
			}
			receive(string(name), m.Data)
		case <-connected:
			if err := t.Confirm(ctx); err != nil {
				t.log.Debug("subscriptions are not confirmed after a reconnect", "error", err)
			}
			restored()
		case <-ctx.Done():
			return nil
		}
	}
}
