package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// A book is a product as REST shows it.
type book struct {
	ID, Title            string
	Stock, Held, Waiting int
}

// book returns a book by its title, as a customer sees it.
func (l *library) book(t *testing.T, title string) book {
	t.Helper()
	var res struct{ Products []book }
	if status := l.call(t, "mina", http.MethodGet, "/v1/library/products?query="+title, "", &res); status != http.StatusOK || len(res.Products) != 1 {
		t.Fatalf("%d with %d books of title %s", status, len(res.Products), title)
	}
	return res.Products[0]
}

// reserve reserves a book, and returns the id of the reservation.
func (l *library) reserve(t *testing.T, who string, b book) string {
	t.Helper()
	var res struct{ Reservation struct{ ID string } }
	if status := l.call(t, who, http.MethodPost, "/v1/library/reservations", fmt.Sprintf(`{"productId":%q}`, b.ID), &res); status != http.StatusOK {
		t.Fatalf("reserve: %d", status)
	}
	return res.Reservation.ID
}

func (l *library) cancel(t *testing.T, who, id string) int {
	t.Helper()
	return l.call(t, who, http.MethodPost, "/v1/library/reservations/"+id+":cancel", "{}", nil)
}

// reservation returns the state of a reservation.
func (l *library) reservation(t *testing.T, who, id string) string {
	t.Helper()
	var res struct{ Reservation struct{ State string } }
	l.call(t, who, http.MethodGet, "/v1/library/reservations/"+id, "", &res)
	return strings.TrimPrefix(res.Reservation.State, "RESERVATION_STATE_")
}

// awaitPage waits until MyPage shows that a reservation has had states.
func (l *library) awaitPage(t *testing.T, who, id, states string) {
	t.Helper()
	eventually(t, "MyPage shows "+states, func() bool {
		var res struct {
			Entries []struct {
				ReservationID string
				Changes       []struct{ State string }
			}
		}
		l.call(t, who, http.MethodGet, "/v1/library/mypage", "", &res)
		for _, entry := range res.Entries {
			if entry.ReservationID != id {
				continue
			}
			var reached []string
			for _, c := range entry.Changes {
				reached = append(reached, strings.TrimPrefix(c.State, "ENTRY_STATE_"))
			}
			return strings.Join(reached, " ") == states
		}
		return false
	})
}

// awaitInbox waits until the inbox of a customer has a text.
func (l *library) awaitInbox(t *testing.T, who, text string) {
	t.Helper()
	eventually(t, "the inbox has "+text, func() bool {
		var res struct{ Items []struct{ Text string } }
		l.call(t, who, http.MethodGet, "/v1/inbox", "", &res)
		for _, item := range res.Items {
			if strings.Contains(item.Text, text) {
				return true
			}
		}
		return false
	})
}

// TestScenario reserves, delivers and cancels books over REST, in one process: the stock, MyPage, the
// inbox and the short messages show each step.
func TestScenario(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		testScenario(t, startLibrary(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		testScenario(t, startLibraryWith(t, []string{"--database-url=" + schemasOf(t, postgrestest.URL(t), "product", "delivery", "reservation")}))
	})
}

// schemasOf creates schemas in a PostgreSQL database, and returns the URL of each, with {service} in
// place of its name.
func schemasOf(t *testing.T, url string, names ...string) string {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, name := range names {
		if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+name); err != nil {
			t.Fatal(err)
		}
	}
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return url + separator + "search_path={service}"
}

