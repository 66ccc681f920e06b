package eventstream

import (
	"context"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// orderHeader is the header with the order key of an event, in hexadecimal. Other programs
// publish without it.
const orderHeader = "Bongsu-Order"

// An Entry is an event to store.
type Entry struct {
	// ID deduplicates: within a day, an entry with the id of another one is not stored.
	ID string
	// Type is the last part of the subject: words with dots.
	Type string
	// Order is the order key: entries with the same one are delivered in order.
	Order       uint64
	ContentType string
	Data        []byte
}

// Publish stores entries in their order, and returns for each whether it was a duplicate. It
// returns when all are stored, and fault.ErrUnavailable if one was not: some may have been.
func (s *Stream) Publish(ctx context.Context, entries []Entry) ([]bool, error) {
	duplicates, err := s.publish(ctx, entries)
	if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders) {
		s.missing()
		if err := s.Ready(ctx); err != nil {
			return nil, err
		}
		duplicates, err = s.publish(ctx, entries) // those that were stored are duplicates now
	}
	if err != nil {
		return nil, fault.Unavailablef("store events: %w; publish them again", err)
	}
	return duplicates, nil
}

func (s *Stream) publish(ctx context.Context, entries []Entry) ([]bool, error) {
	if !s.conn.IsConnected() { // the client would buffer them
		return nil, errors.New("not connected to NATS")
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	acks := make([]jetstream.PubAckFuture, len(entries))
	for i, e := range entries {
		m := nats.NewMsg(subjectPrefix + e.Type)
		m.Data = e.Data
		m.Header.Set(orderHeader, strconv.FormatUint(e.Order, 16))
		m.Header.Set("Content-Type", e.ContentType)
		ack, err := s.js.PublishMsgAsync(m, jetstream.WithMsgID(e.ID), jetstream.WithExpectStream(Name))
		if err != nil {
			return nil, err
		}
		acks[i] = ack
	}
	duplicates := make([]bool, len(entries))
	for i, ack := range acks {
		select {
		case done := <-ack.Ok():
			duplicates[i] = done.Duplicate
		case err := <-ack.Err():
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return duplicates, nil
}
