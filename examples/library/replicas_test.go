package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// TestReplicas reserves many books while delivery runs in two processes, one of which is killed in the
// middle: both deliver, and each reservation is delivered and notified once.
func TestReplicas(t *testing.T) {
	t.Parallel()
	l := startLibraryWith(t, []string{"--log-level=debug"}, "delivery")
	replicas := []*running{l.services["delivery"], l.startReplica(t, "delivery")}
	emma := l.book(t, "Emma")
	const half = 30
	if status := l.call(t, "librarian", http.MethodPost, "/v1/library/products", fmt.Sprintf(`{"productId":%q,"copies":%d}`, emma.ID, 2*half), nil); status != http.StatusOK {
		t.Fatalf("add stock: %d", status)
	}
	reserved := map[string]int{}
	reserveHalf := func() {
		var all sync.WaitGroup
		var mu sync.Mutex
		for range half {
			all.Go(func() {
				id := l.reserve(t, "mina", emma)
				mu.Lock()
				defer mu.Unlock()
				reserved[id] = 1
			})
		}
		all.Wait()
	}
	reserveHalf()
	l.awaitStarted(t, half)
	for i, r := range replicas {
		if r.count(`"?event handled"? .*library\.product\.held`) == 0 {
			t.Errorf("process %d of delivery has handled no reservation", i+1)
		}
	}
	replicas[0].kill()
	reserveHalf()
	l.awaitStarted(t, 2*half)

	if got := l.started(t); !maps.Equal(got, reserved) {
		t.Errorf("the deliveries that have started, by reservation: %v, want %v", got, reserved)
	}
	var notified map[string]int
	eventually(t, "each start is notified", func() bool {
		notified = l.startsNotified(t, "mina")
		return len(notified) == 2*half
	})
	if !maps.Equal(notified, reserved) {
		t.Errorf("items of the inbox by reservation: %v", notified)
	}
}

// startsNotified returns the number of items in the inbox of a customer that a delivery has started, by
// reservation.
func (l *library) startsNotified(t *testing.T, who string) map[string]int {
	t.Helper()
	var res struct{ Items []struct{ Text, Link string } }
	l.call(t, who, http.MethodGet, "/v1/inbox?pageSize=500", "", &res)
	all := map[string]int{}
	for _, item := range res.Items {
		if strings.Contains(item.Text, "Your delivery has started") {
			all[path.Base(item.Link)]++
		}
	}
	return all
}

// awaitStarted waits until a number of deliveries have started.
func (l *library) awaitStarted(t *testing.T, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d deliveries start", want), func() bool {
		return len(l.list(t, "librarian", "/v1/library/deliveries")) == want
	})
}

// started returns the number of events in the stream that a delivery has started, by reservation.
func (l *library) started(t *testing.T) map[string]int {
	t.Helper()
	conn, err := nats.Connect(l.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	_, err = stream.Replay(t.Context(), js, event.Stream, func(_ context.Context, d stream.Delivery) error {
		if strings.HasSuffix(d.Type, "delivery.started") {
			all[d.Subject]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
