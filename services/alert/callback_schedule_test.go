package alert_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pollTime is how much later than at the end of a wait a request may be sent: the interval at
// which the ledger is queried.
const pollTime = 500 * time.Millisecond

// underJitters runs a test of a loop with a fake clock under both extremes of the jitter.
func underJitters(t *testing.T, test func(t *testing.T, c *callbackLedger)) {
	t.Helper()
	for name, jitter := range map[string]func(time.Duration) time.Duration{
		"shortest waits": func(bound time.Duration) time.Duration { return bound - 1 },
		"longest waits":  func(time.Duration) time.Duration { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := openCallbackLedger(t)
				defer c.l.Close()
				c.jitter = jitter
				stop := c.start(t)
				defer stop()
				test(t, c)
			})
		})
	}
}

// pass lets time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// refuse makes the receiver refuse the requests whose ids match, and no others any more.
func (r *receiver) refuse(matches func(id string) bool) {
	r.change(func() {
		r.respond = func(w http.ResponseWriter, id string) {
			if matches(id) {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}
	})
}

func everything(string) bool { return true }

// size returns the number of reports of a request.
func (r received) size() int { return strings.Count(r.body, `"reportId"`) }

// distinct returns the number of different requests.
func distinct(requests []received) int {
	ids := map[string]bool{}
	for _, r := range requests {
		ids[r.id] = true
	}
	return len(ids)
}

// requireWaits fails the test unless the waits between requests double from 5 s up to 10 minutes.
func requireWaits(t *testing.T, requests []received) {
	t.Helper()
	for i := 1; i < len(requests); i++ {
		want := min(5*time.Second<<min(i-1, 10), 10*time.Minute)
		if got := requests[i].at.Sub(requests[i-1].at); got < want*9/10 || got > want+pollTime {
			t.Errorf("wait %d is %s, want %s or up to a tenth less", i, got, want)
		}
	}
}

// TestCallbackWaits checks the calls of an endpoint that is down: one at a time, after waits that
// double up to 10 minutes, however many requests wait, and each of them in turn.
func TestCallbackWaits(t *testing.T) {
	for reports, batches := range map[int]int{1: 1, 150: 2, 650: 7} {
		t.Run(fmt.Sprint(reports, " reports"), func(t *testing.T) {
			underJitters(t, func(t *testing.T, c *callbackLedger) {
				c.r.refuse(everything)
				c.end(t, reports)
				pass(45 * time.Minute)
				requests := c.r.received()
				requireWaits(t, requests[min(batches, 4)-1:]) // those of the first turn are concurrent
				if n := len(requests); n < 11 || n > 16 || distinct(requests) != batches {
					t.Errorf("%d calls of %d requests in 45 minutes, want 11 to 16 of %d", n, distinct(requests), batches)
				}
				if n := distinct(requests[len(requests)-batches:]); n != batches {
					t.Errorf("the last %d calls are of %d requests", batches, n)
				}
			})
		})
	}
}

// TestCallbackRecovery checks that an endpoint that is up again after half an hour gets all reports
// within a wait, even if it always refuses one of the requests that it got before. Without new
// reports, that request may be the one which is repeated first: then it takes one more wait.
func TestCallbackRecovery(t *testing.T) {
	const wait = 10 * time.Minute
	for name, test := range map[string]struct {
		reports int // new ones
		last    int // 1 if the poison is the last request that was called, 2 for the one before
		within  time.Duration
	}{
		"poison was last, new reports":    {250, 1, wait},
		"poison is next, new reports":     {250, 2, wait},
		"poison was last, no new reports": {0, 1, wait},
		"poison is next, no new reports":  {0, 2, 2 * wait},
	} {
		t.Run(name, func(t *testing.T) {
			underJitters(t, func(t *testing.T, c *callbackLedger) {
				c.r.refuse(everything)
				c.end(t, 150)
				pass(25 * time.Minute)
				requests := c.r.received()
				poison := requests[len(requests)-test.last]
				c.r.refuse(func(id string) bool { return id == poison.id })
				c.end(t, test.reports)
				pass(test.within + 3*pollTime)
				if got, want := len(c.r.accepted()), 150-poison.size()+test.reports; got != want {
					t.Errorf("%d deliveries are reported, want %d", got, want)
				}
			})
		})
	}
}

// TestCallbackPoison checks that a request that is always refused delays no other by more than
// 5 s, however long it is the only one, and that an endpoint that fails after that is called less
// and less often.
func TestCallbackPoison(t *testing.T) {
	underJitters(t, func(t *testing.T, c *callbackLedger) {
		c.r.refuse(everything)
		c.end(t, 1)
		pass(time.Minute)
		poison := c.r.received()[0].id
		c.r.refuse(func(id string) bool { return id == poison })
		for i := range 5 {
			pass(13*time.Minute + time.Duration(i)*time.Second)
			c.end(t, 1)
			pass(5*time.Second + 2*pollTime)
			if n := len(c.r.accepted()); n != i+1 {
				t.Fatalf("%d of %d deliveries are reported", n, i+1)
			}
		}
		requests := c.r.received()
		repeated := slices.DeleteFunc(requests, func(r received) bool { return r.id != poison })
		requireWaits(t, repeated)

		pass(13 * time.Minute)
		c.r.refuse(everything)
		before := len(c.r.received())
		for range 30 {
			c.end(t, 1)
			pass(time.Minute)
		}
		if n := len(c.r.received()) - before; n > 11 {
			t.Errorf("%d calls in half an hour in which all fail", n)
		}
		if n := strings.Count(c.log.String(), "callback endpoint failed"); n > 6 {
			t.Errorf("%d warnings of failures:\n%s", n, c.log)
		}
	})
}
