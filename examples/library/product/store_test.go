package product

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
	testStore(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "product.db") })
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
		"a repeated addition adds nothing":                testRepeatedAddition,
		"a copy is held, goes out and comes back":         testRoundTrip,
		"claims wait in the order of their reservations":  testWaiting,
		"a canceled claim gives its copy to the next":     testHandover,
		"a claim of an unknown product waits":             testUnknownProduct,
		"a cancellation before the claim lets none begin": testEarlyCancellation,
		"concurrent claims hold no copy twice":            testConcurrentClaims,
		"a list is by title, in pages, and has a query":   testList,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, database(t)))
		})
	}
}

// stocked returns a new product with copies, and takes its event.
func (f fixture) stocked(t *testing.T, title string, copies int) Product {
	t.Helper()
	p, err := f.Add(t.Context(), Addition{ProductID: uuid.NewString(), Title: title, Copies: copies}, start)
	kittest.NoError(t, err)
	f.Want(t, changed(p, copies, 0, 0))
	return p
}

func changed(p Product, stock, held, waiting int) *eventv1.StockChanged {
	return &eventv1.StockChanged{ProductId: p.ID, Title: p.Title, Stock: int32(stock), Held: int32(held), Waiting: int32(waiting)}
}

// newClaim returns the claim of a new reservation, made a number of seconds after start.
func newClaim(p Product, seconds int) Claim {
	return Claim{ReservationID: uuid.NewString(), Customer: "mina", ProductID: p.ID, ReserveTime: start.Add(time.Duration(seconds) * time.Second)}
}

func (f fixture) reserve(t *testing.T, c Claim) {
	t.Helper()
	kittest.NoError(t, f.Reserve(t.Context(), c, start))
}

func testRepeatedAddition(t *testing.T, f fixture) {
	a := Addition{ProductID: uuid.NewString(), Title: "Emma", Copies: 2, Key: "key"}
	first, err := f.Add(t.Context(), a, start)
	kittest.NoError(t, err)
	a.ProductID = uuid.NewString() // as a handler makes it for each request
	again, err := f.Add(t.Context(), a, start)
	kittest.NoError(t, err)
	kittest.Equal(t, again, first)
	a.Copies = 3
	_, err = f.Add(t.Context(), a, start)
	kittest.Error(t, err, fault.ErrExists, "idempotency key")
	_, err = f.Add(t.Context(), Addition{ProductID: uuid.NewString(), Copies: 1}, start)
	kittest.Error(t, err, fault.ErrNotFound, "product")
	more, err := f.Add(t.Context(), Addition{ProductID: first.ID, Copies: 1}, start)
	kittest.NoError(t, err)
	kittest.Equal(t, more.Stock, 3)
	f.Want(t, changed(first, 2, 0, 0), changed(first, 3, 0, 0))
}

func testRoundTrip(t *testing.T, f fixture) {
	p := f.stocked(t, "Emma", 2)
	c := newClaim(p, 0)
	for range 2 { // the second delivery of each event changes nothing
		f.reserve(t, c)
	}
	f.Want(t, &eventv1.Held{ReservationId: c.ReservationID, Customer: "mina", ProductId: p.ID, Title: "Emma"}, changed(p, 2, 1, 0))
	for range 2 {
		kittest.NoError(t, f.Start(t.Context(), c, start))
	}
	f.Want(t, changed(p, 1, 0, 0))
	for range 2 {
		kittest.NoError(t, f.Cancel(t.Context(), c, start))
	}
	f.Want(t, changed(p, 2, 0, 0))
	kittest.NoError(t, f.Start(t.Context(), c, start))
	got, err := f.Get(t.Context(), p.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got, Product{ID: p.ID, Title: "Emma", Stock: 2, UpdateTime: start})
}

