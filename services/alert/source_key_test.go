package alert_test

import (
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/job"
)

// TestSourceKeysAreScoped proves that a caller cannot resolve the alert of a source
// by its alert key, which is shown as the source wrote it.
func TestSourceKeysAreScoped(t *testing.T) {
	h := newServiceHarness(t)
	const key = "alertmanager:c9bfa1d9b8e34f3a"
	firing := &alertv1.SendAlertRequest{Target: []string{"@kim"}, Message: "node1 down", Key: key}
	res := h.results(t, "alertmanager", nil, firing)[0]
	_, err := h.alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{
		Target: []string{"@kim"}, Message: "node1 down", Key: key, Status: alertv1.AlertStatus_ALERT_STATUS_RESOLVED,
	})
	must(t, err)
	got, err := h.alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: res.GetId()})
	must(t, err)
	if got.GetAlert().GetKey() != key {
		t.Errorf("the key is shown as %q, want %q", got.GetAlert().GetKey(), key)
	}
	if c := got.GetAlert().GetDeliveryCounts(); c.GetCanceled() != 0 || got.GetAlert().GetUserCount() != 3 {
		t.Errorf("a caller changed the alert of the source: %v", c)
	}
}

// TestSourcesOfIncidents checks that the incident service can resolve the alerts of callers and
// of intake, also if nobody of their targets is left, and that its alerts are told apart.
func TestSourcesOfIncidents(t *testing.T) {
	h := newServiceHarness(t)
	firing := &alertv1.SendAlertRequest{Target: []string{"@kim"}, Message: "node1 down", Key: "node1"}
	_, err := h.alerts.SendAlert(t.Context(), firing)
	must(t, err)
	h.results(t, "alertmanager", nil, firing)
	for _, source := range []string{job.IncidentSource, job.IncidentIntakeSource} {
		res := h.results(t, source, nil, &alertv1.SendAlertRequest{
			Target: []string{"@nobody"}, Message: "node1 down", Key: "node1", Status: alertv1.AlertStatus_ALERT_STATUS_RESOLVED, IdempotencyKey: "1/1",
		})[0]
		if res.GetOutcome() != jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_RECORDED {
			t.Errorf("%s: %v, want it recorded", source, res)
		}
		got, err := h.alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: res.GetId()})
		must(t, err)
		if got.GetAlert().GetSource() != source || got.GetAlert().GetKey() != "node1" {
			t.Errorf("%s: recorded as %v", source, got.GetAlert())
		}
	}
	changes, err := h.ledger.IncidentChanges(t.Context(), 0, 10)
	must(t, err)
	incidents := map[int64]int{}
	for _, c := range changes {
		incidents[c.Incident]++
	}
	if len(changes) != 4 || len(incidents) != 2 {
		t.Errorf("%d changes of %d incidents, want two of each of two", len(changes), len(incidents))
	}
}
