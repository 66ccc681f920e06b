package alert_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestCallbackLoopRetries checks that failed requests are repeated unchanged until the endpoint
// recovers, less often the longer it fails, and that a request that always fails delays no other.
func TestCallbackLoopRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		poison, down := "", true
		c.r.respond = func(w http.ResponseWriter, id string) {
			switch {
			case down:
				http.Error(w, "not today, T0PSECRET99", http.StatusInternalServerError)
			case id == poison:
				w.WriteHeader(http.StatusBadRequest)
			}
		}
		stop := c.start(t)
		defer stop()
		c.end(t, 150)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		failed := len(c.r.received())
		if failed < 10 || failed > 30 {
			t.Errorf("an endpoint that was down for two hours was called %d times", failed)
		}
		e := c.endpoint(t)
		if e.GetWaitingCount() != 150 || !strings.HasPrefix(e.GetLastError(), "http_500: not today") || strings.Contains(e.GetLastError(), "SECRET99") {
			t.Errorf("%v", e)
		}
		longest := slices.MaxFunc(c.r.received(), func(a, b received) int { return len(a.body) - len(b.body) }) // of 100 reports
		c.r.change(func() { down, poison = false, longest.id })
		c.end(t, 250)
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		if n := c.r.accepted(); len(n) != 300 {
			t.Errorf("%d deliveries are reported beside 100 of the poison", len(n))
		}
		before := len(c.r.received())
		c.end(t, 1)
		time.Sleep(10 * time.Second) // a failed turn of the poison alone delays the endpoint by 5 s
		synctest.Wait()
		if n := c.r.accepted(); len(n) != 301 || len(c.r.received()) > before+2 {
			t.Errorf("%d deliveries, %d requests after %d", len(n), len(c.r.received()), before)
		}
		c.r.change(func() { poison = "" })
		time.Sleep(time.Hour)
		synctest.Wait()
		n := c.r.accepted()
		for id, times := range n {
			if times != 1 {
				t.Errorf("delivery %s is reported %d times", id, times)
			}
		}
		if e := c.endpoint(t); len(n) != 401 || e.GetWaitingCount() != 0 || e.GetLastError() != "" {
			t.Errorf("%d deliveries, %v", len(n), e)
		}
		if log := c.log.String(); !strings.Contains(log, "callback endpoint failed") || !strings.Contains(log, "callback endpoint recovered") || strings.Contains(log, "SECRET99") {
			t.Errorf("log is\n%s", log)
		}
	})
}

// TestCallbackLoopRetryAfter checks that an endpoint gets the pause that it asks for.
func TestCallbackLoopRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		c.r.respond = func(w http.ResponseWriter, _ string) {
			w.Header().Set("Retry-After", "1800")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		stop := c.start(t)
		defer stop()
		c.end(t, 1)
		time.Sleep(29 * time.Minute)
		synctest.Wait()
		if n := len(c.r.received()); n != 1 {
			t.Errorf("%d requests in a pause of 30 minutes", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := len(c.r.received()); n != 2 {
			t.Errorf("%d requests after it", n)
		}
	})
}

// TestCallbackLoopTTL checks that reports are dropped after a day, and later ones are sent.
func TestCallbackLoopTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		down := true
		c.r.respond = func(w http.ResponseWriter, _ string) {
			if down {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
		stop := c.start(t)
		defer stop()
		c.end(t, 350)
		time.Sleep(23 * time.Hour)
		c.end(t, 7)
		time.Sleep(90 * time.Minute)
		c.r.change(func() { down = false })
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if n := c.r.accepted(); len(n) != 7 {
			t.Errorf("%d deliveries are reported, want the 7 of the last hours", len(n))
		}
		if c.counts.reports["dropped"] != 350 || !strings.Contains(c.log.String(), "reports dropped") {
			t.Errorf("counted are %v\n%s", c.counts.reports, c.log)
		}
	})
}