func testWaiting(t *testing.T, f fixture) {
	p := f.stocked(t, "Emma", 1)
	first, third, second := newClaim(p, 1), newClaim(p, 3), newClaim(p, 2)
	f.reserve(t, first)
	f.reserve(t, third) // its event arrives before that of the second
	f.reserve(t, second)
	f.Want(t, held(p, first, false), changed(p, 1, 1, 0), outOfStock(p, third), changed(p, 1, 1, 1), outOfStock(p, second), changed(p, 1, 1, 2))
	for i, c := range []Claim{second, third} {
		_, err := f.Add(t.Context(), Addition{ProductID: p.ID, Copies: 1}, start)
		kittest.NoError(t, err)
		f.Want(t, held(p, c, true), changed(p, 2+i, 2+i, 1-i))
	}
}

func held(p Product, c Claim, waited bool) *eventv1.Held {
	return &eventv1.Held{ReservationId: c.ReservationID, Customer: c.Customer, ProductId: p.ID, Title: p.Title, Waited: waited}
}

func testHandover(t *testing.T, f fixture) {
	p := f.stocked(t, "Emma", 1)
	first, second := newClaim(p, 1), newClaim(p, 2)
	f.reserve(t, first)
	f.reserve(t, second)
	kittest.NoError(t, f.Start(t.Context(), first, start))
	f.Want(t, held(p, first, false), changed(p, 1, 1, 0), outOfStock(p, second), changed(p, 1, 1, 1), changed(p, 0, 0, 1))
	kittest.NoError(t, f.Cancel(t.Context(), first, start))
	f.Want(t, held(p, second, true), changed(p, 1, 1, 0))
}

func testUnknownProduct(t *testing.T, f fixture) {
	c := newClaim(Product{ID: uuid.NewString()}, 0)
	f.reserve(t, c)
	f.Want(t, &eventv1.OutOfStock{ReservationId: c.ReservationID, Customer: "mina", ProductId: c.ProductID})
	kittest.NoError(t, f.Cancel(t.Context(), c, start))
	f.reserve(t, c)
	f.stocked(t, "Emma", 1) // its event is the next: nothing else was published
}

func testEarlyCancellation(t *testing.T, f fixture) {
	p := f.stocked(t, "Emma", 1)
	c := newClaim(p, 0)
	kittest.NoError(t, f.Cancel(t.Context(), c, start))
	f.reserve(t, c)
	kittest.NoError(t, f.Start(t.Context(), c, start))
	got, err := f.Get(t.Context(), p.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, [3]int{got.Stock, got.Held, got.Waiting}, [3]int{1, 0, 0})
}

func testConcurrentClaims(t *testing.T, f fixture) {
	p := f.stocked(t, "Emma", 3)
	claims := make([]Claim, 8)
	for i := range claims {
		claims[i] = newClaim(p, i)
	}
	for _, err := range kittest.Concurrently(2*len(claims), func(i int) error { // each is delivered twice
		return f.Reserve(t.Context(), claims[i/2], start)
	}) {
		kittest.NoError(t, err)
	}
	got, err := f.Get(t.Context(), p.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, [3]int{got.Stock, got.Held, got.Waiting}, [3]int{3, 3, 5})
	for _, err := range kittest.Concurrently(2*len(claims), func(i int) error {
		if i%2 == 0 {
			return f.Start(t.Context(), claims[i/2], start)
		}
		return f.Cancel(t.Context(), claims[i/2], start)
	}) {
		kittest.NoError(t, err)
	}
	got, err = f.Get(t.Context(), p.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, [3]int{got.Stock, got.Held, got.Waiting}, [3]int{3, 0, 0})
}

func testList(t *testing.T, f fixture) {
	b, a, c := f.stocked(t, "Beta 100%", 1), f.stocked(t, "Älpha", 1), f.stocked(t, "Beta 1000", 1)
	titles := func(query string, after Product, limit int) (titles []string) {
		all, err := f.List(t.Context(), query, after.ID, limit)
		kittest.NoError(t, err)
		for _, p := range all {
			titles = append(titles, p.Title)
		}
		return titles
	}
	kittest.Equal(t, titles("beta", Product{}, 9), []string{b.Title, c.Title})
	kittest.Equal(t, titles("beta", b, 9), []string{c.Title})
	kittest.Equal(t, titles("0%", Product{}, 9), []string{b.Title})
	kittest.Equal(t, titles("älp", Product{}, 9), []string{a.Title})
	kittest.Equal(t, len(titles("", Product{}, 2)), 2)
}
