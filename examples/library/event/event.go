// Package event encodes the events of the library: messages of library.event.v1 as the data of
// CloudEvents. The type of a message decides the type and the source of its event.
package event

import (
	"context"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// messages are the data of events by their types. The source of an event is made of the first two
// words of its type: library/reservation.
var messages = map[string]proto.Message{
	"library.reservation.reserved":             (*eventv1.Reserved)(nil),
	"library.reservation.canceled":             (*eventv1.Canceled)(nil),
	"library.reservation.cancellation_refused": (*eventv1.CancellationRefused)(nil),
	"library.product.held":                     (*eventv1.Held)(nil),
	"library.product.out_of_stock":             (*eventv1.OutOfStock)(nil),
	"library.product.stock_changed":            (*eventv1.StockChanged)(nil),
	"library.delivery.started":                 (*eventv1.Started)(nil),
	"library.delivery.delivered":               (*eventv1.Delivered)(nil),
}

var types = typesOf(messages)

func typesOf(messages map[string]proto.Message) map[protoreflect.FullName]string {
	types := make(map[protoreflect.FullName]string, len(messages))
	for name, m := range messages {
		types[m.ProtoReflect().Descriptor().FullName()] = name
	}
	return types
}

// New returns the event of a message. Its subject is the id of the reservation, or of the product
// for StockChanged. A message that is no event, or that its own rules do not accept, is an error
// of this program.
func New(m proto.Message) (stream.Event, error) {
	name, ok := types[m.ProtoReflect().Descriptor().FullName()]
	if !ok {
		return stream.Event{}, fmt.Errorf("%T is not the data of an event", m)
	}
	if err := protovalidate.Validate(m); err != nil {
		return stream.Event{}, fmt.Errorf("event %s: %w", name, err)
	}
	data, err := protojson.Marshal(m)
	if err != nil {
		return stream.Event{}, fmt.Errorf("event %s: %w", name, err)
	}
	words := strings.Split(name, ".")
	return stream.Event{Source: words[0] + "/" + words[1], Type: name, Subject: subject(m), Data: data}, nil
}

// Add stores the events of messages in an outbox, within the transaction of the change that they
// report.
func Add(ctx context.Context, outbox *stream.Outbox, tx stream.Execer, messages ...proto.Message) error {
	events := make([]stream.Event, len(messages))
	for i, m := range messages {
		var err error
		if events[i], err = New(m); err != nil {
			return err
		}
	}
	return outbox.Add(ctx, tx, events...)
}

func subject(m proto.Message) string {
	switch m := m.(type) {
	case interface{ GetReservationId() string }:
		return m.GetReservationId()
	case interface{ GetProductId() string }:
		return m.GetProductId()
	}
	return ""
}

// Decode returns the message of an event, and nil for a type that is unknown to this program: a
// newer one may publish it. Unknown fields are ignored. Data that the rules of the
// message do not accept is fault.ErrInvalid.
func Decode(e stream.Event) (proto.Message, error) {
	known, ok := messages[e.Type]
	if !ok {
		return nil, nil //nolint:nilnil // an unknown event is no error
	}
	m := known.ProtoReflect().New().Interface()
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(e.Data, m); err != nil {
		return nil, fault.Invalidf("event %s of %s: %w", e.ID, e.Source, err)
	}
	if err := protovalidate.Validate(m); err != nil {
		return nil, fault.Invalidf("event %s of %s: %w", e.ID, e.Source, err)
	}
	return m, nil
}
