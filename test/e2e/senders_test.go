package e2e

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

var attemptsMeasured = regexp.MustCompile(`(?m)^bongsu_sender_attempt_duration_seconds_count\{.*\} (\d+)$`)

// TestTwoSenders lets two senders share one credential: together they keep its rate
// limit, and a pause of one holds for both.
func TestTwoSenders(t *testing.T) {
	d, startSender := withoutSender(t)
	senders := []string{startSender("--credential-limit=20/s"), startSender("--credential-limit=20/s")}
	d.createUsers(t, "two", "xoxb-two", 150)
	targets := make([]string, 150)
	for i := range targets {
		targets[i] = fmt.Sprintf(`"@two%d"`, i)
	}
	id := d.send(t, `{"target":[`+strings.Join(targets, ",")+`],"message":"m"}`).ID
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for len(d.calls(t)) < 50 {
		look(ctx, t)
	}
	d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3"}})
	var answered time.Time
	for answered.IsZero() {
		for _, c := range d.calls(t) {
			if c.GetAnswerStatus() == http.StatusTooManyRequests {
				answered = c.GetTime().AsTime()
				break
			}
		}
		look(ctx, t)
	}
	d.fault(t, &mockupv1.Fault{Delay: nil}) // replaces the other fault
	deliveries := d.endedWithin(t, id, time.Minute)
	allSent(t, deliveries)
	calls := times(d.calls(t), "")
	keptAt20(t, deliveries, calls)
	for _, c := range calls {
		if after := c.Sub(answered); after > 200*time.Millisecond && after < 2900*time.Millisecond {
			t.Errorf("a call %s after a 429 that asked for 3 s", after)
		}
	}
	for _, url := range senders {
		_, page := request(t, http.MethodGet, url+"/metrics", "")
		made := 0
		for _, m := range attemptsMeasured.FindAllStringSubmatch(page, -1) {
			n, err := strconv.Atoi(m[1])
			must(t, err)
			made += n
		}
		t.Logf("a sender made %d calls", made)
		if made < 20 {
			t.Errorf("a sender made only %d calls\n%s", made, page)
		}
	}
}

// TestStalledSenders stops two senders of one credential for a moment, as on a loaded
// machine: together they catch up no faster than the rate limit, and nobody is notified
// twice.
func TestStalledSenders(t *testing.T) {
	d, startSender := withoutSender(t)
	var senders []*proc.Process
	for range 2 {
		startSender("--credential-limit=20/s")
		senders = append(senders, d.parts["sender"])
	}
	d.createUsers(t, "two", "xoxb-two", 100)
	targets := make([]string, 100)
	for i := range targets {
		targets[i] = fmt.Sprintf(`"@two%d"`, i)
	}
	id := d.send(t, `{"target":[`+strings.Join(targets, ",")+`],"message":"m"}`).ID
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for _, calls := range []int{20, 50} {
		for len(d.calls(t)) < calls {
			look(ctx, t)
		}
		for _, s := range senders {
			s.Signal(t, syscall.SIGSTOP)
		}
		for stopped := time.Now(); time.Since(stopped) < 700*time.Millisecond; {
			look(ctx, t)
		}
		for _, s := range senders {
			s.Signal(t, syscall.SIGCONT)
		}
	}
	deliveries := d.endedWithin(t, id, time.Minute)
	allSent(t, deliveries)
	calls := times(d.calls(t), "")
	keptAt20(t, deliveries, calls)
	took := calls[len(calls)-1].Sub(calls[0])
	if floor := 99 * 50 * time.Millisecond; len(calls) != 100 || took > floor+4*time.Second {
		t.Errorf("%d calls in %s, the minimum is %s and two stalls", len(calls), took, floor)
	}
}