func testScenario(t *testing.T, l *library) {
	t.Helper()
	dracula := l.book(t, "Dracula") // there is one copy
	first := l.reserve(t, "mina", dracula)
	l.awaitPage(t, "mina", first, "RESERVED HELD STARTED")
	l.awaitInbox(t, "mina", "Your reservation is confirmed: Dracula")
	l.awaitInbox(t, "mina", "Your delivery has started: Dracula")
	l.awaitSMS(t, "mina", "Your delivery has started: Dracula", "/mypage/"+first)
	second := l.reserve(t, "jun", dracula)
	l.awaitPage(t, "jun", second, "RESERVED WAITING")
	if status := l.cancel(t, "jun", first); status != http.StatusNotFound {
		t.Errorf("a customer cancels the reservation of another: %d", status)
	}
	if status := l.cancel(t, "mina", first); status != http.StatusOK {
		t.Errorf("cancel: %d", status)
	}
	l.awaitPage(t, "mina", first, "RESERVED HELD STARTED CANCELED")
	l.awaitInbox(t, "mina", "Your reservation is canceled")
	l.awaitPage(t, "jun", second, "RESERVED WAITING HELD STARTED")
	l.awaitInbox(t, "jun", "Back in stock: Dracula")
	l.awaitSMS(t, "jun", "Back in stock: Dracula", "/mypage/"+second)
	l.awaitSMS(t, "jun", "Your delivery has started: Dracula", "/mypage/"+second)
	if sent := l.shortMessages(t); len(sent) != 3 {
		t.Errorf("%d short messages, want 3: %q", len(sent), sent)
	}
	if status := l.call(t, "jun", http.MethodPost, "/v1/library/products", fmt.Sprintf(`{"productId":%q,"copies":2}`, dracula.ID), nil); status != http.StatusForbidden {
		t.Errorf("a customer adds stock: %d", status)
	}
	if status := l.call(t, "librarian", http.MethodPost, "/v1/library/products", fmt.Sprintf(`{"productId":%q,"copies":2}`, dracula.ID), nil); status != http.StatusOK {
		t.Errorf("the librarian adds stock: %d", status)
	}
	if got := l.book(t, "Dracula"); got.Stock != 2 || got.Held != 0 || got.Waiting != 0 {
		t.Errorf("the books are %+v", got)
	}
}

// cancelTimeout is the time that delivery has to cancel, and cancelOverhead is what the rest of a
// cancellation may take: the edge with its audit, and two transactions.
const cancelTimeout, cancelOverhead = 610 * time.Millisecond, 300 * time.Millisecond

// refusal cancels a reservation a few times, which must be refused, and returns the least time it took:
// other tests run meanwhile.
func (l *library) refusal(t *testing.T, who, id string) (least time.Duration) {
	t.Helper()
	for i := range 3 {
		begin := time.Now()
		status, took := l.cancel(t, who, id), time.Since(begin)
		if status != http.StatusServiceUnavailable {
			t.Errorf("cancel without delivery: %d", status)
		}
		if i == 0 || took < least {
			least = took
		}
	}
	return least
}

// TestDeliveryDown reserves and cancels while delivery is down, and while it does not respond: a
// reservation is recorded, a cancellation is refused in time, and nothing is half done.
func TestDeliveryDown(t *testing.T) {
	t.Parallel()
	l := startLibrary(t, "delivery")
	emma := l.book(t, "Emma")
	started := l.reserve(t, "mina", emma)
	l.awaitPage(t, "mina", started, "RESERVED HELD STARTED")

	l.services["delivery"].signal(t, syscall.SIGSTOP)
	if took := l.refusal(t, "mina", started); took < cancelTimeout || took > cancelTimeout+cancelOverhead {
		t.Errorf("cancel without a response of delivery: refused after %s", took)
	}
	if state := l.reservation(t, "mina", started); state != "RESERVED" {
		t.Errorf("the reservation is %s after a refused cancellation", state)
	}
	l.services["delivery"].signal(t, syscall.SIGCONT)

	l.services["delivery"].kill()
	missed := l.reserve(t, "mina", emma)
	l.awaitPage(t, "mina", missed, "RESERVED HELD")
	if took := l.refusal(t, "mina", missed); took > cancelTimeout+cancelOverhead {
		t.Errorf("cancel without delivery: refused after %s", took)
	}
	l.restart(t, "delivery")
	l.awaitPage(t, "mina", missed, "RESERVED HELD STARTED")
	eventually(t, "the delivery goes on", func() bool {
		var res struct{ Deliveries []struct{ State string } }
		l.call(t, "librarian", http.MethodGet, "/v1/library/deliveries?state=DELIVERY_STATE_STARTED", "", &res)
		return len(res.Deliveries) == 2
	})
	for _, id := range []string{started, missed} {
		eventually(t, "the cancellation succeeds", func() bool { return l.cancel(t, "mina", id) == http.StatusOK })
		l.awaitPage(t, "mina", id, "RESERVED HELD STARTED CANCELED")
	}
	eventually(t, "the books are back", func() bool { return l.book(t, "Emma") == emma })
}
