package alert_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/directory"
	directorystore "github.com/bongsu-project/bongsu/services/directory/store"
)

// A serviceHarness is the alert service and the directory service over real stores, at a
// time that the test sets. Its messengers are slack and sms.
type serviceHarness struct {
	alerts   *alert.Handler
	dispatch *alert.DispatchHandler
	ledger   *ledger.Store
	users    *directory.UserHandler
	now      time.Time
}

// newServiceHarness returns a harness with the users kim, lee and one.
func newServiceHarness(t *testing.T) *serviceHarness {
	t.Helper()
	dir := t.TempDir()
	directoryStore, err := directorystore.Open(t.Context(), filepath.Join(dir, "directory.db"))
	must(t, err)
	t.Cleanup(func() { must(t, directoryStore.Close()) })
	ledgerStore, err := ledger.Open(t.Context(), filepath.Join(dir, "ledger.db"), time.Now)
	must(t, err)
	t.Cleanup(func() { must(t, ledgerStore.Close()) })
	must(t, sealkey.Format.CreateKeyFile(filepath.Join(dir, "seal.key")))
	key, err := sealkey.Format.ReadKeyFile(filepath.Join(dir, "seal.key"))
	must(t, err)

	h := &serviceHarness{ledger: ledgerStore, now: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.now }
	rule := alert.NewVerdictRule(specs)
	loop := alert.NewDispatchLoop(ledgerStore, nil, rule, 5, now, slog.New(slog.DiscardHandler)) // not run
	h.alerts = &alert.Handler{
		Directory: alert.DirectoryClient{Service: &directory.LookupHandler{Finder: directoryStore, Key: key}}, Store: ledgerStore, Specs: specs, FailoverAfter: time.Minute, Now: now,
		Loop: loop, Renderer: alert.NewTextRenderer(ledgerStore, now, slog.New(slog.DiscardHandler)),
	}
	h.dispatch = &alert.DispatchHandler{Dispatcher: ledgerStore, Rule: rule, Loop: loop, Lease: time.Minute, Now: now, Alerts: h.alerts}

	users := &directory.UserHandler{Users: directoryStore, Key: key, Specs: append(slices.Clone(specs), messenger.Spec{Name: "pigeon"})}
	address := func(name string, rank int32) *userv1.NewAddress {
		return &userv1.NewAddress{Messenger: name, Credential: "token", Destination: "C1", Rank: &rank}
	}
	for _, u := range []*userv1.CreateUserRequest{
		{NickName: "kim", Addresses: []*userv1.NewAddress{address("sms", 5), address("pigeon", 3), address("slack", 1)}},
		{NickName: "lee", Addresses: []*userv1.NewAddress{address("sms", 0), address("slack", 0)}, Failover: true},
		{NickName: "one", Addresses: []*userv1.NewAddress{address("pigeon", 0), address("slack", 0)}, Failover: true},
	} {
		_, err := users.CreateUser(t.Context(), u)
		must(t, err)
	}
	h.users = users
	return h
}

// send sends an alert and returns its id.
func (h *serviceHarness) send(t *testing.T, failover bool, targets ...string) string {
	t.Helper()
	res, err := h.alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: targets, Message: "m", Failover: failover})
	must(t, err)
	return res.GetId()
}

// requireDeliveries checks the states of the deliveries of an alert, and that the counts in the
// responses agree with them. It returns the deliveries.
func (h *serviceHarness) requireDeliveries(t *testing.T, id string, want ...string) []*alertv1.Delivery {
	t.Helper()
	res, err := h.alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: id})
	must(t, err)
	var got []string
	held := int32(0)
	for _, d := range res.GetDeliveries() {
		state := strings.ToLower(strings.TrimPrefix(d.GetState().String(), "DELIVERY_STATE_"))
		line := fmt.Sprint(d.GetNickName(), " ", d.GetMessenger(), " ", state)
		if state == "held" {
			held++
			line += fmt.Sprint(" ", d.GetNextAttemptTime().AsTime().Sub(h.now))
		}
		if d.GetReason() != "" {
			line += " " + d.GetReason()
		}
		got = append(got, line)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	if counts := res.GetAlert().GetDeliveryCounts(); counts.GetHeld() != held || int(res.GetAlert().GetUserCount()) != len(want) {
		t.Errorf("%d of %d deliveries are held, but the counts are %v", held, len(want), counts)
	}
	return res.GetDeliveries()
}

// attempt claims a delivery for a sender, and reports an outcome.
func (h *serviceHarness) attempt(t *testing.T, d *alertv1.Delivery, outcome *messengerv1.Outcome) {
	t.Helper()
	var id int64
	_, err := fmt.Sscan(d.GetId(), &id)
	must(t, err)
	claimed, err := h.dispatch.Claim(t.Context(), &jobv1.ClaimRequest{DeliveryIds: []int64{id}, Sender: "sender", RequestId: []byte(rand.Text()[:16])})
	must(t, err)
	if len(claimed.GetClaims()) != 1 {
		t.Fatalf("delivery %s by %s is not claimed", d.GetId(), d.GetMessenger())
	}
	_, err = h.dispatch.Report(t.Context(), &jobv1.ReportRequest{Reports: []*jobv1.Report{{
		DeliveryId: id, Fence: claimed.GetClaims()[0].GetFence(), Outcome: outcome,
		StartTime: timestamppb.New(h.now), EndTime: timestamppb.New(h.now),
	}}})
	must(t, err)
}

