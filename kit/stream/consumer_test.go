package stream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

var errDatabase = errors.New("the database is down")

// orderEvent returns the event of an order with a number, from 0.
func orderEvent(order string, number int) stream.Event {
	e := event(order+"/"+strconv.Itoa(number), order)
	e.Data = []byte(strconv.Itoa(number))
	return e
}

// publish publishes events one after the other.
func (b *broker) publish(t *testing.T, events ...stream.Event) {
	t.Helper()
	for i := range events {
		results, err := b.Publish(t.Context(), events[i:i+1])
		kittest.NoError(t, err)
		kittest.NoError(t, results[0])
	}
}

// consume runs a consumer until the returned function is called, or the test ends.
func (b *broker) consume(t *testing.T, handle stream.Handler, options stream.ConsumerOptions) (c *stream.Consumer, stop func()) {
	t.Helper()
	options.Stream, options.Name = "EVENTS", "delivery"
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	c, err := stream.NewConsumer(b.Stream, handle, options)
	kittest.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		kittest.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return c, stop
}

// drained waits until a consumer has handled all events.
func drained(t *testing.T, c *stream.Consumer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		backlog, err := c.Backlog(ctx)
		kittest.NoError(t, err)
		if backlog == 0 {
			return
		}
	}
}

// A record holds the ids of handled events.
type record struct {
	mu  sync.Mutex
	ids []string
}

func (r *record) add(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, id)
}

// of returns the ids of the events of an order.
func (r *record) of(order string) (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range r.ids {
		if strings.HasPrefix(id, order+"/") {
			ids = append(ids, id)
		}
	}
	return ids
}

// TestConsumerOrder runs two processes with one consumer, whose handlers fail now and then: each
// event is handled once, in the order of its subject.
func TestConsumerOrder(t *testing.T) {
	b := newBroker(t)
	var handled record
	handle := func(_ context.Context, d stream.Delivery) error {
		number, err := strconv.Atoi(string(d.Data))
		if err != nil {
			return err
		}
		if number%4 == 1 && d.Attempt <= 2 {
			return errDatabase
		}
		handled.add(d.ID)
		return nil
	}
	options := stream.ConsumerOptions{MinBackoff: time.Millisecond, MaxBackoff: 4 * time.Millisecond}
	c, _ := b.consume(t, handle, options)
	b.consume(t, handle, options)
	const orders, events = 12, 10
	want := map[string][]string{}
	for number := range events {
		for order := range orders {
			e := orderEvent(fmt.Sprintf("o%d", order), number)
			b.publish(t, e)
			want[e.Subject] = append(want[e.Subject], e.ID)
		}
	}
	drained(t, c)
	for order, ids := range want {
		kittest.Equal(t, handled.of(order), ids)
	}
}

// TestConsumerHoldsBackLaterEvents checks that no later event of a subject is delivered while one
// waits for its next attempt, at whatever process.
func TestConsumerHoldsBackLaterEvents(t *testing.T) {
	b := newBroker(t)
	b.publish(t, orderEvent("a", 0), orderEvent("a", 1))
	failed := make(chan string, 100)
	mended := make(chan struct{})
	var handled record
	handle := func(_ context.Context, d stream.Delivery) error {
		select {
		case <-mended:
			handled.add(d.ID)
			return nil
		default:
			failed <- d.ID
			return errDatabase
		}
	}
	options := stream.ConsumerOptions{MinBackoff: time.Millisecond, MaxBackoff: 4 * time.Millisecond}
	c, _ := b.consume(t, handle, options)
	b.consume(t, handle, options)
	for range 20 {
		kittest.Equal(t, <-failed, "a/0")
	}
	close(mended)
	drained(t, c)
	kittest.Equal(t, handled.of("a"), []string{"a/0", "a/1"})
}

