package inbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/inbox"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// inboxes stores messages in memory, or fails with err.
type inboxes struct {
	stored map[int64]messenger.Message
	err    error
}

func (i *inboxes) Store(_ context.Context, m messenger.Message) error {
	if i.err == nil {
		i.stored[m.DeliveryID] = m
	}
	return i.err
}

var message = messenger.Message{DeliveryID: 7, AlertID: 3, Nickname: "kim", Text: "[high] disk full", Severity: "high"}

func TestSend(t *testing.T) {
	to := &inboxes{stored: map[int64]messenger.Message{}}
	for range 2 {
		got := inbox.New(to).Send(t.Context(), message)
		if want := (messenger.Outcome{Kind: messenger.Sent, MessageID: "bongsu-7"}); got != want {
			t.Errorf("outcome is %+v, want %+v", got, want)
		}
	}
	if len(to.stored) != 1 || to.stored[7].Nickname != "kim" || to.stored[7].Text != message.Text {
		t.Errorf("stored %v", to.stored)
	}
}

// TestFailures checks the outcome of each kind of error. Only what can never be stored is Failed.
func TestFailures(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	long := strings.Repeat("한", messenger.MaxExcerpt) + "\x00\n\xff"
	for name, c := range map[string]struct {
		ctx   context.Context //nolint:containedctx // a case
		err   error
		kind  messenger.OutcomeKind
		scope messenger.Scope
		code  string
	}{
		"invalid":     {t.Context(), fault.Invalidf("bad"), messenger.Failed, messenger.MessageScope, "invalid_message"},
		"unavailable": {t.Context(), fault.Unavailablef("database away"), messenger.Unknown, messenger.NoScope, "inbox_unavailable"},
		"timeout":     {ended, context.Canceled, messenger.Unknown, messenger.NoScope, "timeout"},
		"any other":   {t.Context(), errors.New(long), messenger.Unknown, messenger.NoScope, "inbox_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			got := inbox.New(&inboxes{err: c.err}).Send(c.ctx, message)
			if got.Kind != c.kind || got.Scope != c.scope || got.Code != c.code || got.MessageID != "" {
				t.Errorf("outcome is %+v", got)
			}
			if len(got.Excerpt) > messenger.MaxExcerpt || !utf8.ValidString(got.Excerpt) || strings.ContainsFunc(got.Excerpt, unicode.IsControl) {
				t.Errorf("excerpt is %q", got.Excerpt)
			}
		})
	}
}

func TestWithoutUser(t *testing.T) {
	to := &inboxes{stored: map[int64]messenger.Message{}}
	got := inbox.New(to).Send(t.Context(), messenger.Message{DeliveryID: 7, Text: "x"})
	if got.Kind != messenger.Failed || got.Scope != messenger.DestinationScope || len(to.stored) > 0 {
		t.Errorf("outcome is %+v, stored %v", got, to.stored)
	}
}

// TestSettings checks that an address is always the user's own inbox.
func TestSettings(t *testing.T) {
	spec := inbox.New(nil).Spec()
	for _, s := range []messenger.Setting{spec.Credential, spec.Destination} {
		if err := s.Validate("", false); err != nil {
			t.Errorf("empty: %v", err)
		}
		if err := s.Validate("lee", false); err == nil {
			t.Error("a value is accepted")
		}
	}
	if !spec.Idempotent || !spec.Internal || spec.Costly || spec.Limits != (messenger.Limits{}) {
		t.Errorf("spec is %+v", spec)
	}
}
