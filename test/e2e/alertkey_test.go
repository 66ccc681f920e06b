package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// things is the number of alert keys.
const things = 20

// ofThing returns an alert of an alert key, to a user of the demonstration data.
func ofThing(thing int, severity, status string) string {
	return fmt.Sprintf(`{"target":["@user%d"],"severity":%q,"message":"down %d.","key":"thing %d","status":%q}`,
		thing%9+1, severity, thing, thing, status)
}

// TestResolvedFollowsItsFiring resolves 20 alert keys at a higher rank than that of
// their firing alerts, at a slow provider and at one that is down: each resolution is
// sent after its firing delivery, and supersedes one that was not sent.
func TestResolvedFollowsItsFiring(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		t.Run("20 of 20", func(t *testing.T) {
			d.reset(t)
			d.fault(t, &mockupv1.Fault{Delay: durationpb.New(300 * time.Millisecond)})
			var ids []string
			for i := range things {
				ids = append(ids, d.send(t, ofThing(i, "low", "ALERT_STATUS_FIRING")).ID)
			}
			called := func(text string) bool {
				for _, c := range d.calls(t) {
					if strings.Contains(c.GetBody(), text) {
						return true
					}
				}
				return false
			}
			for i := range things { // each is in flight in a sender, or sent
				text := fmt.Sprintf("[low] down %d.", i)
				for !called(text) {
					look(t.Context(), t)
				}
				ids = append(ids, d.send(t, ofThing(i, "critical", "ALERT_STATUS_RESOLVED")).ID)
			}
			for _, id := range ids {
				allSent(t, d.ended(t, id))
			}
			calls := d.calls(t)
			for i := range things {
				var got []string
				for _, c := range calls {
					if _, text, ok := strings.Cut(c.GetBody(), `"text":"`); ok && strings.Contains(text, fmt.Sprintf(" down %d.", i)) {
						got = append(got, text)
					}
				}
				want := []string{fmt.Sprintf(`[low] down %d."}`, i), fmt.Sprintf(`[critical] resolved: down %d."}`, i)}
				if strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Errorf("sent %q, want %q", got, want)
				}
			}
			got := d.get(t, ids[things]).GetAlert()
			if got.GetKey() != "thing 0" || got.GetStatus() != alertv1.AlertStatus_ALERT_STATUS_RESOLVED || got.GetMessage() != "down 0." {
				t.Errorf("%v", got)
			}
		})
		t.Run("unsent deliveries are superseded", func(t *testing.T) {
			d.reset(t)
			d.fault(t, &mockupv1.Fault{Status: http.StatusServiceUnavailable})
			var fired, over []string
			for i := range things {
				fired = append(fired, d.send(t, ofThing(100+i, "critical", "ALERT_STATUS_FIRING")).ID)
			}
			d.tried(t, fired[0], 1)
			for i := range things {
				over = append(over, d.send(t, ofThing(100+i, "low", "ALERT_STATUS_RESOLVED")).ID)
			}
			for i := range things { // the fault stays: a claimed delivery is not canceled before its call failed
				one, two := d.ended(t, fired[i])[0], d.ended(t, over[i])[0]
				if one.GetReason() != "superseded" || two.GetReason() != "not_needed" {
					t.Errorf("%v\n%v", one, two)
				}
			}
			for _, call := range d.calls(t) {
				if call.GetAnswerStatus() != http.StatusServiceUnavailable {
					t.Errorf("a superseded alert was sent: %v", call)
				}
			}
		})
	})
}

// TestPagerDutyIsResolved triggers an incident by two alerts of one key, and resolves
// it.
func TestPagerDutyIsResolved(t *testing.T) {
	d := oneProcess(t)
	address := `{"messenger":"pagerduty","credential":"secret7890abcdefsecret7890abcdef","destination":"shop"}`
	if status, answer := request(t, http.MethodPost, d.edge+"/v1/users/user1/addresses", address); status != http.StatusCreated {
		t.Fatal(status, answer)
	}
	for _, alert := range []string{
		ofThing(0, "high", "ALERT_STATUS_FIRING"), ofThing(0, "critical", "ALERT_STATUS_FIRING"), // an update: a repeat would not be sent
		ofThing(0, "high", "ALERT_STATUS_RESOLVED"),
	} {
		allSent(t, d.ended(t, d.send(t, alert).ID))
	}
	var actions, keys []string
	for _, c := range d.calls(t) {
		if c.GetPath() != "/v2/enqueue" {
			continue
		}
		var event struct {
			Action string `json:"event_action"`
			Key    string `json:"dedup_key"`
		}
		must(t, json.Unmarshal([]byte(c.GetBody()), &event))
		actions, keys = append(actions, event.Action), append(keys, event.Key)
	}
	if strings.Join(actions, " ") != "trigger trigger resolve" || keys[0] != keys[1] || keys[0] != keys[2] {
		t.Errorf("%q under %q", actions, keys)
	}
}

// TestResolvedNeedsAKey checks that a resolution without an alert key is refused.
func TestResolvedNeedsAKey(t *testing.T) {
	d := oneProcess(t)
	status, answer := request(t, http.MethodPost, d.edge+"/v1/alerts", `{"target":["@user1"],"message":"m","status":"ALERT_STATUS_RESOLVED"}`)
	if status != http.StatusBadRequest || !strings.Contains(answer, "key: required if status is resolved") {
		t.Error(status, answer)
	}
	if calls := d.calls(t); len(calls) > 0 {
		t.Errorf("%v", calls)
	}
}
