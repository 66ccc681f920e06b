package sender_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/mockup"
	"github.com/bongsu-project/bongsu/services/sender"
)

// recordHeldBack records alerts to one user in one commit, whose deliveries are held back until
// now.
func (h *senderHarness) recordHeldBack(t *testing.T, severities ...string) (ids []int64) {
	t.Helper()
	credential, err := h.key.Seal("SLACK-USER1-TOKEN", "slack")
	must(t, err)
	now := time.Now()
	var adds []alert.Addition
	for i, severity := range severities {
		ds := []alert.Delivery{{
			Nickname: "user1", Messenger: "slack", SealedCredential: credential, Destination: "USER1_CHANNEL_ID", State: alert.Queued,
			Hold: alert.HoldDigest, NextTime: now,
		}}
		a := alert.Alert{Severity: severity, Message: fmt.Sprintf("db%d down", i), CreateTime: now, ExpireTime: now.Add(time.Hour)}
		adds = append(adds, alert.Addition{Alert: a, Deliveries: ds, Retry: now})
	}
	results, err := h.ledger.AddAlerts(t.Context(), adds)
	must(t, err)
	for _, r := range results {
		must(t, r.Err)
		ids = append(ids, r.Added.Alert.ID)
	}
	return ids
}

// attempts returns the state of the delivery of each alert and the outcomes of its attempts.
func (h *senderHarness) attempts(t *testing.T, alerts []int64) (all []string) {
	t.Helper()
	for _, id := range alerts {
		_, ds, err := h.ledger.Alert(context.WithoutCancel(t.Context()), id)
		must(t, err)
		text := fmt.Sprint(ds[0].State)
		for _, a := range ds[0].Attempts {
			text += " " + a.Outcome.Kind.String()
			if a.PossibleDuplicate {
				text += "?"
			}
		}
		all = append(all, text)
	}
	return all
}

// texts returns the bodies of the calls to the provider.
func (h *senderHarness) texts() (all []string) {
	for _, c := range h.slack.Calls("") {
		all = append(all, c.Body)
	}
	return all
}

// requireAttempts waits until the reports of one call are recorded, and checks the states and
// the attempts of the deliveries.
func (h *senderHarness) requireAttempts(t *testing.T, net *lossyTransport, alerts []int64, want ...string) {
	t.Helper()
	await(t, net.report)
	if got := h.attempts(t, alerts); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("attempts %q, want %q", got, want)
	}
}

// TestDigest sends held-back deliveries by one call after one that failed, and records each
// outcome for every delivery. A delivery that is canceled meanwhile is in no message.
func TestDigest(t *testing.T) {
	t.Parallel()
	net := &lossyTransport{method: "/Claim", requested: make(chan struct{}, 1), report: make(chan struct{}, 10)}
	h := newSenderHarness(t, net)
	ids := h.recordHeldBack(t, "normal", "high", "normal", "low")
	_, err := h.ledger.Cancel(t.Context(), ids[2], time.Now())
	must(t, err)
	must(t, h.slack.SetFault(mockup.Fault{Status: http.StatusServiceUnavailable, Headers: map[string]string{"Retry-After": "1"}}))
	run(t, h.sender.Run)
	h.requireAttempts(t, net, ids, "1 retry", "1 retry", "6", "1 retry")
	must(t, h.slack.SetFault(mockup.Fault{}))
	h.requireAttempts(t, net, ids, "3 retry sent", "3 retry sent", "6", "3 retry sent")
	texts := h.texts()
	if len(texts) != 2 || texts[0] != texts[1] || !strings.Contains(texts[0], `3 alerts: 1 high, 1 normal, 1 low\n[high] db1 down\n[normal] db0 down\n[low] db3 down`) {
		t.Errorf("calls %q", texts)
	}
}

