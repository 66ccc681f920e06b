package alert_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/services/alert"
)

func TestParseDigestRule(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]alert.DigestRule{
		"off": {}, "10 in 1m": {Count: 10, Window: time.Minute}, "1 in 1s": {Count: 1, Window: time.Second}, "100 in 1h": {Count: 100, Window: time.Hour},
	} {
		if got, err := alert.ParseDigestRule(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "10", "10 in", "in 1m", "10in1m", "x in 1m", "0 in 1m", "-1 in 1m", "101 in 1m", "10 in 999ms", "10 in 61m", "10 in minute", "OFF"} {
		if got, err := alert.ParseDigestRule(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
		if err := (alert.Config{JobSize: 1, FailoverAfter: time.Second, RepeatAfter: time.Hour, FlapWindow: time.Minute, Keep: "0", DigestAfter: text}).CheckBounds(); text != "" && (err == nil || !strings.Contains(err.Error(), "--digest-after")) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestDigestRule(t *testing.T) {
	t.Parallel()
	rule := alert.DigestRule{Count: 10, Window: time.Minute}
	at := func(seconds int) time.Time { return time.Date(2026, 11, 20, 10, 0, seconds, 0, time.UTC) }
	var no time.Time
	for name, test := range map[string]struct {
		rule              alert.DigestRule
		oldest, end, want time.Time
	}{
		"few deliveries":          {rule, no, no, no},
		"many in the window":      {rule, at(50), no, at(110)},
		"at once":                 {rule, at(100), no, at(160)},
		"many, just before it":    {rule, at(40), no, no},
		"earlier held back":       {rule, at(99), at(110), at(110)},
		"earlier were held back":  {rule, at(99), at(100), at(159)},
		"long ago":                {rule, at(-5000), at(-4000), no},
		"end of a clock ahead":    {rule, no, at(161), no},
		"oldest of a clock ahead": {rule, at(101), no, no},
		"off":                     {alert.DigestRule{}, no, no, no},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.rule.Until(test.oldest, test.end, at(100)); !got.Equal(test.want) {
				t.Errorf("held back until %s, want %s", got, test.want)
			}
		})
	}
}

// held returns until when the deliveries of a new alert to a user are held back, in seconds from
// the begin of the test, as messenger:seconds, without those that are not.
func (h *serviceHarness) held(t *testing.T, begin time.Time, req *alertv1.SendAlertRequest) string {
	t.Helper()
	req.Message = "m"
	res, err := h.alerts.SendAlert(t.Context(), req)
	must(t, err)
	got, err := h.alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: res.GetId()})
	must(t, err)
	var all []string
	for _, d := range got.GetDeliveries() {
		switch {
		case d.GetHold() == "digest":
			all = append(all, fmt.Sprintf("%s:%.0f", d.GetMessenger(), d.GetNextAttemptTime().AsTime().Sub(begin).Seconds()))
		case d.GetHold() != "":
			t.Errorf("hold is %q", d.GetHold())
		}
	}
	return strings.Join(all, " ")
}

// TestDigestCounter sends alerts to a user at the times of a clock. In a storm there is one
// digest in each window; critical alerts, and those that expire before, do not wait.
func TestDigestCounter(t *testing.T) {
	t.Parallel()
	h := newServiceHarness(t)
	begin := h.now
	h.alerts.Digests = alert.NewDigestCounter(alert.DigestRule{Count: 3, Window: time.Minute})
	heldBack := 0
	h.alerts.HeldBack = func(messenger string, why alert.Hold) {
		if messenger == "slack" && why == alert.HoldDigest {
			heldBack++
		}
	}
	for _, step := range []struct {
		second   int
		severity string
		ttl      time.Duration
		want     string
	}{
		{0, "normal", time.Hour, ""},
		{10, "critical", time.Hour, ""},
		{20, "normal", time.Hour, ""},
		{30, "normal", time.Hour, "slack:60"},
		{31, "critical", time.Hour, ""},
		{32, "normal", time.Second, ""},
		{33, "normal", time.Hour, "slack:60"},
		{59, "high", time.Hour, "slack:60"},
		{60, "low", time.Hour, "slack:92"}, // the third last was at 32
		{91, "low", time.Hour, "slack:92"},
		{130, "low", time.Hour, ""},
		{131, "low", time.Hour, ""},
		{132, "low", time.Hour, "slack:151"},
	} {
		h.now = begin.Add(time.Duration(step.second) * time.Second)
		req := &alertv1.SendAlertRequest{Target: []string{"@one"}, Severity: step.severity, Ttl: durationpb.New(step.ttl)}
		if got := h.held(t, begin, req); got != step.want {
			t.Errorf("at %d s, %s: held back %q, want %q", step.second, step.severity, got, step.want)
		}
	}
	if heldBack != 6 {
		t.Errorf("%d deliveries counted as held back, want 6", heldBack)
	}
}

// TestDigestCounterByAddress checks that each address has a count of its own, that a stateful
// messenger is never held back, and that a failover chain waits as a whole.
func TestDigestCounterByAddress(t *testing.T) {
	t.Parallel()
	h := newServiceHarness(t)
	begin := h.now
	h.alerts.Specs = []messenger.Spec{{Name: "slack"}, {Name: "sms", Stateful: true}}
	h.alerts.Digests = alert.NewDigestCounter(alert.DigestRule{Count: 1, Window: time.Minute})
	for i, want := range []string{"", "slack:60", "slack:60"} {
		if got := h.held(t, begin, &alertv1.SendAlertRequest{Target: []string{"@kim"}}); got != want {
			t.Errorf("alert %d: held back %q, want %q", i, got, want)
		}
	}
	h.alerts.Specs = []messenger.Spec{{Name: "slack"}, {Name: "sms"}}
	for i, want := range []string{"", "sms:60 slack:120"} { // the order of lee's addresses
		if got := h.held(t, begin, &alertv1.SendAlertRequest{Target: []string{"@lee"}}); got != want {
			t.Errorf("alert %d: held back %q, want %q", i, got, want)
		}
	}
}

// TestDigestOfResolved holds back a resolved alert, and sends nothing of a firing one that is
// still held back when it is resolved.
func TestDigestOfResolved(t *testing.T) {
	t.Parallel()
	h := newServiceHarness(t)
	begin := h.now
	h.alerts.Digests = alert.NewDigestCounter(alert.DigestRule{Count: 1, Window: time.Minute})
	send := func(key string, status alertv1.AlertStatus) string {
		return h.held(t, begin, &alertv1.SendAlertRequest{Target: []string{"@one"}, Key: key, Status: status})
	}
	firing, resolved := alertv1.AlertStatus_ALERT_STATUS_FIRING, alertv1.AlertStatus_ALERT_STATUS_RESOLVED
	got := []string{send("a", firing), send("b", firing), send("b", resolved)}
	if fmt.Sprintf("%q", got) != `["" "slack:60" ""]` {
		t.Errorf("held back %q", got)
	}
	h.now = begin.Add(time.Minute)
	jobs, err := h.ledger.TakeDue(t.Context(), h.now, h.now.Add(time.Hour), 0, 10, 5)
	must(t, err)
	if len(jobs) != 0 {
		t.Errorf("%d jobs, want none: %+v", len(jobs), jobs)
	}
}
