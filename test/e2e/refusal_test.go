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

// TestRefusedCredential lets the provider refuse a credential: its deliveries fail at
// once, with evidence and hardly a call; the refusal is logged once; other credentials
// are not affected; and failed deliveries can be replayed.
func TestRefusedCredential(t *testing.T) {
	d, p := startWithLimit(t, t.TempDir(), "--credential-limit=10/s", "--destination-limit=off")
	d.createUsers(t, "bad", "xoxb-bad", 40)
	d.createUsers(t, "good", "xoxb-good", 1)
	d.fault(t, &mockupv1.Fault{Status: 200, Body: `{"ok":false,"error":"account_inactive"}`, BodyContains: "Cbad"})
	id := d.send(t, `{"target":["@all"],"message":"m"}`).ID
	calls := 0
	for _, delivery := range d.ended(t, id) {
		if delivery.GetNickName() == "good0" {
			allSent(t, []*alertv1.Delivery{delivery})
			continue
		}
		last := delivery.GetAttempts()[len(delivery.GetAttempts())-1].GetOutcome()
		if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_FAILED || delivery.GetReason() != "account_inactive" || last.GetProviderCode() != "account_inactive" {
			t.Errorf("%v", delivery)
		}
		if !strings.HasPrefix(last.GetExcerpt(), "not called: ") {
			calls++
		}
	}
	seen := len(times(d.calls(t), "Cbad"))
	t.Logf("the provider received %d calls", seen)
	if seen != calls || seen > 5 || seen == 0 {
		t.Errorf("the provider received %d calls, the ledger has %d", seen, calls)
	}
	if warnings := strings.Count(p.Log(), "provider refused a credential"); warnings != 1 {
		t.Errorf("warned %d times, want 1", warnings)
	}
	if strings.Contains(p.Log(), "xoxb") {
		t.Error("the log holds a token")
	}
	status, answer := request(t, http.MethodPost, d.edge+"/v1/deliveries:replay", `{"filter":{"reason":"account_inactive"},"dryRun":true}`)
	if status != http.StatusOK || answer != `{"replayedCount":40}` {
		t.Errorf("%d %s", status, answer)
	}
}

// TestCredentialRightAgain lets a refused credential become valid: during
// --refusal-time replayed deliveries fail again without a call; after it one delivery
// is the probe, and all deliveries replayed then are sent.
func TestCredentialRightAgain(t *testing.T) {
	const leftAlone = 3 * time.Second
	d, p := startWithLimit(t, t.TempDir(), "--credential-limit=10/s", "--destination-limit=off", "--refusal-time="+leftAlone.String())
	d.createUsers(t, "u", "xoxb-one", 20)
	d.fault(t, &mockupv1.Fault{Status: 200, Body: `{"ok":false,"error":"token_expired"}`})
	id := d.send(t, `{"target":["@all"],"message":"m"}`).ID
	refused := time.Now()
	d.ended(t, id)
	before := len(d.calls(t))
	d.reset(t) // calls and faults
	replay := func() {
		t.Helper()
		if status, answer := request(t, http.MethodPost, d.edge+"/v1/deliveries:replay", `{"filter":{"reason":"token_expired"}}`); status != http.StatusOK || answer != `{"replayedCount":20}` {
			t.Fatalf("%d %s", status, answer)
		}
	}
	replay()
	for _, delivery := range d.ended(t, id) {
		last := delivery.GetAttempts()[len(delivery.GetAttempts())-1].GetOutcome()
		if delivery.GetReason() != "token_expired" || !strings.HasPrefix(last.GetExcerpt(), "not called: ") {
			t.Errorf("while it is refused: %v", delivery)
		}
	}
	if calls := len(d.calls(t)); calls != 0 {
		t.Errorf("%d calls while it is refused", calls)
	}
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for time.Since(refused) < leftAlone+time.Second {
		look(ctx, t)
	}
	replay()
	allSent(t, d.ended(t, id))
	if calls := len(d.calls(t)); calls != 20 || before > 5 {
		t.Errorf("%d calls after it became valid, %d while it was refused", calls, before)
	}
	if !strings.Contains(p.Log(), "provider accepts a refused credential again") {
		t.Error("the log lacks that the provider accepts the credential again")
	}
}
