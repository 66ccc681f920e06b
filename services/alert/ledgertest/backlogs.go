package ledgertest

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

func testBacklogs(t *testing.T, l alert.Ledger) {
	backlogs := func(now int, destinations bool) []alert.Backlog {
		t.Helper()
		all, err := l.Backlogs(t.Context(), at(now), destinations)
		kittest.NoError(t, err)
		return all
	}
	kittest.Equal(t, len(backlogs(0, true)), 0)

	// Three credentials of slack, the last without fingerprint, and one of sms; an older alert that
	// is recorded later.
	first := queuedDeliveries(7)
	for i, key := range []string{"aa", "aa", "aa", "bb", "", "aa", "aa"} {
		first[i].CredentialFingerprint, first[i].Destination = key, "C1"
	}
	first[1].Destination, first[5].Messenger = "C2", "sms"
	first[6].State, first[6].Reason, first[6].EndTime = alert.Failed, "unknown_messenger", at(0)
	addAlert(t, l, "normal", first, at(10))
	second := alert.Alert{Targets: []string{"@all"}, Severity: "low", Message: "x", CreateTime: at(-60), ExpireTime: expiry}
	late := queuedDeliveries(1)
	late[0].CredentialFingerprint, late[0].Destination = "aa", "C1"
	_, err := l.AddAlert(t.Context(), second, late, at(10))
	kittest.NoError(t, err)

	kittest.Equal(t, backlogs(0, false), []alert.Backlog{
		{Messenger: "slack", CredentialFingerprint: "", Queued: 1, Due: 1, Oldest: start},
		{Messenger: "slack", CredentialFingerprint: "aa", Queued: 4, Due: 4, Oldest: at(-60)},
		{Messenger: "slack", CredentialFingerprint: "bb", Queued: 1, Due: 1, Oldest: start},
		{Messenger: "sms", CredentialFingerprint: "aa", Queued: 1, Due: 1, Oldest: start},
	})
	kittest.Equal(t, backlogs(0, true), []alert.Backlog{
		{Messenger: "slack", CredentialFingerprint: "", Destination: "C1", Queued: 1, Due: 1, Oldest: start},
		{Messenger: "slack", CredentialFingerprint: "aa", Destination: "C1", Queued: 3, Due: 3, Oldest: at(-60)},
		{Messenger: "slack", CredentialFingerprint: "aa", Destination: "C2", Queued: 1, Due: 1, Oldest: start},
		{Messenger: "slack", CredentialFingerprint: "bb", Destination: "C1", Queued: 1, Due: 1, Oldest: start},
		{Messenger: "sms", CredentialFingerprint: "aa", Destination: "C1", Queued: 1, Due: 1, Oldest: start},
	})

	// Completed deliveries are not part of the backlog, claimed ones are, and deferred ones are not
	// due before their time.
	claims := claim(t, l, []int64{first[0].ID, first[1].ID, first[3].ID, late[0].ID}, 0, 50)
	report(t, l, retryReport(claims[0], 1), failureReport(claims[2], 1), successReport(claims[3], 1)) // the first is deferred until 12
	kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: first[2].ID, Time: at(20)}}, at(1)))
	waits := func(now, due int) {
		t.Helper()
		kittest.Equal(t, backlogs(now, false)[1:], []alert.Backlog{
			{Messenger: "slack", CredentialFingerprint: "aa", Queued: 3, Due: due, Oldest: start},
			{Messenger: "sms", CredentialFingerprint: "aa", Queued: 1, Due: 1, Oldest: start},
		})
	}
	waits(11, 1)
	waits(12, 2)
	waits(20, 3)
}
