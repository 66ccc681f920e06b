package stream_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

func TestJetStreamMessage(t *testing.T) {
	b := newBroker(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	results, err := b.Publish(t.Context(), []stream.Event{
		{ID: "1", Source: "shop", Type: "order.created", Subject: "o<1>", Time: at, Data: []byte(`{"n": 1e400, "id": 12345678901234567890}`)},
		{ID: "2", Source: "shop", Type: "closed", Time: at},
	})
	kittest.NoError(t, err)
	kittest.Equal(t, results, []error{nil, nil})
	for _, want := range []struct{ subject, body string }{
		{"events.order.created", `{"specversion":"1.0","id":"1","source":"shop","type":"order.created","subject":"o<1>",` +
			`"time":"2026-01-02T03:04:05.000000678Z","datacontenttype":"application/json","data":{"n":1e400,"id":12345678901234567890}}`},
		{"events.closed", `{"specversion":"1.0","id":"2","source":"shop","type":"closed","time":"2026-01-02T03:04:05.000000678Z"}`},
	} {
		message, err := b.consumer.Next(jetstream.FetchMaxWait(patience))
		kittest.NoError(t, err)
		kittest.Equal(t, message.Subject(), want.subject)
		kittest.Equal(t, message.Headers().Get("Content-Type"), "application/cloudevents+json")
		kittest.Equal(t, string(message.Data()), want.body)
	}
}

func TestJetStreamDropsRepeats(t *testing.T) {
	b := newBroker(t)
	one := stream.Event{ID: "1", Source: "shop", Type: "closed"}
	other := stream.Event{ID: "1", Source: "shop/2", Type: "closed"}
	for range 2 {
		results, err := b.Publish(t.Context(), []stream.Event{one, other})
		kittest.NoError(t, err)
		kittest.Equal(t, results, []error{nil, nil})
	}
	b.noMore(t, 2)
}

func TestJetStreamWithoutStream(t *testing.T) {
	b := newBroker(t)
	kittest.NoError(t, b.Stream.DeleteStream(t.Context(), "EVENTS"))
	results, err := b.Publish(t.Context(), []stream.Event{{ID: "1", Source: "shop", Type: "closed"}})
	kittest.NoError(t, err)
	kittest.Error(t, results[0], jetstream.ErrNoStreamResponse)
}

// FuzzAdd checks that an event which Add accepts is published with the data that it had.
func FuzzAdd(f *testing.F) {
	f.Add("1", "shop/orders", "order.created", "o1", []byte(`{"total": 12.50, "n": 12345678901234567890}`))
	f.Add("", "shop", "closed", "", []byte(nil))
	f.Add("é", "\x00", "a..b", "\u0085", []byte("\"\xff\""))
	f.Fuzz(func(t *testing.T, id, source, kind, subject string, data []byte) {
		body, err := stream.Encode(stream.Event{ID: id, Source: source, Type: kind, Subject: subject, Data: data})
		if err != nil {
			return
		}
		var got cloudEvent
		kittest.NoError(t, json.Unmarshal(body, &got))
		kittest.Equal(t, []string{got.Source, got.Type, got.Subject}, []string{source, kind, subject})
		if id != "" {
			kittest.Equal(t, got.ID, id)
		}
		var want bytes.Buffer
		if len(data) > 0 {
			kittest.NoError(t, json.Compact(&want, data))
		}
		kittest.Equal(t, string(got.Data), want.String())
	})
}
