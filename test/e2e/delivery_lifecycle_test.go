package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// get returns an alert with its deliveries.
func (d deployment) get(t *testing.T, id string) *alertv1.GetAlertResponse {
	t.Helper()
	res, err := d.alerts().GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: id})
	must(t, err)
	return res
}

// tried waits until the first delivery of an alert has so many recorded attempts, and
// returns it.
func (d deployment) tried(t *testing.T, id string, attempts int) *alertv1.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		if first := d.get(t, id).GetDeliveries()[0]; len(first.GetAttempts()) >= attempts {
			return first
		}
		look(ctx, t)
	}
}

func kinds(d *alertv1.Delivery) string {
	var all []string
	for _, a := range d.GetAttempts() {
		kind := strings.ToLower(strings.TrimPrefix(a.GetOutcome().GetKind().String(), "OUTCOME_KIND_"))
		if a.GetPossibleDuplicate() {
			kind += "(possible duplicate)"
		}
		all = append(all, kind)
	}
	return strings.Join(all, " ")
}

// TestRetry lets a provider fail and recover: the delivery is retried, first within a
// second, and other deliveries are not delayed.
func TestRetry(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		d.fault(t, &mockupv1.Fault{Status: 500, BodyContains: "USER7_CHANNEL_ID"})
		id := d.send(t, `{"target":["@user7"],"message":"m"}`).ID
		other := d.send(t, `{"target":["@user2"],"message":"m"}`).ID
		if ended := d.ended(t, other); kinds(ended[0]) != "sent" {
			t.Errorf("the other delivery: %v", ended)
		}
		waiting := d.tried(t, id, 2)
		if waiting.GetState() == alertv1.DeliveryState_DELIVERY_STATE_FAILED {
			t.Fatalf("not retried: %v", waiting)
		}
		first, second := waiting.GetAttempts()[0], waiting.GetAttempts()[1]
		if wait := second.GetStartTime().AsTime().Sub(first.GetEndTime().AsTime()); wait > 2*time.Second {
			t.Errorf("the first retry came after %s", wait)
		}
		d.reset(t)
		ended := d.ended(t, id)[0]
		if got := kinds(ended); ended.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT || !strings.HasPrefix(got, "retry retry") || !strings.HasSuffix(got, " sent") {
			t.Errorf("final state %s after %s", ended.GetState(), got)
		}
	})
}

// limitedForAWhile lets a provider return 429 for 2 s: it is called again then, not
// before, and the delivery is neither lost nor marked as sent.
func limitedForAWhile(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "2"}})
		id := d.send(t, `{"target":["@user1"],"message":"m"}`).ID
		d.tried(t, id, 1)
		d.reset(t)
		ended := d.ended(t, id)[0]
		if kinds(ended) != "paused sent" {
			t.Fatalf("attempts: %s", kinds(ended))
		}
		if wait := ended.GetAttempts()[1].GetStartTime().AsTime().Sub(ended.GetAttempts()[0].GetEndTime().AsTime()); wait < 2*time.Second || wait > 4*time.Second {
			t.Errorf("retried after %s", wait)
		}
	})
}

// hourOfPause checks that a provider's Retry-After of an hour is respected.
func hourOfPause(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3600"}})
		waiting := d.tried(t, d.send(t, `{"target":["@user3"],"message":"m"}`).ID, 1)
		if next := time.Until(waiting.GetNextAttemptTime().AsTime()); waiting.GetState() != alertv1.DeliveryState_DELIVERY_STATE_QUEUED || next < 3590*time.Second || next > time.Hour {
			t.Errorf("state %s, next attempt in %s", waiting.GetState(), next)
		}
	})
	t.Run("by all deliveries of the credential", hourForAll)
}

// TestUnknownOutcome checks that an attempt with an unknown outcome is retried and marked as a
// possible duplicate.
func TestUnknownOutcome(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		d.fault(t, &mockupv1.Fault{CloseConnection: true})
		id := d.send(t, `{"target":["@user1"],"message":"m"}`).ID
		d.tried(t, id, 1)
		d.reset(t)
		ended := d.ended(t, id)[0]
		got := strings.Fields(strings.ReplaceAll(kinds(ended), " duplicate", "-duplicate"))
		if ended.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT || got[0] != "unknown" || got[len(got)-1] != "sent(possible-duplicate)" {
			t.Errorf("final state %s after %q", ended.GetState(), got)
		}
	})
}

// TestExpire checks that a delivery expires after its time to live, with the evidence
// of its attempts.
func TestExpire(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		d.fault(t, &mockupv1.Fault{Status: 503})
		ended := d.ended(t, d.send(t, `{"target":["@user1"],"message":"m","ttl":"2s"}`).ID)[0]
		if ended.GetState() != alertv1.DeliveryState_DELIVERY_STATE_EXPIRED || ended.GetReason() != "expired" || len(ended.GetAttempts()) == 0 || ended.GetAttempts()[0].GetOutcome().GetProviderStatus() != 503 {
			t.Errorf("%v", ended)
		}
	})
}