// TestStoppedConsumer stops a process while it handles an event: it completes it, and another
// process gets the next ones at once, long before AckWait.
func TestStoppedConsumer(t *testing.T) {
	b := newBroker(t)
	entered, resume := make(chan struct{}), make(chan struct{})
	options := stream.ConsumerOptions{Partitions: 1, AckWait: time.Hour}
	var handled record
	_, stop := b.consume(t, func(ctx context.Context, d stream.Delivery) error {
		if d.ID == "a/0" {
			close(entered)
			<-resume
		}
		handled.add(d.ID)
		return ctx.Err()
	}, options)
	b.publish(t, orderEvent("a", 0), orderEvent("a", 1), orderEvent("b", 0))
	<-entered
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	c, _ := b.consume(t, func(_ context.Context, d stream.Delivery) error { handled.add(d.ID); return nil }, options)
	close(resume)
	<-stopped
	drained(t, c)
	kittest.Equal(t, handled.of("a"), []string{"a/0", "a/1"})
	kittest.Equal(t, handled.of("b"), []string{"b/0"})
}

// TestSlowHandler checks that an event whose handler takes longer than AckWait is not delivered
// again meanwhile.
func TestSlowHandler(t *testing.T) {
	b := newBroker(t)
	const ackWait = 300 * time.Millisecond
	var handled record
	handle := func(ctx context.Context, d stream.Delivery) error {
		select {
		case <-time.After(4 * ackWait): // the work
		case <-ctx.Done():
		}
		handled.add(d.ID)
		return ctx.Err()
	}
	c, _ := b.consume(t, handle, stream.ConsumerOptions{AckWait: ackWait})
	b.consume(t, handle, stream.ConsumerOptions{AckWait: ackWait})
	b.publish(t, orderEvent("a", 0), orderEvent("a", 1))
	drained(t, c)
	kittest.Equal(t, handled.of("a"), []string{"a/0", "a/1"})
}

func TestDeadLetters(t *testing.T) {
	b := newBroker(t)
	malformed, err := b.Stream.Publish(t.Context(), "events.order.changed", []byte("{"))
	kittest.NoError(t, err)
	b.publish(t, orderEvent("a", 0), orderEvent("a", 1), orderEvent("b", 0), orderEvent("b", 1))
	var handled, attempts, dead record
	var causes sync.Map
	refused := false
	c, stop := b.consume(t, func(_ context.Context, d stream.Delivery) error {
		attempts.add(d.ID)
		switch d.ID {
		case "a/0":
			return errDatabase
		case "b/0":
			return fault.Invalidf("no such order")
		}
		handled.add(d.ID)
		return nil
	}, stream.ConsumerOptions{
		Partitions: 1, MaxAttempts: 3, MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond,
		DeadLetter: func(_ context.Context, d stream.Delivery, cause error) error {
			if d.ID == "a/0" && !refused {
				refused = true
				return errDatabase
			}
			dead.add(d.ID + "/" + strconv.FormatUint(d.Sequence, 10))
			causes.Store(d.ID, cause)
			return nil
		},
	})
	drained(t, c)
	stop()
	kittest.Equal(t, dead.ids, []string{"/" + strconv.FormatUint(malformed.Sequence, 10), "a/0/2", "b/0/4"})
	kittest.Equal(t, handled.ids, []string{"a/1", "b/1"})
	kittest.Equal(t, attempts.of("a"), []string{"a/0", "a/0", "a/0", "a/0", "a/1"}) // once more: the callback failed
	kittest.Equal(t, attempts.of("b"), []string{"b/0", "b/1"})
	cause, _ := causes.Load("b/0")
	kittest.Error(t, cause.(error), fault.ErrInvalid, "no such order") //nolint:forcetypeassert // it is an error
}

// TestConsumerOfAMissingStream runs a consumer before its stream exists.
func TestConsumerOfAMissingStream(t *testing.T) {
	b := newBroker(t)
	kittest.NoError(t, b.Stream.DeleteStream(t.Context(), "EVENTS"))
	handled := make(chan string, 1)
	b.consume(t, func(_ context.Context, d stream.Delivery) error { handled <- d.ID; return nil }, stream.ConsumerOptions{})
	kittest.NoError(t, stream.EnsureStream(t.Context(), b.Stream, stream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}}))
	b.publish(t, orderEvent("a", 0))
	kittest.Equal(t, <-handled, "a/0")
}

