package messengertest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// Send calls m and verifies the properties of every outcome.
func Send(ctx context.Context, t *testing.T, m messenger.Messenger, message messenger.Message) messenger.Outcome {
	t.Helper()
	o := m.Send(ctx, message)
	CheckOutcome(t, o, message.Credential)
	if o.Destination != "" && (o.Kind != messenger.Retry || o.Destination == message.Destination) {
		t.Errorf("unexpected Destination: %+v", o)
	}
	return o
}

// CheckOutcome verifies the properties of every outcome of a call with a credential.
func CheckOutcome(t *testing.T, o messenger.Outcome, credential string) {
	t.Helper()
	if o.Kind < messenger.Sent || o.Kind > messenger.Unknown {
		t.Errorf("no kind: %+v", o)
	}
	if paused := o.Kind == messenger.Paused && o.Scope == messenger.DestinationScope; (o.Scope != messenger.NoScope) != (o.Kind == messenger.Failed) && !paused {
		t.Errorf("scope without Failed or a pause of a destination: %+v", o)
	}
	if (o.Code == "") != (o.Kind == messenger.Sent) {
		t.Errorf("missing code: %+v", o)
	}
	if o.RetryAfter < 0 || o.RetryAfter > 0 && (o.Kind == messenger.Sent || o.Kind == messenger.Failed) {
		t.Errorf("RetryAfter without a retry: %+v", o)
	}
	for text, limit := range map[string]int{o.Code: call.MaxCode, o.MessageID: call.MaxCode, o.Excerpt: messenger.MaxExcerpt} {
		if len(text) > limit || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("not recordable: %q", text)
		}
	}
	if len(o.Reference) > messenger.MaxReference || !utf8.ValidString(o.Reference) || strings.ContainsFunc(o.Reference, unicode.IsControl) {
		t.Errorf("not a reference: %q", o.Reference)
	}
	if o.Reference != "" && o.Kind != messenger.Sent || o.PreviousGone && o.Kind != messenger.Retry {
		t.Errorf("reference without Sent, or PreviousGone without Retry: %+v", o)
	}
	if o.Gone && o.Kind != messenger.Failed {
		t.Errorf("gone, and not Failed: %+v", o)
	}
	all := fmt.Sprintf("%+v", o)
	if strings.Contains(all, "SECRET") || strings.Contains(all, credential) {
		t.Errorf("secret in %s", all)
	}
}
