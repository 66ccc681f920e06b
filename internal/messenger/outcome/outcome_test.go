package outcome

import (
	"testing"
	"time"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

func TestThereAndBack(t *testing.T) {
	for kind := messenger.Sent; kind <= messenger.Unknown; kind++ {
		o := messenger.Outcome{Kind: kind, Scope: messenger.CredentialScope, Status: 429, Code: "c", MessageID: "m", Excerpt: "e", RetryAfter: time.Second, Truncated: true, Destination: "C2"}
		if back := FromWire(ToWire(o)); back != o {
			t.Errorf("%+v came back as %+v", o, back)
		}
	}
}

// TestEnums verifies that the enum numbers of messenger equal those of the wire.
func TestEnums(t *testing.T) {
	for kind, name := range map[messenger.OutcomeKind]string{
		messenger.Sent: "OUTCOME_KIND_SENT", messenger.Retry: "OUTCOME_KIND_RETRY", messenger.Paused: "OUTCOME_KIND_PAUSED",
		messenger.Failed: "OUTCOME_KIND_FAILED", messenger.Unknown: "OUTCOME_KIND_UNKNOWN",
	} {
		if got := messengerv1.OutcomeKind(kind).String(); got != name {
			t.Errorf("%s is %s on the wire", kind, got)
		}
	}
	for scope, name := range map[messenger.Scope]string{
		messenger.NoScope: "SCOPE_UNSPECIFIED", messenger.MessageScope: "SCOPE_MESSAGE",
		messenger.DestinationScope: "SCOPE_DESTINATION", messenger.CredentialScope: "SCOPE_CREDENTIAL",
	} {
		if got := messengerv1.Scope(scope).String(); got != name {
			t.Errorf("scope %d is %s on the wire", scope, got)
		}
	}
}
