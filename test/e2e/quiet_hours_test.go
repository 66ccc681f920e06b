package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// TestQuietHours sends alerts to a user for whom today and tomorrow are quiet: a critical one is
// sent, others are held back until the day after, unless they are canceled or resolved.
func TestQuietHours(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		put := func(body string) {
			t.Helper()
			if status, answer := request(t, http.MethodPut, d.edge+"/v1/users/user3", body); status != http.StatusOK {
				t.Fatalf("%d %s", status, answer)
			}
		}
		day := func(after int) time.Time { return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, after) }
		weekday := func(after int) string { return strings.ToLower(day(after).Weekday().String()) }
		end := day(2)
		put(fmt.Sprintf(`{"quietHours":{"timeZone":"UTC","intervals":[{"weekdays":["%s:%s"]}]}}`, weekday(0), weekday(1)))
		// held sends an alert and returns the deliveries to user3 and user4, of which the first is held back.
		held := func(body string) string {
			t.Helper()
			id := d.send(t, body).ID
			for _, delivery := range d.get(t, id).GetDeliveries() {
				quiet := delivery.GetNickName() == "user3"
				if quiet != (delivery.GetHold() == "quiet_hours") {
					t.Errorf("%v", delivery)
				}
				if quiet && (delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_QUEUED || !delivery.GetNextAttemptTime().AsTime().Equal(end)) {
					t.Errorf("%v, want held back until %s", delivery, end)
				}
			}
			return id
		}
		held(`{"target":["@user3","@user4"],"severity":"normal","message":"m"}`)
		canceled := held(`{"target":["@user3"],"severity":"high","message":"m"}`)
		fired := held(`{"target":["@user3"],"severity":"high","message":"m","key":"disk","status":"ALERT_STATUS_FIRING"}`)

		allSent(t, d.ended(t, d.send(t, `{"target":["@user3","@user4"],"severity":"critical","message":"m"}`).ID))
		resolved := d.send(t, `{"target":["@user3"],"severity":"high","message":"m","key":"disk","status":"ALERT_STATUS_RESOLVED"}`).ID
		for id, reason := range map[string]string{fired: "superseded", resolved: "not_needed"} {
			if got := d.ended(t, id); len(got) != 1 || got[0].GetReason() != reason || got[0].GetHold() != "" {
				t.Errorf("%v, want %s", got, reason)
			}
		}
		if status, answer := request(t, http.MethodPost, d.edge+"/v1/alerts/"+canceled+":cancel", "{}"); status != http.StatusOK || !strings.Contains(answer, `"canceledCount":1`) {
			t.Errorf("%d %s", status, answer)
		}
		put(`{"quietHours":{}}`)
		allSent(t, d.ended(t, d.send(t, `{"target":["@user3"],"severity":"normal","message":"m"}`).ID))
	})
}