// TestCancel checks that cancel ends queued deliveries and leaves completed ones
// unchanged.
func TestCancel(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3600"}, BodyContains: "USER7_CHANNEL_ID"})
		id := d.send(t, `{"target":["@user7","@user2"],"message":"m"}`).ID
		d.tried(t, id, 1)
		ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
		defer cancel()
		for d.get(t, id).GetAlert().GetDeliveryCounts().GetSent() == 0 {
			look(ctx, t)
		}
		status, answer := request(t, http.MethodPost, d.edge+"/v1/alerts/"+id+":cancel", "{}")
		if status != http.StatusOK || answer != `{"canceledCount":1}` {
			t.Errorf("%d %s", status, answer)
		}
		ended := d.ended(t, id)
		if ended[0].GetState() != alertv1.DeliveryState_DELIVERY_STATE_CANCELED || ended[0].GetReason() != "canceled" || len(ended[0].GetAttempts()) != 1 || ended[1].GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT {
			t.Errorf("%v", ended)
		}
		if status, answer := request(t, http.MethodPost, d.edge+"/v1/alerts/"+id+":cancel", "{}"); status != http.StatusOK || answer != `{"canceledCount":0}` {
			t.Errorf("repeated: %d %s", status, answer)
		}
		if status, _ := request(t, http.MethodPost, d.edge+"/v1/alerts/1:cancel", "{}"); status != http.StatusNotFound {
			t.Errorf("unknown alert: %d", status)
		}
	})
}

// TestReplay replays failed deliveries: first a dry run, then a real one that keeps
// their attempts.
func TestReplay(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		d.fault(t, &mockupv1.Fault{Status: 200, Body: `{"ok":false,"error":"not_in_channel"}`})
		id := d.send(t, `{"target":["@@test-team2"],"message":"m"}`).ID
		d.ended(t, id)
		d.reset(t)
		replay := func(body, want string) {
			t.Helper()
			if status, answer := request(t, http.MethodPost, d.edge+"/v1/deliveries:replay", body); status != http.StatusOK || answer != want {
				t.Errorf("%s: %d %s", body, status, answer)
			}
		}
		replay(`{"filter":{"reason":"not_in_channel"},"dryRun":true}`, `{"replayedCount":2}`)
		replay(`{"filter":{"reason":"other"}}`, `{"replayedCount":0}`)
		replay(`{"filter":{"alertId":"1"}}`, `{"replayedCount":0}`)
		if len(d.calls(t)) != 0 {
			t.Error("a dry run sent something")
		}
		replay(`{"deliveryIds":["`+d.get(t, id).GetDeliveries()[0].GetId()+`"]}`, `{"replayedCount":1}`)
		replay(`{"filter":{"alertId":"`+id+`","messenger":"slack","endTimeFrom":"2020-01-01T00:00:00Z"}}`, `{"replayedCount":1}`)
		for _, delivery := range d.ended(t, id) {
			if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT || kinds(delivery) != "failed sent" || delivery.GetReason() != "" {
				t.Errorf("%v", delivery)
			}
		}
		for _, body := range []string{`{}`, `{"filter":{}}`, `{"deliveryIds":["1"],"filter":{"reason":"x"}}`, `{"deliveryIds":["x"]}`} {
			if status, answer := request(t, http.MethodPost, d.edge+"/v1/deliveries:replay", body); status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", body, status, answer)
			}
		}
	})
}

// poisonRecipient puts one failing recipient among four good ones of a job: the four
// are notified exactly once.
func poisonRecipient(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		d.fault(t, &mockupv1.Fault{Status: 500, BodyContains: "USER3_CHANNEL_ID"})
		id := d.send(t, `{"target":["@user1","@user2","@user3","@user4","@user5"],"message":"m","ttl":"3s"}`).ID
		for _, delivery := range d.ended(t, id) {
			want := alertv1.DeliveryState_DELIVERY_STATE_SENT
			if delivery.GetNickName() == "user3" {
				want = alertv1.DeliveryState_DELIVERY_STATE_EXPIRED
			}
			if delivery.GetState() != want {
				t.Errorf("%v", delivery)
			}
		}
		seen := map[string]int{}
		for _, call := range d.calls(t) {
			seen[call.GetBody()]++
		}
		poisoned := 0
		for body, count := range seen {
			if strings.Contains(body, "USER3_") {
				poisoned = count
			} else if count != 1 {
				t.Errorf("%d calls of %s", count, body)
			}
		}
		if len(seen) != 5 || poisoned < 2 {
			t.Errorf("Slack received %v", seen)
		}
	})
}