// dueMessengers returns the messengers of the due jobs.
func (h *serviceHarness) dueMessengers(t *testing.T) (messengers []string) {
	t.Helper()
	jobs, err := h.ledger.TakeDue(t.Context(), h.now, h.now.Add(10*time.Minute), 0, 100, 5)
	must(t, err)
	for _, j := range jobs {
		messengers = append(messengers, j.Messenger)
	}
	return messengers
}

var (
	sent          = &messengerv1.Outcome{Kind: messengerv1.OutcomeKind_OUTCOME_KIND_SENT, ProviderStatus: 200}
	failed        = &messengerv1.Outcome{Kind: messengerv1.OutcomeKind_OUTCOME_KIND_FAILED, ProviderStatus: 404, ProviderCode: "gone"}
	pausedLong    = &messengerv1.Outcome{Kind: messengerv1.OutcomeKind_OUTCOME_KIND_PAUSED, ProviderStatus: 429, RetryAfterMs: time.Hour.Milliseconds()}
	pausedShortly = &messengerv1.Outcome{Kind: messengerv1.OutcomeKind_OUTCOME_KIND_PAUSED, ProviderStatus: 429, RetryAfterMs: 2000}
)

// TestFailover proves that the addresses of a user are used by rank, each after the one
// before it failed, was paused for long, or took long.
func TestFailover(t *testing.T) {
	const pigeon = "kim pigeon failed unknown_messenger"
	for _, c := range []struct {
		name  string
		first *messengerv1.Outcome
		wait  time.Duration // until the second has a job
		want  string        // state of the first, after the second was sent
	}{
		{"the first fails", failed, 0, "kim slack failed gone"},
		{"the first is paused for an hour", pausedLong, 0, "kim slack canceled not_needed"},
		{"the first is paused for two seconds, and not reported then", pausedShortly, time.Minute, "kim slack canceled not_needed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newServiceHarness(t)
			id := h.send(t, true, "@kim")
			ds := h.requireDeliveries(t, id, "kim slack queued", pigeon, "kim sms held 1m0s")
			if ds[0].GetChain() != ds[0].GetId() || ds[2].GetChain() != ds[0].GetId() || ds[1].GetChain() != "" {
				t.Errorf("chains are %q, %q and %q", ds[0].GetChain(), ds[1].GetChain(), ds[2].GetChain())
			}
			h.attempt(t, ds[0], c.first)
			if c.wait > 0 {
				h.now = h.now.Add(c.wait - time.Millisecond)
				if got := h.dueMessengers(t); slices.Contains(got, "sms") {
					t.Errorf("jobs by %q before the failover delay", got)
				}
				h.now = h.now.Add(time.Millisecond)
			}
			if got := h.dueMessengers(t); !slices.Equal(got, []string{"sms"}) {
				t.Errorf("jobs by %q", got)
			}
			h.attempt(t, ds[2], sent)
			h.requireDeliveries(t, id, c.want, pigeon, "kim sms sent")
		})
	}
}

// TestFailoverUsers proves that failover is used for all users if the alert sets it, else
// for those who have it set; and that a single address is no chain.
func TestFailoverUsers(t *testing.T) {
	h := newServiceHarness(t)
	ones := []string{"one pigeon failed unknown_messenger", "one slack queued"}
	ds := h.requireDeliveries(t, h.send(t, false, "@all"), append([]string{
		"kim slack queued", "kim pigeon failed unknown_messenger", "kim sms queued", "lee sms queued", "lee slack held 1m0s",
	}, ones...)...)
	for _, i := range []int{0, 1, 2, 5, 6} {
		if ds[i].GetChain() != "" {
			t.Errorf("%s by %s is in a chain", ds[i].GetNickName(), ds[i].GetMessenger())
		}
	}
	ds = h.requireDeliveries(t, h.send(t, true, "@one", "@lee", "@kim"), append(ones,
		"lee sms queued", "lee slack held 1m0s", "kim slack queued", "kim pigeon failed unknown_messenger", "kim sms held 1m0s")...)
	if ds[1].GetChain() != "" || ds[2].GetChain() == ds[4].GetChain() {
		t.Errorf("chains are %q, %q and %q", ds[1].GetChain(), ds[2].GetChain(), ds[4].GetChain())
	}
	found, err := h.alerts.ListAlerts(t.Context(), &alertv1.ListAlertsRequest{State: alertv1.DeliveryState_DELIVERY_STATE_HELD})
	must(t, err)
	if len(found.GetAlerts()) != 2 {
		t.Errorf("%d alerts have held deliveries, want 2", len(found.GetAlerts()))
	}
}

// TestFailoverPerAlert proves that failover is part of the request digest of an idempotency
// key.
func TestFailoverPerAlert(t *testing.T) {
	h := newServiceHarness(t)
	req := &alertv1.SendAlertRequest{Target: []string{"@kim"}, Message: "m", Failover: true, IdempotencyKey: "key"}
	first, err := h.alerts.SendAlert(t.Context(), req)
	must(t, err)
	again, err := h.alerts.SendAlert(t.Context(), req)
	must(t, err)
	if again.GetId() != first.GetId() || again.GetUserCount() != 3 {
		t.Errorf("the repeated request returned %v, the first %v", again, first)
	}
	req.Failover = false
	if _, err := h.alerts.SendAlert(t.Context(), req); !errors.Is(err, fault.ErrExists) {
		t.Errorf("without failover: %v", err)
	}
}