// TestDigestUnknown sends a digest whose connection is closed: the retry is a possible duplicate
// for every delivery, of the alerts that a costly message may notify of twice.
func TestDigestUnknown(t *testing.T) {
	t.Parallel()
	net := &lossyTransport{method: "/Claim", requested: make(chan struct{}, 1), report: make(chan struct{}, 10)}
	h := newSenderHarness(t, net)
	ids := h.recordHeldBack(t, "critical", "critical", "high")
	must(t, h.slack.SetFault(mockup.Fault{CloseConnection: true}))
	run(t, h.sender.Run)
	await(t, net.report)
	must(t, h.slack.SetFault(mockup.Fault{}))
	h.requireAttempts(t, net, ids, "3 unknown sent?", "3 unknown sent?", "4 unknown")
	if texts := h.texts(); len(texts) != 2 || !strings.Contains(texts[1], `2 alerts: 2 critical\n`) {
		t.Errorf("calls %q", texts)
	}
}

// TestDigestSlot sends a digest by one slot of a slow rate limit, and defers the next one whole.
func TestDigestSlot(t *testing.T) {
	t.Parallel()
	h, net := newSlowSenderHarness(t)
	first := h.recordHeldBack(t, "normal", "normal", "normal")
	run(t, h.sender.Run)
	h.requireAttempts(t, net, first, "3 sent", "3 sent", "3 sent")
	second := h.recordHeldBack(t, "normal", "normal")
	await(t, net.deferred)
	want := h.attempts(t, second)
	if fmt.Sprint(want) != "[1 1]" || len(h.texts()) != 1 {
		t.Errorf("attempts %q, %d calls", want, len(h.texts()))
	}
	var slots []string
	found, err := h.ledger.TakeDue(t.Context(), time.Now().Add(time.Minute), time.Now().Add(time.Hour), 0, 10, 5)
	must(t, err)
	for _, d := range found[0].Deliveries {
		slots = append(slots, d.Slots)
	}
	if len(found) != 1 || len(slots) != 2 || slots[0] == "" || slots[0] != slots[1] {
		t.Errorf("%d jobs, slots %q, want one slot for both", len(found), slots)
	}
}

// A referrer is a messenger whose messages can be changed later.
type referrer struct{ messenger.Messenger }

func (r referrer) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	o := r.Messenger.Send(ctx, m)
	o.Reference = "1503435956.000247"
	return o
}

// A reportRecorder is a Dispatch that passes on the reports to the test too.
type reportRecorder struct {
	sender.Dispatch
	reports chan dispatch.Report
}

func (r reportRecorder) Report(ctx context.Context, reports []dispatch.Report) ([]int64, error) {
	for _, one := range reports {
		r.reports <- one
	}
	return r.Dispatch.Report(ctx, reports)
}

// TestDigestReference sends an alert alone and others by a digest: only the message of the first
// can be changed later.
func TestDigestReference(t *testing.T) {
	t.Parallel()
	net := &lossyTransport{method: "/Claim", requested: make(chan struct{}, 1), report: make(chan struct{}, 10)}
	h := newSenderHarness(t, net)
	for i, m := range h.sender.Messengers {
		h.sender.Messengers[i] = referrer{m}
	}
	reports := make(chan dispatch.Report, 10)
	h.sender.Dispatch = reportRecorder{h.sender.Dispatch, reports}
	alone := h.recordHeldBack(t, "critical")
	run(t, h.sender.Run)
	h.requireAttempts(t, net, alone, "3 sent")
	together := h.recordHeldBack(t, "low", "low")
	h.requireAttempts(t, net, together, "3 sent", "3 sent")
	for i, want := range []string{"1503435956.000247", "", ""} {
		if got := (<-reports).Outcome; got.Reference != want || got.MessageID == "" {
			t.Errorf("report %d: reference %q, want %q", i, got.Reference, want)
		}
	}
}

// TestDigestHandle checks that the idempotency key of a digest depends on its deliveries.
func TestDigestHandle(t *testing.T) {
	t.Parallel()
	of := func(id string) string { return messenger.Message{DeliveryID: 7, Digest: id}.IdempotencyHandle() }
	if of("") != "bongsu-7" || of("x") != "bongsu-digest-x" {
		t.Errorf("handles %q and %q", of(""), of("x"))
	}
}
