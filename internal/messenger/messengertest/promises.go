// Package messengertest tests messengers. Run verifies the promises of the interface
// Messenger, and RunFake that a messenger and the fake of its provider fit together. Each
// messenger runs both with a Sample, in a test file of its own; further functions verify
// its requests, its outcomes and its settings.
package messengertest

import "testing"

// Run verifies the promises of the interface Messenger for one messenger that
// uses HTTP. Each messenger runs it; one that does not use HTTP keeps the same promises in
// tests of its own. The promises of a call hold for a new message and, if the messenger
// returns references, for a change of a message and for an answer to it.
func Run(t *testing.T, s Sample) {
	run(t, s, callPromises())
	run(t, s, []promise{
		{"no link to acknowledge in an outcome", noAckLinkInOutcome},
		{"markup shown", markupShown},
		{"verify classifies as send", verifyClassifiesAsSend},
		{"verify notifies nobody", verifyNotifiesNobody},
		{"reference returned", referenceReturned},
		{"reference stays", referenceStays},
		{"reference is clean", referenceIsClean},
		{"other reference ignored", otherReferenceIgnored},
		{"previous gone", previousGone},
	})
	if s.Reference == "" {
		return
	}
	t.Run("change", func(t *testing.T) { run(t, s.Change(), callPromises()) })
	t.Run("reply", func(t *testing.T) { run(t, s.reply(), callPromises()) })
}

// A promise is one of the promises of Messenger.
type promise struct {
	name   string
	verify func(*testing.T, Sample)
}

func run(t *testing.T, s Sample, promises []promise) {
	t.Helper()
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.verify(t, s) })
	}
}

// callPromises returns the promises of every call that sends.
func callPromises() []promise {
	return []promise{
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
	}
}
