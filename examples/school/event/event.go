// Package event has the stream of the events of the school: where they are published, and how a
// service handles those of others.
package event

import (
	"context"
	"errors"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/process"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// name is the name of the stream of all events of the school.
const name = "SCHOOL"

// The subjects of events, before their types: in the stream of the school, and in that of Bongsu, whose
// rules notify people.
const subjectPrefix, bongsuPrefix = "school.events.", "events."

// EnsureStream creates the stream if it is missing, on a number of NATS servers. It keeps events forever:
// a service that is new reads all accounts from it.
func EnsureStream(ctx context.Context, js jetstream.JetStream, replicas int) error {
	return stream.EnsureStream(ctx, js, stream.StreamConfig{
		Name: name, Description: "Events of the school", Subjects: []string{subjectPrefix + ">"}, Replicas: replicas,
	})
}

// NewPublisher returns a publisher that stores events in the stream, from which a relay publishes them to
// Bongsu, and those with a credential in the stream of Bongsu only.
func NewPublisher(js jetstream.JetStream) stream.Publisher {
	return publisher{own: stream.JetStream{Stream: js, Prefix: subjectPrefix}, bongsu: stream.JetStream{Stream: js, Prefix: bongsuPrefix}}
}

// credentials are the types of events with a credential, such as a link: only Bongsu reads them, and the
// stream of the school keeps events forever.
var credentials = map[string]bool{"school.auth.password_reset_requested": true, "school.outing.decision_requested": true}

// A publisher chooses the stream of each event.
type publisher struct{ own, bongsu stream.Publisher }

// Publish implements stream.Publisher.
func (p publisher) Publish(ctx context.Context, events []stream.Event) ([]error, error) {
	results := make([]error, len(events))
	for _, to := range []struct {
		stream.Publisher

		credentials bool
	}{{p.own, false}, {p.bongsu, true}} {
		var chosen []stream.Event
		var places []int
		for i, e := range events {
			if credentials[e.Type] == to.credentials {
				chosen, places = append(chosen, e), append(places, i)
			}
		}
		if len(chosen) == 0 {
			continue
		}
		some, err := to.Publish(ctx, chosen)
		if err != nil {
			return nil, err
		}
		for i, place := range places {
			results[place] = some[i]
		}
	}
	return results, nil
}

// NewRelay returns the consumer that publishes the events of the stream to that of Bongsu. All processes
// of the school run it and share its work.
func NewRelay(js jetstream.JetStream, log *slog.Logger) (*stream.Consumer, error) {
	return stream.NewRelay(js, stream.JetStream{Stream: js, Prefix: bongsuPrefix}, stream.RelayOptions{
		ConsumerOptions: stream.ConsumerOptions{Stream: name, Name: "bongsu", Log: log},
	})
}

// A Store is the database of a service with its outbox, its consumer of events, and the task that deletes
// old notes of handled events.
type Store struct {
	DB      *database.Database
	Outbox  *stream.Outbox
	Streams []stream.Worker
	Tasks   []process.Task
}

// A Handle handles an event of a type in a transaction.
type Handle func(ctx context.Context, t *database.Tx, e stream.Event) error

// Open opens the database of a service, which has the copy of the accounts (package people). Each event
// whose type is in handles takes effect once: its changes are committed with the note that it
// was handled.
func Open(ctx context.Context, p *process.Process, js jetstream.JetStream, service, url string, schema database.Schema, handles map[string]Handle) (*Store, error) {
	db, err := database.Open(ctx, url, schema)
	if err != nil {
		return nil, err
	}
	s := &Store{DB: db}
	if err := s.open(ctx, p, js, service, handles); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, p *process.Process, js jetstream.JetStream, service string, handles map[string]Handle) error {
	var err error
	s.Outbox, err = stream.NewOutbox(s.DB.Writer(), s.DB.Dialect(), NewPublisher(js), stream.OutboxOptions{Log: p.Log()})
	if err != nil {
		return err
	}
	processed, err := stream.NewProcessed(s.DB.Writer(), s.DB.Dialect(), stream.ProcessedOptions{Log: p.Log()})
	if err != nil {
		return err
	}
	if err := errors.Join(s.Outbox.Migrate(ctx), processed.Migrate(ctx), people.Migrate(ctx, s.DB)); err != nil {
		return err
	}
	var subjects []string
	for kind := range handles {
		subjects = append(subjects, subjectPrefix+kind)
	}
	consumer, err := stream.NewConsumer(js, func(ctx context.Context, d stream.Delivery) error {
		handle, ok := handles[d.Type]
		if !ok {
			return nil
		}
		return s.DB.Write(ctx, func(ctx context.Context, t *database.Tx) error {
			first, err := processed.Note(ctx, t, service, d.Event)
			if err != nil || !first {
				return err
			}
			return handle(ctx, t, d.Event)
		})
	}, stream.ConsumerOptions{Stream: name, Name: service, Filter: subjects, MaxAttempts: maxAttempts, DeadLetter: deadLetter(p), Log: p.Log()})
	if err != nil {
		return err
	}
	s.Streams, s.Tasks = []stream.Worker{s.Outbox, consumer}, []process.Task{processed.Run}
	return nil
}

// maxAttempts is after how many failures an event is given up: with the longest delay between them, an
// outage of a database of two hours.
const maxAttempts = 250

// deadLetter logs an event that a service cannot handle.
func deadLetter(p *process.Process) func(context.Context, stream.Delivery, error) error {
	return func(ctx context.Context, d stream.Delivery, cause error) error {
		p.Log().ErrorContext(ctx, "event given up", "type", d.Type, "id", d.ID, "error", cause, "invalid", errors.Is(cause, fault.ErrInvalid))
		return nil
	}
}
