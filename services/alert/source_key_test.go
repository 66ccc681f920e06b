package alert_test

import (
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
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
