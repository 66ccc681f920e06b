package main

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// breakerFailures is the number of failed calls after which the breaker of an instance opens.
const breakerFailures = 5

// TestBreaker cancels reservations while delivery does not respond. After a few calls that time out,
// delivery gets no more: its breaker is open. Nothing else fails meanwhile, in particular no other
// call to reservation, which works.
func TestBreaker(t *testing.T) {
	t.Parallel()
	l := startLibrary(t, "delivery", "reservation")
	before := l.allBooks(t)
	reservations := make([]string, 4)
	for i := range reservations {
		reservations[i] = l.reserve(t, "mina", l.book(t, "Emma"))
	}
	for _, id := range reservations[:3] { // the copies of Emma
		l.awaitPage(t, "mina", id, "RESERVED HELD STARTED")
	}

	l.services["delivery"].signal(t, syscall.SIGSTOP)
	const sequential, workers, rounds = 10, 4, 20
	for i := range sequential {
		if status := l.cancel(t, "mina", reservations[i%len(reservations)]); status != http.StatusServiceUnavailable {
			t.Errorf("cancel without a response of delivery: %d", status)
		}
	}
	var load sync.WaitGroup
	for worker, id := range reservations[:workers] {
		load.Go(func() {
			for i := range rounds {
				if status := l.cancel(t, "mina", id); status != http.StatusServiceUnavailable {
					t.Errorf("cancel without delivery: %d", status)
				}
				body := fmt.Sprintf(`{"productId":%q,"idempotencyKey":"%d-%d"}`, before[0].ID, worker, i)
				if status := l.call(t, "jun", http.MethodPost, "/v1/library/reservations", body, nil); status != http.StatusOK {
					t.Errorf("reserve: %d", status)
				}
				for _, path := range []string{"reservations", "reservations/" + id, "products", "mypage"} {
					if status := l.call(t, "mina", http.MethodGet, "/v1/library/"+path, "", nil); status != http.StatusOK {
						t.Errorf("%s: %d", path, status)
					}
				}
			}
		})
	}
	load.Wait()
	l.checkRefusals(t, sequential+workers*rounds)

	l.services["delivery"].signal(t, syscall.SIGCONT)
	for _, id := range reservations {
		eventually(t, "the cancellation succeeds", func() bool { return l.cancel(t, "mina", id) == http.StatusOK })
	}
	l.awaitAgreement(t, before)
}

// checkRefusals checks that a number of cancellations were refused, of which the first ones alone have
// called delivery.
func (l *library) checkRefusals(t *testing.T, want int) {
	t.Helper()
	const refused = `msg="cancellation refused`
	log := l.services["reservation"]
	eventually(t, strconv.Itoa(want)+" refusals are logged", func() bool { return log.count(refused) >= want })
	all, uncalled := log.count(refused), log.count(refused+`.* reason=NO_INSTANCE `)
	if all != want || all-uncalled != breakerFailures {
		t.Errorf("%d cancellations were refused, %d of them without a call to delivery; want %d and %d", all, uncalled, want, want-breakerFailures)
	}
}

// TestReservationDown delivers while reservation is down: a book that comes back is held for who waits,
// sent and delivered.
func TestReservationDown(t *testing.T) {
	t.Parallel()
	l := startLibrary(t, "reservation")
	dracula := l.book(t, "Dracula") // there is one copy
	first, second := l.reserve(t, "mina", dracula), l.reserve(t, "jun", dracula)
	l.awaitPage(t, "mina", first, "RESERVED HELD STARTED")
	l.awaitPage(t, "jun", second, "RESERVED WAITING")

	l.services["reservation"].kill()
	if status := l.call(t, "librarian", http.MethodPost, "/v1/library/products", fmt.Sprintf(`{"productId":%q,"copies":1}`, dracula.ID), nil); status != http.StatusOK {
		t.Fatalf("add stock: %d", status)
	}
	l.awaitPage(t, "jun", second, "RESERVED WAITING HELD STARTED")
	for _, id := range l.deliveriesOf(t, second) {
		if status := l.call(t, "librarian", http.MethodPost, "/v1/library/deliveries/"+id+":complete", "{}", nil); status != http.StatusOK {
			t.Errorf("complete the delivery: %d", status)
		}
	}
	l.awaitPage(t, "jun", second, "RESERVED WAITING HELD STARTED DELIVERED")
	if status := l.call(t, "jun", http.MethodGet, "/v1/library/reservations/"+second, "", nil); status != http.StatusServiceUnavailable {
		t.Errorf("reservation is down, and answers %d", status)
	}
	l.restart(t, "reservation")
	eventually(t, "reservation is back", func() bool { return l.reservation(t, "jun", second) == "RESERVED" })
}

// deliveriesOf returns the ids of the deliveries of a reservation.
func (l *library) deliveriesOf(t *testing.T, reservation string) (ids []string) {
	t.Helper()
	var res struct{ Deliveries []shown }
	if status := l.call(t, "librarian", http.MethodGet, "/v1/library/deliveries?reservationId="+reservation, "", &res); status != http.StatusOK {
		t.Fatalf("list deliveries: %d", status)
	}
	for _, d := range res.Deliveries {
		ids = append(ids, d.ID)
	}
	return ids
}
