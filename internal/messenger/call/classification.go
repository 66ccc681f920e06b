package call

import "github.com/bongsu-project/bongsu/internal/messenger"

// A Classification is the meaning of a provider's response.
type Classification struct {
	Kind  messenger.OutcomeKind
	Scope messenger.Scope // if Kind is Failed
}

// The classifications of responses, such as of error codes in a table.
var (
	Sent              = Classification{Kind: messenger.Sent}
	Retry             = Classification{Kind: messenger.Retry}
	Paused            = Classification{Kind: messenger.Paused}
	Unknown           = Classification{Kind: messenger.Unknown}
	MessageFailed     = Classification{Kind: messenger.Failed, Scope: messenger.MessageScope}
	DestinationFailed = Classification{Kind: messenger.Failed, Scope: messenger.DestinationScope}
	CredentialFailed  = Classification{Kind: messenger.Failed, Scope: messenger.CredentialScope}
)

// Classify returns the outcome with that classification.
func Classify(o messenger.Outcome, c Classification) messenger.Outcome {
	o.Kind, o.Scope = c.Kind, c.Scope
	return o
}

// PreviousGone returns the outcome for a message whose Previous does not exist any more: it
// is sent again without it.
func PreviousGone(o messenger.Outcome) messenger.Outcome {
	o = Classify(o, Retry)
	o.PreviousGone = true
	return o
}

// BadCredential returns the outcome without a call because of an invalid credential. err
// must not quote it.
func BadCredential(err error) messenger.Outcome {
	return messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "invalid_credential", Excerpt: err.Error()}
}

// BadDestination returns the outcome without a call because of an invalid destination.
func BadDestination(err error) messenger.Outcome {
	return messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "invalid_destination", Excerpt: err.Error()}
}
