package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// A JetStream publishes events to a stream of NATS JetStream, as CloudEvents in structured
// JSON on the subject Prefix + type. The header Nats-Msg-Id is made of source and id, so that
// the stream drops a repeated event within its duplicate window. JetStream is safe for
// concurrent use.
type JetStream struct {
	Stream jetstream.JetStream
	Prefix string // with the dot, such as "events."
}

var _ Publisher = JetStream{}

// Publish implements Publisher. It needs a stream on the subject; without one, each result is
// an error.
func (j JetStream) Publish(ctx context.Context, events []Event) ([]error, error) {
	results := make([]error, len(events))
	acks := make([]jetstream.PubAckFuture, len(events))
	for i := range events {
		body, err := events[i].marshal()
		if err != nil {
			results[i] = fault.Invalidf("%w", err)
			continue
		}
		message := &nats.Msg{Subject: j.Prefix + events[i].Type, Data: body, Header: nats.Header{
			"Content-Type":        {"application/cloudevents+json"},
			jetstream.MsgIDHeader: {events[i].messageID()},
		}}
		acks[i], err = j.Stream.PublishMsgAsync(message)
		if errors.Is(err, nats.ErrMaxPayload) {
			err = fault.Invalidf("the event is too large: %w", err)
		}
		results[i] = err
	}
	for i, ack := range acks {
		if ack == nil || results[i] != nil {
			continue
		}
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			if errors.Is(err, jetstream.ErrNoStreamResponse) {
				err = fmt.Errorf("no stream has the subject %s%s: %w", j.Prefix, events[i].Type, err)
			}
			results[i] = err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return results, nil
}

// messageID returns the same value for the same source and id.
func (e *Event) messageID() string {
	sum := sha256.Sum256([]byte(e.Source + "\n" + e.ID))
	return hex.EncodeToString(sum[:])
}

// marshal returns the event as a CloudEvent in JSON. Numbers in its data stay as they are
// written.
func (e *Event) marshal() ([]byte, error) {
	event := cloudEvent{SpecVersion: "1.0", ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject}
	if !e.Time.IsZero() {
		event.Time = e.Time.Format(time.RFC3339Nano)
	}
	if len(e.Data) > 0 {
		event.DataContentType, event.Data = "application/json", e.Data
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(event); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
