package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// TestChain notifies a user by a failover chain of two addresses: by Slack, and by ntfy
// if Slack fails or takes too long.
func TestChain(t *testing.T) {
	d := oneProcess(t, "--failover-after=2s")
	for _, user := range []string{"user1", "user2", "user3"} {
		address := `{"messenger":"ntfy","credential":"https://ntfy.example.com#tk_` + user + `","destination":"` + user + `","rank":1}`
		if status, answer := request(t, http.MethodPost, d.edge+"/v1/users/"+user+"/addresses", address); status != http.StatusCreated {
			t.Fatal(status, answer)
		}
	}
	for _, c := range []struct {
		name, user string
		fault      *mockupv1.Fault // of Slack
		within     time.Duration
		want       []string
	}{
		{"the first is taken", "user1", nil, 2 * time.Second, []string{"slack SENT", "ntfy CANCELED not_needed"}},
		{"the first fails", "user1", &mockupv1.Fault{Status: 200, Body: `{"ok":false,"error":"channel_not_found"}`}, 2 * time.Second,
			[]string{"slack FAILED channel_not_found", "ntfy SENT"}},
		{"the first is retried", "user2", &mockupv1.Fault{Status: 500}, 10 * time.Second, []string{"slack CANCELED not_needed", "ntfy SENT"}},
		{"the first is paused for long", "user3", &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3600"}}, 2 * time.Second,
			[]string{"slack CANCELED not_needed", "ntfy SENT"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.reset(t)
			if c.fault != nil {
				c.fault.BodyContains = strings.ToUpper(c.user) + "_CHANNEL_ID"
				d.fault(t, c.fault)
			}
			before := time.Now()
			var got []string
			for _, delivery := range d.ended(t, d.send(t, `{"target":["@`+c.user+`"],"message":"m","failover":true}`).ID) {
				state := strings.TrimPrefix(delivery.GetState().String(), "DELIVERY_STATE_")
				got = append(got, strings.TrimSpace(delivery.GetMessenger()+" "+state+" "+delivery.GetReason()))
			}
			if took := time.Since(before); !slices.Equal(got, c.want) || took > c.within {
				t.Errorf("after %s: %q, want %q", took, got, c.want)
			}
			taken := 0
			for _, call := range d.calls(t) {
				if call.GetAnswerStatus() == http.StatusOK && !strings.Contains(call.GetBody(), c.user) && c.fault == nil || call.GetPath() == "/"+c.user {
					taken++
				}
			}
			if taken != 1 {
				t.Errorf("%d calls notified %s: %v", taken, c.user, d.calls(t))
			}
		})
	}
}

// TestMovedChat sends to a Telegram group that has become another: the delivery is sent
// to the new one.
func TestMovedChat(t *testing.T) {
	d := oneProcess(t)
	address := `{"messenger":"telegram","credential":"123456789:secret-token_of_a-bot-secret-token","destination":"-4299"}`
	if status, answer := request(t, http.MethodPost, d.edge+"/v1/users/user1/addresses", address); status != http.StatusCreated {
		t.Fatal(status, answer)
	}
	for _, delivery := range d.ended(t, d.send(t, `{"target":["@user1"],"message":"m"}`).ID) {
		if delivery.GetMessenger() != "telegram" {
			continue
		}
		allSent(t, []*alertv1.Delivery{delivery})
		if len(delivery.GetAttempts()) != 2 || delivery.GetDestination() != "-1004299" || delivery.GetAttempts()[0].GetOutcome().GetMovedDestination() != "-1004299" {
			t.Errorf("%v", delivery)
		}
	}
	// The directory has the new destination: the next delivery is sent there at once.
	for _, delivery := range d.ended(t, d.send(t, `{"target":["@user1"],"message":"n"}`).ID) {
		if delivery.GetMessenger() == "telegram" && (delivery.GetDestination() != "-1004299" || len(delivery.GetAttempts()) != 1) {
			t.Errorf("the next: %v", delivery)
		}
	}
}
