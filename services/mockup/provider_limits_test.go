package mockup_test

import (
	"net/http"
	"testing"
	"time"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// TestSlackLimit exceeds Slack's rate limit of one channel, and sends to another.
func TestSlackLimit(t *testing.T) {
	m, _, server, client := serveMockup(t)
	now := noon
	m.Now = func() time.Time { return now }
	for range 10 {
		if status, _, _ := post(t, server, "C1"); status != http.StatusOK {
			t.Fatalf("%d where no limit is kept", status)
		}
	}
	if _, err := client.SetLimits(t.Context(), &mockupv1.SetLimitsRequest{Kept: true}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if status, _, _ := post(t, server, "C1"); status != http.StatusOK {
			t.Fatalf("call %d of a burst: %d", i, status)
		}
	}
	status, body, header := post(t, server, "C1")
	if status != http.StatusTooManyRequests || header.Get("Retry-After") != "1" || parse(t, body).Error != "ratelimited" {
		t.Errorf("above the limit: %d %v %s", status, header, body)
	}
	if status, _, _ := post(t, server, "C2"); status != http.StatusOK {
		t.Errorf("another channel: %d", status)
	}
	now = now.Add(time.Second)
	if status, _, _ := post(t, server, "C1"); status != http.StatusOK {
		t.Errorf("a second later: %d", status)
	}
	if _, err := client.Reset(t.Context(), &mockupv1.ResetRequest{}); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if status, _, _ := post(t, server, "C1"); status != http.StatusOK {
			t.Fatalf("%d after Reset", status)
		}
	}
}

// TestFaultOfACredential verifies that a fault of one token does not apply to others.
func TestFaultOfACredential(t *testing.T) {
	_, _, server, client := serveMockup(t)
	for credential, want := range map[string]int{"SLACK-USER1-TOKEN": http.StatusTeapot, "SLACK-USER2-TOKEN": http.StatusOK} {
		fault := &mockupv1.Fault{Credential: credential, Status: http.StatusTeapot}
		if _, err := client.SetFault(t.Context(), &mockupv1.SetFaultRequest{Fault: fault}); err != nil {
			t.Fatal(err)
		}
		if status, _, _ := post(t, server, "C1"); status != want { // it calls as user1
			t.Errorf("a fault of %s: %d", credential, status)
		}
		if _, err := client.Reset(t.Context(), &mockupv1.ResetRequest{}); err != nil {
			t.Fatal(err)
		}
	}
}
