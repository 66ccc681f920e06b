// Package eventtest records the events of a store for its tests.
package eventtest

import (
	"context"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// A Recorder is a publisher that keeps the messages of the events. It is safe for concurrent use.
type Recorder struct {
	mu       sync.Mutex
	messages []proto.Message
	changed  chan struct{}
}

// New returns a recorder.
func New() *Recorder { return &Recorder{changed: make(chan struct{}, 1)} }

// Publish implements stream.Publisher.
func (r *Recorder) Publish(_ context.Context, events []stream.Event) ([]error, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		m, err := event.Decode(e)
		if err != nil {
			return nil, err
		}
		r.messages = append(r.messages, m)
	}
	select {
	case r.changed <- struct{}{}:
	default:
	}
	return make([]error, len(events)), nil
}

// Run runs a store until the test ends.
func Run(t testing.TB, run func(context.Context) error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Want ends the test unless the next events are those of messages, those of each subject in their
// order.
func (r *Recorder) Want(t testing.TB, want ...proto.Message) {
	t.Helper()
	got := r.next(t, len(want))
	for _, m := range want {
		if len(got) == 0 {
			t.Fatalf("no event\n%s", text(m))
		}
		i := 0
		for i < len(got)-1 && !sameSubject(got[i], m) {
			i++
		}
		if !proto.Equal(got[i], m) {
			t.Fatalf("event\n%s, want\n%s", text(got[i]), text(m))
		}
		got = append(got[:i:i], got[i+1:]...)
	}
}

// next returns the next n messages.
func (r *Recorder) next(t testing.TB, n int) []proto.Message {
	t.Helper()
	for {
		r.mu.Lock()
		if len(r.messages) >= n {
			next := r.messages[:n:n]
			r.messages = r.messages[n:]
			r.mu.Unlock()
			return next
		}
		r.mu.Unlock()
		select {
		case <-r.changed:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

func sameSubject(a, b proto.Message) bool {
	first, err := event.New(a)
	if err != nil {
		return false
	}
	second, err := event.New(b)
	return err == nil && first.Subject == second.Subject
}

func text(m proto.Message) string {
	return strings.TrimSpace(string(m.ProtoReflect().Descriptor().Name()) + " " + protojson.Format(m))
}
