package mypage

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"
	mypagev1 "github.com/bongsu-project/bongsu/gen/go/library/mypage/v1"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/natsserver"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// startNATS returns a connection to a new NATS server.
func startNATS(t *testing.T) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	server, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Name: "mypage-test"})
	kittest.NoError(t, err)
	t.Cleanup(server.Stop)
	conn, err := server.Connect(slog.New(slog.DiscardHandler))
	kittest.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	kittest.NoError(t, err)
	return conn, js
}

// TestView checks that a customer sees the entries of their own, and each change of them.
func TestView(t *testing.T) {
	t.Parallel()
	_, js := startNATS(t)
	view, err := OpenView(t.Context(), js, 1)
	kittest.NoError(t, err)
	const customer = "미나 kim." // no key may have such characters
	id := uuid.NewString()
	reserved := &eventv1.Reserved{ReservationId: id, Customer: customer, ProductId: "p"}
	kittest.NoError(t, view.Apply(t.Context(), reserved, time.Unix(1, 0)))
	kittest.NoError(t, view.Apply(t.Context(), &eventv1.Reserved{ReservationId: uuid.NewString(), Customer: "jun", ProductId: "p"}, time.Unix(2, 0)))
	seen := make(chan *mypagev1.Entry)
	ended, done := errors.New("ended"), make(chan error, 1)
	go func() {
		count := 0
		done <- view.Watch(t.Context(), customer, func(entry *mypagev1.Entry) error {
			seen <- entry
			if count++; count == 2 {
				return ended
			}
			return nil
		})
	}()
	first := <-seen
	kittest.Equal(t, [3]string{first.GetReservationId(), first.GetCustomer(), first.GetState().String()}, [3]string{id, customer, "ENTRY_STATE_RESERVED"})
	kittest.NoError(t, view.Apply(t.Context(), reserved, time.Unix(1, 0))) // delivered again: no change
	kittest.NoError(t, view.Apply(t.Context(), &eventv1.Held{ReservationId: id, Customer: customer, ProductId: "p", Title: "Emma"}, time.Unix(3, 0)))
	second := <-seen
	kittest.Equal(t, [2]string{second.GetTitle(), second.GetState().String()}, [2]string{"Emma", "ENTRY_STATE_HELD"})
	if second.GetRevision() <= first.GetRevision() {
		t.Errorf("revision %d after %d", second.GetRevision(), first.GetRevision())
	}
	kittest.Error(t, <-done, ended)
}

// TestConcurrentEvents checks that processes which handle events of one reservation at the same
// time lose none.
func TestConcurrentEvents(t *testing.T) {
	t.Parallel()
	_, js := startNATS(t)
	view, err := OpenView(t.Context(), js, 1)
	kittest.NoError(t, err)
	id := uuid.NewString()
	events := []proto.Message{
		&eventv1.Reserved{ReservationId: id, Customer: "mina", ProductId: "p"},
		&eventv1.OutOfStock{ReservationId: id, Customer: "mina", ProductId: "p"},
		&eventv1.Held{ReservationId: id, Customer: "mina", ProductId: "p", Title: "Emma"},
		&eventv1.Canceled{ReservationId: id, Customer: "mina", ProductId: "p"},
	}
	for _, err := range kittest.Concurrently(4*len(events), func(i int) error {
		return view.Apply(t.Context(), events[i%len(events)], time.Unix(int64(i%len(events)), 0))
	}) {
		kittest.NoError(t, err)
	}
	all, err := view.List(t.Context(), "mina")
	kittest.NoError(t, err)
	if len(all) != 1 || len(all[0].GetChanges()) != len(events) {
		t.Errorf("entries %v", all)
	}
}

// TestRebuild checks that a view is made anew of the stream, without what is not in it.
func TestRebuild(t *testing.T) {
	t.Parallel()
	conn, js := startNATS(t)
	kittest.NoError(t, event.EnsureStream(t.Context(), js, 1))
	view, err := OpenView(t.Context(), js, 1)
	kittest.NoError(t, err)
	for range 3 {
		publish(t, js, &eventv1.Reserved{ReservationId: uuid.NewString(), Customer: "mina", ProductId: uuid.NewString()})
	}
	events, err := Rebuild(t.Context(), conn, 1)
	kittest.NoError(t, err)
	kittest.Equal(t, events, 3)
	want := ids(t, view)
	kittest.NoError(t, view.Apply(t.Context(), &eventv1.Reserved{ReservationId: uuid.NewString(), Customer: "mina"}, time.Unix(1, 0)))
	_, err = Rebuild(t.Context(), conn, 1)
	kittest.NoError(t, err)
	kittest.Equal(t, len(want), 3)
	kittest.Equal(t, ids(t, view), want)
}

func publish(t *testing.T, js jetstream.JetStream, m proto.Message) {
	t.Helper()
	e, err := event.New(m)
	kittest.NoError(t, err)
	e.ID, e.Time = uuid.NewString(), time.Now()
	results, err := event.NewPublisher(js).Publish(t.Context(), []stream.Event{e})
	kittest.NoError(t, errors.Join(append(results, err)...))
}

// ids returns the reservations of a view.
func ids(t *testing.T, view *View) (ids []string) {
	t.Helper()
	all, err := view.List(t.Context(), "mina")
	kittest.NoError(t, err)
	for _, entry := range all {
		ids = append(ids, entry.GetReservationId())
	}
	slices.Sort(ids)
	return ids
}
