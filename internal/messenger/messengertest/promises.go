// Package messengertest tests messengers. Run verifies the promises of the interface
// Messenger, and RunFake that a messenger and the fake of its provider fit together. Each
// messenger runs both with a Sample, in a test file of its own; further functions verify
// its requests, its outcomes and its settings.
package messengertest

import "testing"

// Run verifies the promises of the interface Messenger for one messenger that
// uses HTTP. Each messenger runs it; one that does not use HTTP keeps the same promises in
// tests of its own.
func Run(t *testing.T, s Sample) {
	for _, p := range []struct {
		name   string
		verify func(*testing.T, Sample)
	}{
		{"sent only when confirmed", sentOnlyWhenConfirmed},
		{"status without details", statusWithoutDetails},
		{"redirect not followed", redirectNotFollowed},
		{"response interrupted", responseInterrupted},
		{"response complete", responseComplete},
		{"endless response", endlessResponse},
		{"concurrent calls", concurrentCalls},
		{"connection refused", connectionRefused},
		{"closed before reading", closedBeforeReading},
		{"closed after reading", closedAfterReading},
		{"idle connection closed", idleConnectionClosed},
		{"untrusted TLS", untrustedTLS},
		{"timeout before the request", timeoutBeforeRequest},
		{"timeout after the request", timeoutAfterRequest},
		{"timeout in the response", timeoutInResponse},
		{"no secret in an outcome", noSecretInOutcome},
		{"other spellings of secrets", otherSpellingsOfSecrets},
		{"ordinary words stay", ordinaryWordsStay},
		{"markup shown", markupShown},
		{"verify classifies as send", verifyClassifiesAsSend},
		{"verify notifies nobody", verifyNotifiesNobody},
	} {
		t.Run(p.name, func(t *testing.T) { p.verify(t, s) })
	}
}
