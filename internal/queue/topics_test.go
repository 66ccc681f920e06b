package queue_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/bongsu-project/bongsu/internal/queue"
)

// A topicMessage is a message of a Topics.
type topicMessage struct{ name, data string }

// TestTopics checks that a process receives the messages of the names that it subscribes to, from
// the confirmation until the end of the subscription, also of names that are no subjects.
func TestTopics(t *testing.T) {
	b := broker(t)
	quiet := slog.New(slog.DiscardHandler)
	here, there := queue.NewTopics(connectTo(t, b), "test.topics", quiet), queue.NewTopics(connectTo(t, b), "test.topics", quiet)
	received := make(chan topicMessage, 10)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- there.Run(ctx, func(name string, data []byte) { received <- topicMessage{name, string(data)} }, func() {})
	}()
	names := []string{"kim", "a.b *>", "김철수"}
	var stops []func()
	for _, name := range names {
		stop, err := there.Subscribe(name)
		if err != nil {
			t.Fatal(err)
		}
		stops = append(stops, stop)
	}
	if err := there.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish := func(name, data string) {
		t.Helper()
		if err := here.Publish(name, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		publish("another", "x")
		publish(name, "1")
		if got := <-received; got != (topicMessage{name, "1"}) {
			t.Errorf("received %v of %q", got, name)
		}
	}
	stops[0]()
	if err := there.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(names[0], "2")
	publish(names[1], "3")
	if got := <-received; got != (topicMessage{names[1], "3"}) {
		t.Errorf("received %v after the end of a subscription", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
