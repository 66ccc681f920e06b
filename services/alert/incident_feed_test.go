package alert_test

import (
	"context"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/services/alert"
)

// listChanges calls ListIncidentChanges.
func (h *serviceHarness) listChanges(ctx context.Context, after int64) ([]*jobv1.IncidentChange, error) {
	res, err := h.dispatch.ListIncidentChanges(ctx, &jobv1.ListIncidentChangesRequest{After: after, Limit: 10})
	return res.GetChanges(), err
}

// feed starts the incident feed of a harness, which ends with stop.
func (h *serviceHarness) feed(t *testing.T) (stop func()) {
	feed := alert.NewIncidentFeed(h.ledger)
	h.alerts.Incidents, h.dispatch.Incidents = feed, feed
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- feed.Run(ctx) }()
	return func() {
		cancel()
		must(t, <-ended)
	}
}

// TestListIncidentChanges checks that changes are returned as they are recorded, with their
// alerts, that stored ones are deleted, and that a call that waits ends with the feed.
func TestListIncidentChanges(t *testing.T) {
	h := newServiceHarness(t)
	stop := h.feed(t)
	h.alerts.IncidentSettings = alert.IncidentSettings{RepeatAfter: time.Hour, FlapWindow: time.Minute, RepeatFields: []string{"message"}}
	type response struct {
		changes []*jobv1.IncidentChange
		err     error
	}
	list := func(after int64) chan response {
		res := make(chan response, 1)
		go func() {
			changes, err := h.listChanges(t.Context(), after)
			res <- response{changes, err}
		}()
		return res
	}
	waiting := list(0)
	opened, err := h.alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@kim"}, Message: "m", Key: "k", Escalation: "night"})
	must(t, err)
	first := <-waiting
	must(t, first.err)
	if len(first.changes) != 1 {
		t.Fatalf("%d changes, want 1", len(first.changes))
	}
	c := first.changes[0]
	if a := c.GetAlert(); c.GetKind() != jobv1.IncidentChangeKind_INCIDENT_CHANGE_KIND_OPENED || a.GetId() != opened.GetId() ||
		a.GetIncidentId() != opened.GetId() || a.GetKey() != "k" || a.GetEscalation() != "night" || a.GetDeliveryCounts() != nil {
		t.Errorf("change is %v", c)
	}

	waiting = list(c.GetId())
	for _, line := range h.sendAll(t, "grafana", nil, &alertv1.SendAlertRequest{Target: []string{"@kim"}, Message: "m", Key: "k", Status: alertv1.AlertStatus_ALERT_STATUS_FIRING}) {
		if line != "recorded 3" {
			t.Errorf("result is %q", line)
		}
	}
	second := <-waiting
	must(t, second.err)
	if len(second.changes) != 1 || second.changes[0].GetAlert().GetSource() != "grafana" || second.changes[0].GetAlert().GetKey() != "k" ||
		second.changes[0].GetIncident() == c.GetIncident() {
		t.Errorf("changes are %v", second.changes)
	}
	if left, err := h.ledger.IncidentChanges(t.Context(), 0, 10); err != nil || len(left) != 1 {
		t.Errorf("%d changes are left (%v), want 1", len(left), err)
	}

	repeated, err := h.alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@kim"}, Message: "m", Key: "k", Title: "new"})
	must(t, err)
	got, err := h.alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: repeated.GetId()})
	must(t, err)
	if !got.GetAlert().GetRepeat() || got.GetAlert().GetIncidentId() != opened.GetId() {
		t.Errorf("repeated alert is %v", got.GetAlert())
	}
	third, err := h.listChanges(t.Context(), second.changes[0].GetId())
	must(t, err)
	if len(third) != 1 || third[0].GetKind() != jobv1.IncidentChangeKind_INCIDENT_CHANGE_KIND_REPEATED {
		t.Fatalf("changes are %v", third)
	}

	waiting = list(third[0].GetId())
	stop()
	if last := <-waiting; last.err != nil || len(last.changes) != 0 {
		t.Errorf("after the end: %v, %v", last.changes, last.err)
	}
}

// TestAlertsThatNeedAKey checks that an alert whose fields need a key is refused without one.
func TestAlertsThatNeedAKey(t *testing.T) {
	h := newServiceHarness(t)
	for name, req := range map[string]*alertv1.SendAlertRequest{
		"resolved":     {Status: alertv1.AlertStatus_ALERT_STATUS_RESOLVED},
		"acknowledged": {Status: alertv1.AlertStatus_ALERT_STATUS_ACKNOWLEDGED},
		"escalation":   {Escalation: "night"},
	} {
		req.Target, req.Message = []string{"@kim"}, "m"
		if got := h.sendAll(t, "a", nil, req); got[0] != "refused invalid_field key 0" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