func TestConsumerOptionsAreChecked(t *testing.T) {
	for _, test := range []struct {
		options stream.ConsumerOptions
		error   string
	}{
		{stream.ConsumerOptions{Name: "a"}, "name of a stream"},
		{stream.ConsumerOptions{Stream: "EVENTS", Name: "a.b"}, `invalid name "a.b"`},
		{stream.ConsumerOptions{Stream: "EVENTS", Name: "a", Partitions: 65}, "65 partitions"},
		{stream.ConsumerOptions{Stream: "EVENTS", Name: "a", AckWait: 1}, "ack wait"},
	} {
		if _, err := stream.NewConsumer(nil, nil, test.options); err == nil || !strings.Contains(err.Error(), test.error) {
			t.Errorf("error is %v, want %s", err, test.error)
		}
	}
}

// TestEnsureStream checks that a stream is never reduced.
func TestEnsureStream(t *testing.T) {
	b := newBroker(t)
	ensure := func(config stream.StreamConfig) jetstream.StreamConfig {
		t.Helper()
		config.Name = "SHOP"
		errs := kittest.Concurrently(4, func(int) error { return stream.EnsureStream(t.Context(), b.Stream, config) })
		kittest.NoError(t, errors.Join(errs...))
		s, err := b.Stream.Stream(t.Context(), "SHOP")
		kittest.NoError(t, err)
		return s.CachedInfo().Config
	}
	first := ensure(stream.StreamConfig{Subjects: []string{"shop.order.>"}, MaxAge: 48 * time.Hour})
	kittest.Equal(t, []any{first.Storage, first.Replicas, first.Duplicates, first.MaxAge}, []any{jetstream.FileStorage, 1, 24 * time.Hour, 48 * time.Hour})
	less := ensure(stream.StreamConfig{Subjects: []string{"shop.order.created"}, MaxAge: time.Hour, Duplicates: time.Minute})
	kittest.Equal(t, less, first)
	more := ensure(stream.StreamConfig{Subjects: []string{"shop.book.>"}, MaxAge: 72 * time.Hour, Duplicates: 36 * time.Hour})
	kittest.Equal(t, []any{more.Subjects, more.Duplicates, more.MaxAge}, []any{[]string{"shop.order.>", "shop.book.>"}, 36 * time.Hour, 72 * time.Hour})
	forever := ensure(stream.StreamConfig{Subjects: []string{"shop.book.>"}})
	kittest.Equal(t, forever.MaxAge, time.Duration(0))
	kittest.Equal(t, ensure(stream.StreamConfig{Subjects: []string{"shop.book.>"}, MaxAge: time.Hour}), forever)
}

// TestReplay reads a stream from its beginning to its present end.
func TestReplay(t *testing.T) {
	b := newBroker(t)
	var got []string
	last, err := stream.Replay(t.Context(), b.Stream, "EVENTS", nil)
	kittest.NoError(t, err)
	kittest.Equal(t, last, uint64(0))
	b.publish(t, orderEvent("a", 0), orderEvent("b", 0))
	_, err = b.Stream.Publish(t.Context(), "events.order.changed", []byte("{"))
	kittest.NoError(t, err)
	b.publish(t, orderEvent("a", 1))
	last, err = stream.Replay(t.Context(), b.Stream, "EVENTS", func(_ context.Context, d stream.Delivery) error {
		if len(got) == 0 {
			b.publish(t, orderEvent("c", 0)) //nolint:contextcheck // after the end
		}
		got = append(got, d.ID+"@"+strconv.FormatUint(d.Sequence, 10))
		return nil
	})
	kittest.NoError(t, err)
	kittest.Equal(t, last, uint64(4))
	kittest.Equal(t, got, []string{"a/0@1", "b/0@2", "a/1@4"})
	last, err = stream.Replay(t.Context(), b.Stream, "EVENTS", func(context.Context, stream.Delivery) error { return errDatabase })
	kittest.Error(t, err, errDatabase)
	kittest.Equal(t, last, uint64(1))
	last, err = stream.Replay(t.Context(), b.Stream, "EVENTS", nil, "events.other")
	kittest.NoError(t, err)
	kittest.Equal(t, last, uint64(0))
}
