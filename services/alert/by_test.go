package alert_test

import (
	"errors"
	"slices"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// TestBy checks that users are notified at their addresses of the named messengers only, and that
// a dry run has the same recipients.
func TestBy(t *testing.T) {
	h := newServiceHarness(t)
	for _, c := range []struct {
		name     string
		targets  []string
		by       []string
		failover bool
		want     []string
	}{
		{"all", []string{"@kim"}, nil, false, []string{"kim slack queued", "kim pigeon failed unknown_messenger", "kim sms queued"}},
		{"one", []string{"@kim"}, []string{"sms"}, false, []string{"kim sms queued"}},
		{"one of several users", []string{"@kim", "@one", "@lee"}, []string{"sms"}, false, []string{"kim sms queued", "lee sms queued"}},
		{"a chain", []string{"@kim"}, []string{"sms", "slack"}, true, []string{"kim slack queued", "kim sms held 1m0s"}},
		{"a chain of one", []string{"@kim"}, []string{"sms"}, true, []string{"kim sms queued"}},
		{"a user's chain of one", []string{"@lee"}, []string{"slack"}, false, []string{"lee slack queued"}},
		{"nobody", []string{"@one"}, []string{"sms"}, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := h.alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: c.targets, Message: "m", By: c.by, Failover: c.failover})
			must(t, err)
			ds := h.requireDeliveries(t, res.GetId(), c.want...)
			if int(res.GetUserCount()) != len(c.want) {
				t.Errorf("userCount is %d", res.GetUserCount())
			}
			would, err := h.alerts.ResolveTargets(t.Context(), &alertv1.ResolveTargetsRequest{Target: c.targets, By: c.by})
			must(t, err)
			same := slices.EqualFunc(would.GetRecipients(), ds, func(r *alertv1.Recipient, d *alertv1.Delivery) bool {
				return r.GetNickName() == d.GetNickName() && r.GetMessenger() == d.GetMessenger()
			})
			if !same || would.GetUserCount() != res.GetUserCount() {
				t.Errorf("a dry run returns %v", would)
			}
			shown, err := h.alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: res.GetId()})
			must(t, err)
			if !slices.Equal(shown.GetAlert().GetBy(), c.by) {
				t.Errorf("by is %q", shown.GetAlert().GetBy())
			}
		})
	}
}

// TestByUnknownMessenger checks that an unknown messenger is refused before anything is stored.
func TestByUnknownMessenger(t *testing.T) {
	h := newServiceHarness(t)
	by := []string{"slack", "pigeon"}
	_, err := h.alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@kim"}, Message: "m", By: by})
	_, dry := h.alerts.ResolveTargets(t.Context(), &alertv1.ResolveTargetsRequest{Target: []string{"@kim"}, By: by})
	for _, err := range []error{err, dry} {
		if fields := fault.Fields(err); !errors.Is(err, fault.ErrInvalid) || len(fields) != 1 || fields[0].Path != "by" || fields[0].Problem != `unknown messenger "pigeon"` {
			t.Errorf("error is %v, fields %v", err, fields)
		}
	}
	all, err := h.alerts.ListAlerts(t.Context(), &alertv1.ListAlertsRequest{})
	must(t, err)
	if len(all.GetAlerts()) != 0 {
		t.Errorf("recorded: %v", all)
	}
}

// TestByIdempotency checks that by is part of the request that an idempotency key names.
func TestByIdempotency(t *testing.T) {
	h := newServiceHarness(t)
	a := request("k", "m", "@kim")
	a.By = []string{"sms"}
	first, err := h.alerts.SendAlert(t.Context(), a)
	must(t, err)
	again, err := h.alerts.SendAlert(t.Context(), a)
	must(t, err)
	if first.GetId() != again.GetId() || again.GetUserCount() != 1 {
		t.Errorf("%v, then %v", first, again)
	}
	for _, by := range [][]string{nil, {"slack"}, {"sms", "slack"}} {
		a.By = by
		if _, err := h.alerts.SendAlert(t.Context(), a); !errors.Is(err, fault.ErrExists) {
			t.Errorf("by %q: %v", by, err)
		}
	}
}
