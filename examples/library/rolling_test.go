package main

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// rollingRounds returns how often TestRollingUpdate replaces all replicas: once, and more with
// BONGSU_TEST_FULL (make test FULL=1).
func rollingRounds() int {
	if os.Getenv("BONGSU_TEST_FULL") != "" {
		return 10
	}
	return 1
}

// TestRollingUpdate replaces the replicas of reservation and of delivery, one after the other, as
// Kubernetes does: a new one starts and is ready, and then an old one is terminated and drains. No
// request fails meanwhile.
func TestRollingUpdate(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		testRollingUpdate(t)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		testRollingUpdate(t, "--database-url="+schemasOf(t, postgrestest.URL(t), "product", "delivery", "reservation"))
	})
}

func testRollingUpdate(t *testing.T, args ...string) {
	t.Helper()
	services := []string{"reservation", "delivery"}
	// The timeout is longer, because other tests run meanwhile: a cancellation is refused that takes 610 ms.
	l := startLibraryWith(t, append(args, "--drain=2s", "--cancel-timeout=2500ms"), services...)
	replicas := map[string][]*running{}
	for _, service := range services {
		l.awaitServing(t, service, l.services[service])
		replicas[service] = []*running{l.services[service], l.startReady(t, service)}
	}
	before := l.allBooks(t)
	stop := make(chan struct{})
	var served atomic.Int64
	var load sync.WaitGroup
	for _, who := range []string{"mina", "jun", "mina", "jun"} {
		load.Go(func() { l.steadyLoad(t, who, before, &served, stop) })
	}
	for range rollingRounds() {
		for _, service := range services {
			for i, old := range replicas[service] {
				start := served.Load()
				replicas[service][i] = l.startReady(t, service)
				old.signal(t, syscall.SIGTERM)
				<-old.ended
				if code := old.command.ProcessState.ExitCode(); code != 0 {
					t.Errorf("replica %d of %s ends with exit code %d", i, service, code)
				}
				if served.Load() == start {
					t.Errorf("no request was served while replica %d of %s was replaced", i, service)
				}
			}
		}
	}
	close(stop)
	load.Wait()
	t.Logf("%d requests served", served.Load())
	l.awaitAgreement(t, before)
}

// startReady starts a process of a service, and waits until the edge calls it.
func (l *library) startReady(t *testing.T, service string) *running {
	t.Helper()
	r := l.startReplica(t, service)
	l.awaitServing(t, service, r)
	return r
}

// awaitServing waits until the edge calls a process of a service.
func (l *library) awaitServing(t *testing.T, service string, r *running) {
	t.Helper()
	addr := r.await(t, `"?listening"? service=`+service+` addr=(\S+)`)[1]
	eventually(t, "the edge calls a new replica of "+service, func() bool {
		var res struct{ Instances []struct{ URL, State string } }
		l.call(t, "admin", http.MethodGet, "/v1/instances", "", &res)
		for _, one := range res.Instances {
			if one.URL == "http://"+addr {
				return one.State == "INSTANCE_STATE_SERVING"
			}
		}
		return false
	})
}

// loadInterval is the time between the reservations of a customer in steadyLoad.
const loadInterval = 50 * time.Millisecond

// steadyLoad reserves, shows and cancels until stop: each request must succeed, at its first attempt.
func (l *library) steadyLoad(t *testing.T, who string, books []book, served *atomic.Int64, stop <-chan struct{}) {
	t.Helper()
	want := func(what string, status int) bool {
		if status != http.StatusOK {
			t.Errorf("%s: %d", what, status)
			return false
		}
		served.Add(1)
		return true
	}
	ticker := time.NewTicker(loadInterval)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		var res struct{ Reservation struct{ ID string } }
		body := fmt.Sprintf(`{"productId":%q}`, books[i%len(books)].ID)
		if !want("reserve", l.call(t, who, http.MethodPost, "/v1/library/reservations", body, &res)) {
			continue
		}
		id := res.Reservation.ID
		want("get", l.call(t, who, http.MethodGet, "/v1/library/reservations/"+id, "", nil))
		want("deliveries", l.call(t, "librarian", http.MethodGet, "/v1/library/deliveries?reservationId="+id, "", nil))
		want("cancel", l.cancel(t, who, id))
	}
}
