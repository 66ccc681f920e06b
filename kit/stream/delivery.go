package stream

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A Delivery is an event that a stream delivers to a consumer.
type Delivery struct {
	Event
	// Sequence is the position of the event in the stream, above those of earlier events. A view
	// that stores the sequence of its last event can ignore an older one.
	Sequence uint64
	// Attempt counts the deliveries of the event to the consumer, from 1. Those to a process that
	// was killed count. It is 0 in Replay.
	Attempt int
}

// A cloudEvent is an event in structured JSON.
type cloudEvent struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject,omitempty"`
	Time            string          `json:"time,omitempty"`
	DataContentType string          `json:"datacontenttype,omitempty"`
	Data            json.RawMessage `json:"data,omitempty"`
}

// unmarshal sets the event to a CloudEvent in JSON. Its data stays as it is written.
func (e *Event) unmarshal(body []byte) error {
	var event cloudEvent
	if err := json.Unmarshal(body, &event); err != nil {
		return fmt.Errorf("not a CloudEvent in JSON: %w", err)
	}
	*e = Event{ID: event.ID, Source: event.Source, Type: event.Type, Subject: event.Subject, Data: event.Data}
	switch {
	case event.SpecVersion != "1.0":
		return fmt.Errorf("unsupported specversion %q of a CloudEvent", event.SpecVersion)
	case e.ID == "" || e.Source == "" || e.Type == "":
		return fmt.Errorf("a CloudEvent needs id, source and type")
	}
	if event.Time == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, event.Time)
	if err != nil {
		return fmt.Errorf("invalid time of a CloudEvent: %w", err)
	}
	e.Time = at.UTC()
	return nil
}

// newDelivery returns a message as a delivery. With an error, the delivery has what could be read.
func newDelivery(message jetstream.Msg) (Delivery, error) {
	var d Delivery
	meta, err := message.Metadata()
	if err != nil {
		return d, err
	}
	d.Sequence = meta.Sequence.Stream
	d.Attempt = int(min(meta.NumDelivered, 1<<31))
	return d, d.unmarshal(message.Data())
}
