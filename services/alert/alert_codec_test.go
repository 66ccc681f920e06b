package alert_test

import (
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestWireEnums checks that the states of the API and of this package have the same
// numbers.
func TestWireEnums(t *testing.T) {
	for ours, wire := range map[alert.State]alertv1.DeliveryState{
		alert.Queued:   alertv1.DeliveryState_DELIVERY_STATE_QUEUED,
		alert.Claimed:  alertv1.DeliveryState_DELIVERY_STATE_CLAIMED,
		alert.Sent:     alertv1.DeliveryState_DELIVERY_STATE_SENT,
		alert.Failed:   alertv1.DeliveryState_DELIVERY_STATE_FAILED,
		alert.Expired:  alertv1.DeliveryState_DELIVERY_STATE_EXPIRED,
		alert.Canceled: alertv1.DeliveryState_DELIVERY_STATE_CANCELED,
		alert.Held:     alertv1.DeliveryState_DELIVERY_STATE_HELD,
	} {
		if int(ours) != int(wire) {
			t.Errorf("%s is %d in this package, and %d in the API", wire, ours, wire)
		}
	}
	if n := len(alertv1.DeliveryState_name) - 1; n != int(alert.Held) {
		t.Errorf("the API has %d states, this package %d", n, alert.Held)
	}
}
