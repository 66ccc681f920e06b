package messenger

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// send calls m and verifies the properties of every outcome.
func send(ctx context.Context, t *testing.T, m Messenger, message Message) Outcome {
	t.Helper()
	o := m.Send(ctx, message)
	sound(t, o, message.Credential)
	if o.Destination != "" && (o.Kind != Retry || o.Destination == message.Destination) {
		t.Errorf("unexpected Destination: %+v", o)
	}
	return o
}

// sound verifies the properties of every outcome of a call with a credential.
func sound(t *testing.T, o Outcome, credential string) {
	t.Helper()
	if o.Kind < Sent || o.Kind > Unknown {
		t.Errorf("no kind: %+v", o)
	}
	if paused := o.Kind == Paused && o.Scope == DestinationScope; (o.Scope != NoScope) != (o.Kind == Failed) && !paused {
		t.Errorf("scope without Failed or a pause of a destination: %+v", o)
	}
	if (o.Code == "") != (o.Kind == Sent) {
		t.Errorf("missing code: %+v", o)
	}
	if o.RetryAfter < 0 || o.RetryAfter > 0 && (o.Kind == Sent || o.Kind == Failed) {
		t.Errorf("After without a retry: %+v", o)
	}
	for text, limit := range map[string]int{o.Code: maxCode, o.MessageID: maxCode, o.Excerpt: MaxExcerpt} {
		if len(text) > limit || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("not recordable: %q", text)
		}
	}
	if o.Gone && o.Kind != Failed {
		t.Errorf("gone, and not Failed: %+v", o)
	}
	all := fmt.Sprintf("%+v", o)
	if strings.Contains(all, "SECRET") || strings.Contains(all, credential) {
		t.Errorf("secret in %s", all)
	}
}
