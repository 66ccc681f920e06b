package sender_test

import (
	"context"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/alert"
)

// attemptOf sends one delivery whose credential is sealed for an owner, and returns it
// after its first attempt is reported, with the number of calls to the provider.
func attemptOf(t *testing.T, nickname string, of seal.Owner) (d alert.Delivery, calls int) {
	t.Helper()
	net := &lossyTransport{method: "/Claim", requested: make(chan struct{}, 1), report: make(chan struct{}, 10)}
	h := newSenderHarness(t, net)
	credential, err := h.key.SealForOwner("SLACK-USER1-TOKEN", of)
	must(t, err)
	ds := []alert.Delivery{{Nickname: nickname, Messenger: "slack", SealedCredential: credential, Destination: "USER1_CHANNEL_ID", State: alert.Queued}}
	a := alert.Alert{Severity: "normal", Message: "node1 down", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour)}
	added, err := h.ledger.AddAlert(t.Context(), a, ds, time.Now().Add(time.Hour))
	must(t, err)
	h.loop.Enqueue(added.Alert, added.Deliveries)
	run(t, h.sender.Run)
	await(t, net.report)
	_, ds, err = h.ledger.Alert(context.WithoutCancel(t.Context()), added.Alert.ID)
	must(t, err)
	return ds[0], len(h.slack.Calls(""))
}

// TestSealedForItsDelivery sends with a credential that is sealed for the delivery's own
// address.
func TestSealedForItsDelivery(t *testing.T) {
	t.Parallel()
	d, calls := attemptOf(t, "user1", seal.Owner{Name: "user1", Service: "slack", Address: "USER1_CHANNEL_ID"})
	if d.State != alert.Sent || calls != 1 {
		t.Errorf("state %d, reason %q, %d calls", d.State, d.Reason, calls)
	}
}

// TestCredentialOfAnother checks that a sealed credential that was copied to another
// delivery does not open there, and that no call is made with it.
func TestCredentialOfAnother(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]seal.Owner{
		"another user":        {Name: "user2", Service: "slack", Address: "USER1_CHANNEL_ID"},
		"another destination": {Name: "user1", Service: "slack", Address: "USER2_CHANNEL_ID"},
		"another messenger":   {Name: "user1", Service: "telegram", Address: "USER1_CHANNEL_ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, calls := attemptOf(t, "user1", of)
			if d.State != alert.Failed || d.Reason != "credential_unreadable" || calls != 0 {
				t.Errorf("state %d, reason %q, %d calls", d.State, d.Reason, calls)
			}
		})
	}
}

// TestJobWithoutCredentialOwner checks that a job without the nickname of its address, as of an
// older alert service, is retried and does not fail.
func TestJobWithoutCredentialOwner(t *testing.T) {
	t.Parallel()
	d, calls := attemptOf(t, "", seal.Owner{Name: "user1", Service: "slack", Address: "USER1_CHANNEL_ID"})
	if d.State != alert.Queued || len(d.Attempts) != 1 || d.Attempts[0].Outcome.Code != "seal_owner_unknown" || calls != 0 {
		t.Errorf("state %d, reason %q, attempts %+v, %d calls", d.State, d.Reason, d.Attempts, calls)
	}
}
