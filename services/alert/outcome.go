package alert

import "github.com/bongsu-project/bongsu/internal/messenger"

// end says where a delivery goes from an outcome, and why. Each outcome ends it
// for now: what was not said to be sent is Failed, with the evidence on the
// attempt, and never silence.
func end(o messenger.Outcome) (State, string) {
	if o.Kind == messenger.Sent {
		return Sent, ""
	}
	if o.Code != "" {
		return Failed, o.Code
	}
	return Failed, o.Kind.String()
}
