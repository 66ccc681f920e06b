package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// modelRounds returns the number of times that TestModel kills each service: once, and more with
// BONGSU_TEST_FULL (make test FULL=1).
func modelRounds() int {
	if os.Getenv("BONGSU_TEST_FULL") != "" {
		return 20
	}
	return 1
}

// TestModel reserves and cancels under load while each service in turn is killed. Afterwards the
// books, the deliveries, the reservations and MyPage agree, also when MyPage is rebuilt.
func TestModel(t *testing.T) {
	t.Parallel()
	services := []string{"product", "delivery", "reservation", "mypage"}
	l := startLibrary(t, services...)
	before := l.allBooks(t)
	stop := make(chan struct{})
	var load sync.WaitGroup
	for i, who := range []string{"mina", "jun", "mina", "jun"} {
		load.Go(func() { l.load(t, who, strconv.Itoa(i), before, stop) })
	}
	for range modelRounds() {
		for _, service := range services {
			l.services[service].kill()
			l.restart(t, service)
		}
	}
	close(stop)
	load.Wait()
	l.awaitAgreement(t, before)
	rebuild := exec.Command(programs.library, "rebuild", "--nats-url="+l.nats)
	if out, err := rebuild.CombinedOutput(); err != nil {
		t.Fatalf("rebuild: %v\n%s", err, out)
	}
	l.awaitAgreement(t, before)
}

// allBooks returns all books.
func (l *library) allBooks(t *testing.T) []book {
	t.Helper()
	var res struct{ Products []book }
	if status := l.call(t, "mina", http.MethodGet, "/v1/library/products", "", &res); status != http.StatusOK {
		return nil
	}
	return res.Products
}

// load reserves books and cancels about half of the reservations until stop. Calls may fail.
func (l *library) load(t *testing.T, who, worker string, books []book, stop <-chan struct{}) {
	t.Helper()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		var res struct{ Reservation struct{ ID string } }
		body := fmt.Sprintf(`{"productId":%q,"idempotencyKey":"%s-%d"}`, books[rand.IntN(len(books))].ID, worker, i)
		if l.call(t, who, http.MethodPost, "/v1/library/reservations", body, &res) == http.StatusOK && rand.IntN(2) == 0 {
			l.cancel(t, who, res.Reservation.ID)
		}
	}
}

// awaitAgreement waits until the services agree.
func (l *library) awaitAgreement(t *testing.T, before []book) {
	t.Helper()
	var problems []string
	defer func() {
		if t.Failed() {
			t.Logf("%q", problems)
		}
	}()
	eventually(t, "the services agree", func() bool {
		problems = l.disagreements(t, before)
		return len(problems) == 0
	})
}

// A shown is a reservation or an entry of MyPage or a delivery, as REST shows it.
type shown struct {
	ID, ReservationID, ProductID, State string
}

// list returns all pages of a list.
func (l *library) list(t *testing.T, who, path string) (all []shown) {
	t.Helper()
	for token := ""; ; {
		res := struct {
			Reservations, Deliveries, Entries []shown
			NextPageToken                     string
		}{}
		if status := l.call(t, who, http.MethodGet, path+"?pageSize=500&pageToken="+token, "", &res); status != http.StatusOK {
			return nil
		}
		all = slices.Concat(all, res.Reservations, res.Deliveries, res.Entries)
		if token = res.NextPageToken; token == "" {
			return all
		}
	}
}

// disagreements returns in what the services disagree.
func (l *library) disagreements(t *testing.T, before []book) (problems []string) {
	t.Helper()
	deliveries := map[string]string{}
	for _, d := range l.list(t, "librarian", "/v1/library/deliveries") {
		deliveries[d.ReservationID] = d.State
	}
	out, waiting, reservations := map[string]int{}, map[string]int{}, 0
	for _, who := range []string{"mina", "jun"} {
		page := map[string]string{}
		for _, entry := range l.list(t, who, "/v1/library/mypage") {
			page[entry.ReservationID] = entry.State
		}
		for _, r := range l.list(t, who, "/v1/library/reservations") {
			reservations++
			delivery, entry := deliveries[r.ID], page[r.ID]
			delete(page, r.ID)
			switch {
			case r.State == "RESERVATION_STATE_CANCELED" && entry == "ENTRY_STATE_CANCELED" && delivery != "DELIVERY_STATE_STARTED":
			case r.State == "RESERVATION_STATE_RESERVED" && entry == "ENTRY_STATE_STARTED" && delivery == "DELIVERY_STATE_STARTED":
				out[r.ProductID]++
			case r.State == "RESERVATION_STATE_RESERVED" && entry == "ENTRY_STATE_WAITING" && delivery == "":
				waiting[r.ProductID]++
			default:
				problems = append(problems, fmt.Sprintf("%s: reservation %s, MyPage %s, delivery %s", r.ID, r.State, entry, delivery))
			}
		}
		if len(page) > 0 {
			problems = append(problems, fmt.Sprintf("MyPage of %s has %d unknown reservations", who, len(page)))
		}
	}
	after := l.allBooks(t)
	if reservations == 0 || len(after) != len(before) {
		return append(problems, "reservations or books are missing")
	}
	for i, b := range after {
		want := book{ID: b.ID, Title: b.Title, Stock: before[i].Stock - out[b.ID], Waiting: waiting[b.ID]}
		if b != want {
			problems = append(problems, fmt.Sprintf("the books are %+v, want %+v", b, want))
		}
	}
	return problems
}
