package messenger

// A classification is the meaning of a provider's response.
type classification struct {
	kind  OutcomeKind
	scope Scope // if kind is Failed
}

// The classifications of responses, such as of error codes in a table.
var (
	meansSent         = classification{kind: Sent}
	meansRetry        = classification{kind: Retry}
	meansPaused       = classification{kind: Paused}
	meansUnknown      = classification{kind: Unknown}
	messageFailed     = classification{kind: Failed, scope: MessageScope}
	destinationFailed = classification{kind: Failed, scope: DestinationScope}
	credentialFailed  = classification{kind: Failed, scope: CredentialScope}
)

// classify returns the outcome with that classification.
func classify(o Outcome, c classification) Outcome {
	o.Kind, o.Scope = c.kind, c.scope
	return o
}

// badCredentialOutcome returns the outcome without a call because of an invalid credential. err
// must not quote it.
func badCredentialOutcome(err error) Outcome {
	return Outcome{Kind: Failed, Scope: CredentialScope, Code: "invalid_credential", Excerpt: err.Error()}
}

// badDestinationOutcome returns the outcome without a call because of an invalid destination.
func badDestinationOutcome(err error) Outcome {
	return Outcome{Kind: Failed, Scope: DestinationScope, Code: "invalid_destination", Excerpt: err.Error()}
}
