package stream_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// openOwnStream creates the stream SHOP of a program's own, and returns its publisher.
func (b *broker) openOwnStream(t *testing.T) stream.Publisher {
	t.Helper()
	kittest.NoError(t, stream.EnsureStream(t.Context(), b.Stream, stream.StreamConfig{Name: "SHOP", Subjects: []string{"shop.>"}}))
	return stream.JetStream{Stream: b.Stream, Prefix: "shop."}
}

// relay runs a relay from SHOP to a publisher until the test ends.
func (b *broker) relay(t *testing.T, to stream.Publisher, options stream.RelayOptions) *stream.Consumer {
	t.Helper()
	options.Stream, options.Name = "SHOP", "relay"
	options.MinBackoff, options.MaxBackoff = time.Millisecond, 10*time.Millisecond
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	r, err := stream.NewRelay(b.Stream, to, options)
	kittest.NoError(t, err)
	start(t, r)
	return r
}

// start runs a consumer until the test ends.
func start(t *testing.T, c *stream.Consumer) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		kittest.NoError(t, <-ended)
	})
}

// relayed returns the ids of the events in EVENTS.
func (b *broker) relayed(t *testing.T) *record {
	t.Helper()
	var all record
	_, err := stream.Replay(t.Context(), b.Stream, "EVENTS", func(_ context.Context, d stream.Delivery) error {
		all.add(d.ID)
		return nil
	})
	kittest.NoError(t, err)
	return &all
}

// TestRelay runs two processes with one relay while the other system's stream is missing, and lets
// each event lose its first ack. The own consumers go on meanwhile. When the stream is there, it gets
// each event once, in the order of its subject.
func TestRelay(t *testing.T) {
	b := newBroker(t)
	kittest.NoError(t, b.Stream.DeleteStream(t.Context(), "EVENTS"))
	own := b.openOwnStream(t)
	var lost sync.Map
	losing := publisherFunc(func(ctx context.Context, events []stream.Event) ([]error, error) {
		results, err := b.Publish(ctx, events)
		if _, ok := lost.Load(events[0].ID); !ok && err == nil && results[0] == nil {
			lost.Store(events[0].ID, true)
			return nil, errDown
		}
		return results, err
	})
	first := b.relay(t, losing, stream.RelayOptions{})
	b.relay(t, losing, stream.RelayOptions{})
	var handled record
	delivery, err := stream.NewConsumer(b.Stream, func(_ context.Context, d stream.Delivery) error {
		handled.add(d.ID)
		return nil
	}, stream.ConsumerOptions{Stream: "SHOP", Name: "delivery", Log: slog.New(slog.DiscardHandler)})
	kittest.NoError(t, err)
	start(t, delivery)

	const orders, events = 5, 4
	want := map[string][]string{}
	for number := range events {
		for order := range orders {
			e := orderEvent(fmt.Sprintf("o%d", order), number)
			results, err := own.Publish(t.Context(), []stream.Event{e})
			kittest.NoError(t, err)
			kittest.NoError(t, results[0])
			want[e.Subject] = append(want[e.Subject], e.ID)
		}
	}
	drained(t, delivery)
	backlog, err := first.Backlog(t.Context())
	kittest.NoError(t, err)
	if backlog == 0 {
		t.Error("the relay has no backlog while the other stream is missing")
	}
	_, err = b.Stream.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
	kittest.NoError(t, err)
	drained(t, first)
	got := b.relayed(t)
	for order, ids := range want {
		kittest.Equal(t, handled.of(order), ids)
		kittest.Equal(t, got.of(order), ids)
	}
	b.noMore(t, orders*events)
}

// TestRelaySkips checks that old events and those that the publisher refuses hold up no later ones.
func TestRelaySkips(t *testing.T) {
	b := newBroker(t)
	own := b.openOwnStream(t)
	var logged logtest.Buffer
	c := newClock()
	refusing := publisherFunc(func(ctx context.Context, events []stream.Event) ([]error, error) {
		if events[0].ID == "a/1" {
			return []error{fault.Invalidf("unknown type")}, nil
		}
		return b.Publish(ctx, events)
	})
	r := b.relay(t, refusing, stream.RelayOptions{
		ConsumerOptions: stream.ConsumerOptions{Partitions: 1, Log: slog.New(slog.NewTextHandler(&logged, nil))}, Now: c.Now,
	})
	for _, each := range []struct {
		number int
		age    time.Duration
	}{{0, 24 * time.Hour}, {1, 0}, {2, 24*time.Hour + time.Second}, {3, 48 * time.Hour}, {4, time.Hour}} {
		e := orderEvent("a", each.number)
		e.Time = c.Now().Add(-each.age)
		results, err := own.Publish(t.Context(), []stream.Event{e})
		kittest.NoError(t, err)
		kittest.NoError(t, results[0])
	}
	drained(t, r)
	kittest.Equal(t, b.relayed(t).of("a"), []string{"a/0", "a/4"})
	text := logged.String()
	for line, count := range map[string]int{
		"event is a dead letter":                   1,
		"events too old to be relayed are skipped": 1,
		"skipped=2": 1,
	} {
		if strings.Count(text, line) != count {
			t.Errorf("%q is logged %d times, want %d:\n%s", line, strings.Count(text, line), count, text)
		}
	}
}

// TestPublishWithoutStream checks that the error of a missing stream names the subject.
func TestPublishWithoutStream(t *testing.T) {
	b := newBroker(t)
	results, err := stream.JetStream{Stream: b.Stream, Prefix: "other."}.Publish(t.Context(), []stream.Event{event("a", "1")})
	kittest.NoError(t, err)
	kittest.Error(t, results[0], jetstream.ErrNoStreamResponse, "no stream has the subject other.order.changed")
}
