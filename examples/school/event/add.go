package event

import (
	"context"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/kit/stream"
)

// An Event is an event that a service publishes.
type Event struct {
	Type    string        // such as school.outing.requested; the first two words make the source
	Subject string        // the id of the thing that it is about; events of one source and subject stay in order
	Data    proto.Message // a message of school.event.v1
}

// Add stores events in an outbox, within the transaction of the change that they report. Data that the
// rules of its message do not accept is an error of this program.
func Add(ctx context.Context, outbox *stream.Outbox, tx stream.Execer, events ...Event) error {
	all := make([]stream.Event, len(events))
	for i, e := range events {
		if err := protovalidate.Validate(e.Data); err != nil {
			return fmt.Errorf("event %s: %w", e.Type, err)
		}
		data, err := protojson.Marshal(e.Data)
		if err != nil {
			return fmt.Errorf("event %s: %w", e.Type, err)
		}
		words := strings.SplitN(e.Type, ".", 3)
		all[i] = stream.Event{Source: words[0] + "/" + words[1], Type: e.Type, Subject: e.Subject, Data: data}
	}
	return outbox.Add(ctx, tx, all...)
}
