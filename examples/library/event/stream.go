package event

import (
	"context"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/kit/stream"
)

// Stream is the stream of all events of the library, from which MyPage can be rebuilt at any time.
const Stream = "LIBRARY"

// The subjects of events, before their types: in Stream, and in the stream of Bongsu, whose rules
// notify people.
const subjectPrefix, bongsuPrefix = "library.events.", "events."

// EnsureStream creates Stream if it is missing, on a number of NATS servers. It keeps events
// forever.
func EnsureStream(ctx context.Context, js jetstream.JetStream, replicas int) error {
	return stream.EnsureStream(ctx, js, stream.StreamConfig{
		Name: Stream, Description: "Events of the library", Subjects: []string{subjectPrefix + ">"}, Replicas: replicas,
	})
}

// NewPublisher returns a publisher that stores events in Stream.
func NewPublisher(js jetstream.JetStream) stream.Publisher {
	return stream.JetStream{Stream: js, Prefix: subjectPrefix}
}

// NewRelay returns the consumer that publishes the events of Stream to that of Bongsu. All processes
// of the library run it and share its work.
func NewRelay(js jetstream.JetStream, log *slog.Logger) (*stream.Consumer, error) {
	return stream.NewRelay(js, stream.JetStream{Stream: js, Prefix: bongsuPrefix}, stream.RelayOptions{
		ConsumerOptions: stream.ConsumerOptions{Stream: Stream, Name: "bongsu", Log: log},
	})
}

// Subjects returns the subjects of the events of messages in Stream.
func Subjects(all ...proto.Message) []string {
	subjects := make([]string, len(all))
	for i, m := range all {
		subjects[i] = subjectPrefix + types[m.ProtoReflect().Descriptor().FullName()]
	}
	return subjects
}
