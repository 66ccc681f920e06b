package delivery

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"

	"github.com/bongsu-project/bongsu/examples/library/event/eventtest"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m, "LIBRARY_TEST_POSTGRES") }

func TestSQLite(t *testing.T) {
	t.Parallel()
	testStore(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "delivery.db") })
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	postgrestest.Require(t)
	testStore(t, func(t *testing.T) string { return postgrestest.URL(t) })
}

// A fixture is a store whose events are recorded.
type fixture struct {
	*Store
	*eventtest.Recorder
}

func open(t *testing.T, url string) fixture {
	t.Helper()
	events := eventtest.New()
	s := kittest.Open(t, url, func(ctx context.Context, url string) (*Store, error) {
		return Open(ctx, url, events, slog.New(slog.DiscardHandler))
	})
	eventtest.Run(t, s.outbox.Run)
	return fixture{s, events}
}

// start is the time at which the tests begin.
var start = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// testStore runs the tests of a store on new databases.
func testStore(t *testing.T, database func(*testing.T) string) {
	for name, test := range map[string]func(*testing.T, fixture){
		"a held book is delivered once":                       testDeliver,
		"a canceled delivery never starts":                    testCancelBefore,
		"a refused cancellation lets the delivery go on":      testRefused,
		"a refused cancellation starts a delivery held since": testRefusedBeforeStart,
		"calls and events at the same time start it once":     testConcurrently,
		"a list has pages and filters":                        testList,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, database(t)))
		})
	}
}

func newBook() *eventv1.Held {
	return &eventv1.Held{ReservationId: uuid.NewString(), Customer: "mina", ProductId: uuid.NewString(), Title: "Emma"}
}

func (f fixture) hold(t *testing.T, book *eventv1.Held) {
	t.Helper()
	kittest.NoError(t, f.Hold(t.Context(), book, start))
}

// one returns the listed delivery of a book.
func (f fixture) one(t *testing.T, book *eventv1.Held) Delivery {
	t.Helper()
	all, err := f.List(t.Context(), Filter{ReservationID: book.GetReservationId()}, "", 9)
	kittest.NoError(t, err)
	if len(all) != 1 {
		t.Fatalf("%d deliveries of a book", len(all))
	}
	return all[0]
}

func started(d Delivery) *eventv1.Started {
	return &eventv1.Started{ReservationId: d.ReservationID, DeliveryId: d.ID, Customer: d.Customer, ProductId: d.ProductID, Title: d.Title}
}

// deliver starts the delivery of a book, and takes its event.
func (f fixture) deliver(t *testing.T, book *eventv1.Held) Delivery {
	t.Helper()
	f.hold(t, book)
	d := f.one(t, book)
	f.Want(t, started(d))
	return d
}

func testDeliver(t *testing.T, f fixture) {
	book := newBook()
	d := f.deliver(t, book)
	kittest.Equal(t, d, Delivery{
		ReservationID: book.GetReservationId(), ID: d.ID, Customer: "mina", ProductID: book.GetProductId(), Title: "Emma",
		State: Started, Progress: Started, CreateTime: start, UpdateTime: start,
	})
	f.hold(t, book) // delivered again
	for range 2 {
		completed, err := f.Complete(t.Context(), d.ID, start.Add(time.Hour))
		kittest.NoError(t, err)
		kittest.Equal(t, [2]any{completed.State, completed.UpdateTime}, [2]any{Delivered, start.Add(time.Hour)})
	}
	f.Want(t, &eventv1.Delivered{ReservationId: d.ReservationID, DeliveryId: d.ID, Customer: "mina"})
	_, err := f.Complete(t.Context(), uuid.NewString(), start)
	kittest.Error(t, err, fault.ErrNotFound, "delivery")
	f.deliver(t, newBook()) // its event is the next: nothing else was published
}

func testCancelBefore(t *testing.T, f fixture) {
	book, attempt := newBook(), uuid.NewString()
	for range 2 {
		d, err := f.Cancel(t.Context(), book.GetReservationId(), attempt, start)
		kittest.NoError(t, err)
		kittest.Equal(t, [2]any{d.State, d.ID}, [2]any{Canceled, ""})
	}
	f.hold(t, book)
	kittest.NoError(t, f.End(t.Context(), book.GetReservationId(), attempt, Accepted, start))
	all, err := f.List(t.Context(), Filter{}, "", 9)
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), 0)
	f.deliver(t, newBook())
}

func testRefused(t *testing.T, f fixture) {
	book, attempt := newBook(), uuid.NewString()
	d := f.deliver(t, book)
	_, err := f.Cancel(t.Context(), d.ReservationID, attempt, start)
	kittest.NoError(t, err)
	kittest.Equal(t, f.one(t, book).State, Canceled)
	_, err = f.Complete(t.Context(), d.ID, start)
	kittest.Error(t, err, fault.ErrPrecondition, "canceled")
	kittest.NoError(t, f.End(t.Context(), d.ReservationID, attempt, Refused, start))
	kittest.Equal(t, f.one(t, book), d)
	_, err = f.Cancel(t.Context(), d.ReservationID, attempt, start) // the call arrives again, too late
	kittest.Error(t, err, fault.ErrPrecondition, attempt)
	kittest.Equal(t, f.one(t, book), d)
}

func testRefusedBeforeStart(t *testing.T, f fixture) {
	book, attempt := newBook(), uuid.NewString()
	_, err := f.Cancel(t.Context(), book.GetReservationId(), attempt, start)
	kittest.NoError(t, err)
	f.hold(t, book)
	kittest.NoError(t, f.End(t.Context(), book.GetReservationId(), attempt, Refused, start.Add(time.Minute)))
	d := f.one(t, book)
	f.Want(t, started(d))
	kittest.Equal(t, [2]any{d.State, d.CreateTime}, [2]any{Started, start.Add(time.Minute)})
}

func testConcurrently(t *testing.T, f fixture) {
	book, attempt := newBook(), uuid.NewString()
	for _, err := range kittest.Concurrently(12, func(i int) error {
		switch i % 3 {
		case 0:
			return f.Hold(t.Context(), book, start)
		case 1:
			return f.End(t.Context(), book.GetReservationId(), attempt, Refused, start)
		}
		_, err := f.Cancel(t.Context(), book.GetReservationId(), attempt, start)
		if errors.Is(err, fault.ErrPrecondition) {
			err = nil // it came after its refusal
		}
		return err
	}) {
		kittest.NoError(t, err)
	}
	d := f.one(t, book)
	kittest.Equal(t, d.State, Started)
	f.Want(t, started(d))
	f.deliver(t, newBook())
}

func testList(t *testing.T, f fixture) {
	first, second, third := f.deliver(t, newBook()), f.deliver(t, newBook()), f.deliver(t, newBook())
	page, err := f.List(t.Context(), Filter{}, "", 2)
	kittest.NoError(t, err)
	kittest.Equal(t, page, []Delivery{third, second})
	page, err = f.List(t.Context(), Filter{}, second.ID, 2)
	kittest.NoError(t, err)
	kittest.Equal(t, page, []Delivery{first})
	_, err = f.Complete(t.Context(), second.ID, start)
	kittest.NoError(t, err)
	page, err = f.List(t.Context(), Filter{State: Started}, "", 9)
	kittest.NoError(t, err)
	kittest.Equal(t, page, []Delivery{third, first})
}
