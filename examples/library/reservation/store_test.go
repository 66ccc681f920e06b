package reservation

import (
	"context"
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
	testStore(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "reservation.db") })
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
		"a repeated key returns the first reservation":  testRepeatedKey,
		"a customer sees only their own":                testCustomers,
		"a list has pages":                              testPages,
		"a cancellation is published once":              testCancel,
		"a refused cancellation leaves the reservation": testRefuse,
		"a stale attempt is refused once":               testStale,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, database(t)))
		})
	}
}

// reserve adds a reservation of a customer, and takes its event.
func (f fixture) reserve(t *testing.T, customer string) Reservation {
	t.Helper()
	r, err := f.Add(t.Context(), New(customer, uuid.NewString(), start), "")
	kittest.NoError(t, err)
	f.Want(t, &eventv1.Reserved{ReservationId: r.ID, Customer: customer, ProductId: r.ProductID})
	return r
}

func testRepeatedKey(t *testing.T, f fixture) {
	product := uuid.NewString()
	var first Reservation
	for i := range 2 {
		r, err := f.Add(t.Context(), New("mina", product, start.Add(time.Duration(i)*time.Second)), "key")
		kittest.NoError(t, err)
		if i == 0 {
			first = r
		}
		kittest.Equal(t, r, first)
	}
	f.Want(t, &eventv1.Reserved{ReservationId: first.ID, Customer: "mina", ProductId: product})
	_, err := f.Add(t.Context(), New("mina", uuid.NewString(), start), "key")
	kittest.Error(t, err, fault.ErrExists, "idempotency key")
	_, err = f.Add(t.Context(), New("jun", uuid.NewString(), start), "key") // the keys of a customer are their own
	kittest.NoError(t, err)
}

func testCustomers(t *testing.T, f fixture) {
	r := f.reserve(t, "mina")
	got, err := f.Get(t.Context(), "mina", r.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got, r)
	_, err = f.Get(t.Context(), "jun", r.ID)
	kittest.Error(t, err, fault.ErrNotFound, r.ID)
	_, err = f.BeginCancel(t.Context(), "jun", r.ID, newID(), start)
	kittest.Error(t, err, fault.ErrNotFound, r.ID)
}

func testPages(t *testing.T, f fixture) {
	first, second, third := f.reserve(t, "mina"), f.reserve(t, "mina"), f.reserve(t, "mina")
	f.reserve(t, "jun")
	page, err := f.List(t.Context(), "mina", "", 2)
	kittest.NoError(t, err)
	kittest.Equal(t, page, []Reservation{third, second})
	page, err = f.List(t.Context(), "mina", second.ID, 2)
	kittest.NoError(t, err)
	kittest.Equal(t, page, []Reservation{first})
}

func testCancel(t *testing.T, f fixture) {
	r, attempt, later := f.reserve(t, "mina"), newID(), start.Add(time.Minute)
	canceling, err := f.BeginCancel(t.Context(), "mina", r.ID, attempt, later)
	kittest.NoError(t, err)
	kittest.Equal(t, canceling.State, Canceling)
	_, err = f.BeginCancel(t.Context(), "mina", r.ID, newID(), later)
	kittest.Error(t, err, fault.ErrUnavailable, "is being canceled")
	canceled, err := f.FinishCancel(t.Context(), attempt, r, later)
	kittest.NoError(t, err)
	kittest.Equal(t, canceled, Reservation{
		ID: r.ID, Customer: "mina", ProductID: r.ProductID, State: Canceled, Attempt: attempt, CreateTime: start, UpdateTime: later,
	})
	again, err := f.BeginCancel(t.Context(), "mina", r.ID, newID(), later.Add(time.Minute))
	kittest.NoError(t, err)
	kittest.Equal(t, again, canceled)
	kittest.NoError(t, f.RefuseCancel(t.Context(), r.ID, attempt, later)) // too late
	f.Want(t, &eventv1.Canceled{ReservationId: r.ID, Customer: "mina", ProductId: r.ProductID, AttemptId: attempt})
	f.reserve(t, "jun") // its event is the next: nothing else was published
}

func testRefuse(t *testing.T, f fixture) {
	r, attempt := f.reserve(t, "mina"), newID()
	_, err := f.BeginCancel(t.Context(), "mina", r.ID, attempt, start)
	kittest.NoError(t, err)
	kittest.NoError(t, f.RefuseCancel(t.Context(), r.ID, newID(), start)) // another attempt
	kittest.NoError(t, f.RefuseCancel(t.Context(), r.ID, attempt, start))
	f.Want(t, &eventv1.CancellationRefused{ReservationId: r.ID, AttemptId: attempt})
	_, err = f.FinishCancel(t.Context(), attempt, r, start)
	kittest.Error(t, err, fault.ErrConflict, attempt)
	got, err := f.Get(t.Context(), "mina", r.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.State, Reserved)
}

func testStale(t *testing.T, f fixture) {
	stale, live := f.reserve(t, "mina"), f.reserve(t, "mina")
	attempt := newID()
	_, err := f.BeginCancel(t.Context(), "mina", stale.ID, attempt, start)
	kittest.NoError(t, err)
	_, err = f.BeginCancel(t.Context(), "mina", live.ID, newID(), start.Add(time.Second))
	kittest.NoError(t, err)
	refused := make([]int, 4) // by processes at the same time
	for _, err := range kittest.Concurrently(len(refused), func(i int) (err error) {
		refused[i], err = f.RefuseStale(t.Context(), start.Add(time.Second), start.Add(time.Minute))
		return err
	}) {
		kittest.NoError(t, err)
	}
	kittest.Equal(t, refused[0]+refused[1]+refused[2]+refused[3], 1)
	f.Want(t, &eventv1.CancellationRefused{ReservationId: stale.ID, AttemptId: attempt})
}
