package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// TestBreaker lets the calls under one credential fail: they stop while its breaker is
// open, no delivery is lost, and another credential is not affected.
func TestBreaker(t *testing.T) {
	d, p := startWithLimit(t, t.TempDir(), "--credential-limit=off", "--destination-limit=off")
	d.createUsers(t, "bad", "xoxb-bad", 30)
	d.createUsers(t, "good", "xoxb-good", 1)
	d.fault(t, &mockupv1.Fault{Status: 500, BodyContains: "Cbad"})
	targets := make([]string, 30)
	for i := range targets {
		targets[i] = fmt.Sprintf(`"@bad%d"`, i)
	}
	id := d.send(t, `{"target":[`+strings.Join(targets, ",")+`],"message":"m"}`).ID
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for !strings.Contains(p.Log(), `"to":"open"`) {
		look(ctx, t)
	}
	// While it is open there are no calls under the one, and the other is not affected.
	opened := time.Now()
	for time.Since(opened) < 2*time.Second {
		before := time.Now()
		allSent(t, d.ended(t, d.send(t, `{"target":["@good0"],"message":"n"}`).ID))
		if took := time.Since(before); took > time.Second {
			t.Errorf("the other credential took %s", took)
		}
	}
	for _, at := range times(d.calls(t), "Cbad") {
		if after := at.Sub(opened); after > 500*time.Millisecond && after < 2*time.Second {
			t.Errorf("a call %s after the breaker opened", after)
		}
	}
	_, page := request(t, http.MethodGet, d.sender+"/metrics", "")
	if !strings.Contains(page, `bongsu_sender_breakers_open{messenger="slack"} 1`) {
		t.Errorf("the metrics do not show the open breaker:\n%s", page)
	}
	d.reset(t)
	allSent(t, d.endedWithin(t, id, time.Minute))
}

// TestFailingRecipientOfCredential lets the calls to one of twenty destinations under one
// credential fail, more than a tenth of all: the others are not delayed.
func TestFailingRecipientOfCredential(t *testing.T) {
	d, p := startWithLimit(t, t.TempDir(), "--credential-limit=off", "--destination-limit=off")
	d.createUsers(t, "u", "xoxb-one", 20)
	d.fault(t, &mockupv1.Fault{Status: 500, BodyContains: "Cu7."})
	for n := range 20 {
		d.send(t, fmt.Sprintf(`{"target":["@u7"],"message":"poison %d"}`, n))
	}
	for n := range 5 {
		id := d.send(t, fmt.Sprintf(`{"target":["@all"],"message":"m%d"}`, n)).ID
		ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
		before := time.Now()
		for d.get(t, id).GetAlert().GetDeliveryCounts().GetSent() < 19 {
			look(ctx, t)
		}
		cancel()
		if took := time.Since(before); took > time.Second {
			t.Errorf("the other destinations took %s", took)
		}
	}
	// The breaker may open while there is only one destination; the others then close
	// it.
	if all, bad := len(times(d.calls(t), "")), len(times(d.calls(t), "Cu7.")); bad*10 < all {
		t.Errorf("only %d of %d calls failed:\n%s", bad, all, p.Log())
	}
}
