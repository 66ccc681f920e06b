package eventstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// maxAckPending bounds the events of a partition that are delivered and not acked.
	maxAckPending = 512
	// pullMessages is the number of messages that the client buffers.
	pullMessages = 128
	// pullExpiry is the lifetime of a pull request. It is shorter than the least lease, so
	// that the requests of a process that was suspended do not take the messages of the next.
	pullExpiry = time.Second
)

// errGap is the error for a message that the broker has delivered and the process has not
// received, such as before a reconnect. The partition must be opened again: the broker would
// redeliver the message after newer ones.
var errGap = errors.New("a delivered message was lost, reading the partition again")

// A Partition delivers the messages of the stream to one process. Its messages are those of
// all partitions: the process handles its own (Owns) and acks the others at once.
//
// Next delivers the messages that follow the last one before which all are acked, in the
// order of the stream, without a gap. So a message is never delivered before an earlier one
// that is not handled, whatever became of the process that had the partition before.
type Partition struct {
	number       int
	messages     jetstream.MessagesContext
	lastConsumer uint64 // delivery number of the last message
	lastStream   uint64 // highest sequence of a message in the stream
	ackWait      time.Duration
}

func consumerName(partition int) string { return "events-" + strconv.Itoa(partition) }

// open opens a partition, for which the caller has the lease. The broker forgets which of
// the messages after the ack floor were delivered: those that were handled are delivered
// again, too.
func (s *Stream) open(ctx context.Context, number int) (*Partition, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	name := consumerName(number)
	consumer, err := s.js.CreateOrUpdateConsumer(ctx, Name, jetstream.ConsumerConfig{
		Durable:       name,
		Description:   "A partition of the event service of Bongsu.",
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       s.options.AckWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
	})
	if err != nil {
		return nil, fmt.Errorf("open event consumer %s: %w", name, err)
	}
	if _, err := s.js.ResetConsumer(ctx, Name, name); err != nil {
		return nil, fmt.Errorf("reset event consumer %s (NATS server 2.14 or later is required): %w", name, err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(pullMessages), jetstream.PullExpiry(pullExpiry), jetstream.WithMessagesErrOnMissingHeartbeat(false))
	if err != nil {
		return nil, fmt.Errorf("read event consumer %s: %w", name, err)
	}
	return &Partition{number: number, messages: messages, ackWait: s.options.AckWait}, nil
}

// Number returns the number of the partition, from 0 to Partitions-1.
func (p *Partition) Number() int { return p.number }

// AckWait returns the time after which a message that is neither acked nor in progress is
// redelivered.
func (p *Partition) AckWait() time.Duration { return p.ackWait }

// Owns reports whether the messages with an order key belong to the partition.
func (p *Partition) Owns(order uint64) bool { return order%Partitions == uint64(p.number) }

// Next returns the next message. It is not safe for concurrent use.
func (p *Partition) Next(ctx context.Context) (*Message, error) {
	m, err := p.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	if meta.Sequence.Consumer != p.lastConsumer+1 {
		return nil, errGap
	}
	p.lastConsumer = meta.Sequence.Consumer
	redelivered := meta.Sequence.Stream <= p.lastStream
	p.lastStream = max(p.lastStream, meta.Sequence.Stream)
	return &Message{Sequence: meta.Sequence.Stream, Time: meta.Timestamp, Redelivered: redelivered, message: m}, nil
}

func (p *Partition) close() { p.messages.Stop() }

// A Message is an event in the stream, as it was published.
type Message struct {
	Sequence uint64 // in the stream
	Time     time.Time
	// Redelivered reports whether Next has returned the message before: it is in progress
	// for longer than AckWait, or its ack was lost.
	Redelivered bool

	message jetstream.Msg
}

// Data returns the payload.
func (m *Message) Data() []byte { return m.message.Data() }

// Header returns the headers, with canonical names.
func (m *Message) Header() http.Header {
	header := make(http.Header, len(m.message.Headers()))
	for name, values := range m.message.Headers() {
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		header[name] = append(header[name], values...)
	}
	return header
}

// Order returns the order key, and false if the message was published without one.
func (m *Message) Order() (uint64, bool) {
	order, err := strconv.ParseUint(m.message.Headers().Get(orderHeader), 16, 64)
	return order, err == nil
}

// Ack tells the broker that the message is handled. An ack that gets lost leads to a
// redelivery.
func (m *Message) Ack() error { return m.message.Ack() }

// InProgress tells the broker that the message is still being handled: AckWait begins anew.
func (m *Message) InProgress() error { return m.message.InProgress() }

// Subject returns the subject that the message was published on.
func (m *Message) Subject() string { return m.message.Subject() }
