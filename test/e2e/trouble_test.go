package e2e

import (
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// TestTrouble reproduces incidents of other alerting systems, named after their
// reports. Those of brokers and senders are in TestTrouble of test/faults.
func TestTrouble(t *testing.T) {
	for _, trouble := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"a webhook marked as sent on 500, 404, 429 (GoAlert 4558)", markedAsSent},
		{"not_in_channel counted as success (Iris)", refusedInTheBody},
		{"429 lost (uptime-kuma 6242, Alertmanager 2205, Novu)", limitedForAWhile},
		{"30 alerts at once at 1 a second: none lost, no attempt wasted", thirtyAlerts},
		{"Retry-After: 3600 obeyed, not clamped", hourOfPause},
		{"1,300 recipients at 50 a second within 10 % of the floor (GoAlert 4449)", manyRecipients},
		{"the same idempotency key 100 times at once: one alert (Siren)", sameKey},
		{"the same idempotency key with another body: a clear error (Siren)", sameKeyOtherRequest},
		{"a failing recipient in a job of 5: the other four exactly once", poisonRecipient},
	} {
		t.Run(trouble.name, trouble.test)
	}
}

// markedAsSent checks that only a success status makes a delivery Sent: permanent
// errors make it Failed, and temporary ones are retried until it is sent.
func markedAsSent(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		for _, c := range []struct {
			name   string
			fault  *mockupv1.Fault
			status int32
			kinds  string // expected start of the attempts' outcomes
		}{
			{"500", &mockupv1.Fault{Status: 500}, 500, "retry"},
			{"429", &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "1"}}, 429, "paused"},
		} {
			t.Run(c.name, func(t *testing.T) {
				d.reset(t)
				d.fault(t, c.fault)
				id := d.send(t, `{"target":["@user3"],"message":"m"}`).ID
				tried := d.tried(t, id, 1)
				if tried.GetState() != alertv1.DeliveryState_DELIVERY_STATE_QUEUED && tried.GetState() != alertv1.DeliveryState_DELIVERY_STATE_CLAIMED || tried.GetAttempts()[0].GetOutcome().GetProviderStatus() != c.status {
					t.Errorf("during the fault: %v", tried)
				}
				d.reset(t)
				ended := d.ended(t, id)[0]
				if got := kinds(ended); ended.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT || !strings.HasPrefix(got, c.kinds) || !strings.HasSuffix(got, " sent") {
					t.Errorf("final state %s after %s", ended.GetState(), got)
				}
				if calls := d.calls(t); len(calls) != 1 {
					t.Errorf("%d calls were accepted", len(calls))
				}
			})
		}
		failing(t, d, []failure{
			{"404", &mockupv1.Fault{Status: 404, Body: "no"}, messengerv1.Scope_SCOPE_MESSAGE, 404, "http_404"},
			{"401", &mockupv1.Fault{Status: 401}, messengerv1.Scope_SCOPE_CREDENTIAL, 401, "http_401"},
		})
	})
}

// refusedInTheBody checks that a success status with an error in the body is a failure.
func refusedInTheBody(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		failing(t, d, []failure{
			{"not_in_channel", &mockupv1.Fault{Status: 200, Body: `{"ok":false,"error":"not_in_channel"}`}, messengerv1.Scope_SCOPE_DESTINATION, 200, "not_in_channel"},
		})
	})
}

// A failure is a permanent error of a call.
type failure struct {
	name   string
	fault  *mockupv1.Fault
	scope  messengerv1.Scope
	status int32
	code   string
}

// failing checks that a permanent error makes its delivery Failed, with the evidence,
// and that other deliveries of the job are sent.
func failing(t *testing.T, d deployment, failures []failure) {
	t.Helper()
	for _, c := range failures {
		t.Run(c.name, func(t *testing.T) {
			d.reset(t)
			c.fault.BodyContains = "USER7_CHANNEL_ID"
			d.fault(t, c.fault)
			for _, delivery := range d.ended(t, d.send(t, `{"target":["@@test-team2"],"message":"m"}`).ID) {
				if delivery.GetNickName() != "user7" {
					if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT {
						t.Errorf("the other delivery: %v", delivery)
					}
					continue
				}
				attempts := delivery.GetAttempts()
				if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_FAILED || delivery.GetReason() != c.code || len(attempts) != 1 {
					t.Fatalf("the delivery: %v", delivery)
				}
				if o := attempts[0].GetOutcome(); o.GetKind() != messengerv1.OutcomeKind_OUTCOME_KIND_FAILED || o.GetScope() != c.scope || o.GetProviderStatus() != c.status || o.GetProviderCode() != c.code {
					t.Errorf("the evidence: %v", o)
				}
			}
		})
	}
}
