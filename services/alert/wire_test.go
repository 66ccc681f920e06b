package alert_test

import (
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestWireEnums holds the enums of the wire and ours together: they count alike.
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
			t.Errorf("%s is %d, and %d on the wire", wire, ours, wire)
		}
	}
	if n := len(alertv1.DeliveryState_name) - 1; n != int(alert.Held) {
		t.Errorf("the wire has %d states, we have %d", n, alert.Held)
	}
	for number, name := range messengerv1.OutcomeKind_name {
		if want := strings.ToUpper(messenger.Kind(number).String()); name != "OUTCOME_KIND_"+want {
			t.Errorf("kind %d is %s on the wire, and %s", number, name, want)
		}
	}
	for ours, wire := range map[messenger.Scope]messengerv1.Scope{
		messenger.NoScope:          messengerv1.Scope_SCOPE_UNSPECIFIED,
		messenger.MessageScope:     messengerv1.Scope_SCOPE_MESSAGE,
		messenger.DestinationScope: messengerv1.Scope_SCOPE_DESTINATION,
		messenger.CredentialScope:  messengerv1.Scope_SCOPE_CREDENTIAL,
	} {
		if int(ours) != int(wire) {
			t.Errorf("%s is %d, and %d on the wire", wire, ours, wire)
		}
	}
}
