package faults

import (
	"maps"
	"slices"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// withoutIDs are the messengers whose providers return no message id.
var withoutIDs = []string{"slackhook", "webhook"}

// judgeIDs checks that the message id of each sent attempt is in the fake's response to
// its call.
func judgeIDs(t testing.TB, d *alertv1.Delivery, calls []*mockupv1.Call) {
	t.Helper()
	for i, a := range d.GetAttempts() {
		if a.GetOutcome().GetKind() != messengerv1.OutcomeKind_OUTCOME_KIND_SENT {
			continue
		}
		id := a.GetOutcome().GetProviderMessageId()
		if slices.Contains(withoutIDs, d.GetMessenger()) {
			if id != "" {
				t.Errorf("attempt %d has the message id %q, but its provider returns none: %v", i+1, id, d)
			}
			continue
		}
		if id == "" || !slices.ContainsFunc(calls, func(call *mockupv1.Call) bool {
			return attemptOf(d, call) == i && tookIt(call) && containsID(call, id)
		}) {
			t.Errorf("attempt %d has the message id %q, which is in no response of the fake: %v\n%v", i+1, id, d, calls)
		}
	}
}

// containsID reports whether a response holds a message id. That of a mail is in the mail
// itself, where its sender sets it.
func containsID(call *mockupv1.Call, id string) bool {
	if call.GetMethod() == "SMTP" {
		return strings.Contains(call.GetBody(), "Message-ID: <"+id+">")
	}
	return strings.Contains(call.GetAnswerBody(), id) ||
		slices.Contains(slices.Collect(maps.Values(call.GetAnswerHeaders())), id)
}

// TestJudgeIDs checks that judgeIDs accepts only message ids of the provider.
func TestJudgeIDs(t *testing.T) {
	for _, c := range []struct {
		name, messenger, id string
		call                *mockupv1.Call
		fails               bool
	}{
		{"in the body", "slack", "1.5", &mockupv1.Call{AnswerStatus: 200, AnswerBody: `{"ts":"1.5"}`}, false},
		{"in a header", "teams", "run1", &mockupv1.Call{AnswerStatus: 202, AnswerHeaders: map[string]string{"X-Ms-Workflow-Run-Id": "run1"}}, false},
		{"in the mail", "email", "a@b", &mockupv1.Call{Method: "SMTP", AnswerStatus: 250, Body: "Message-ID: <a@b>\n"}, false},
		{"none, as expected", "webhook", "", &mockupv1.Call{AnswerStatus: 200}, false},
		{"another", "slack", "1.5", &mockupv1.Call{AnswerStatus: 200, AnswerBody: `{"ts":"1.6"}`}, true},
		{"none", "slack", "", &mockupv1.Call{AnswerStatus: 200, AnswerBody: `{"ts":"1.6"}`}, true},
		{"of a rejected call", "slack", "1.5", &mockupv1.Call{AnswerStatus: 500, AnswerBody: `{"ts":"1.5"}`}, true},
		{"invented", "webhook", "1.5", &mockupv1.Call{AnswerStatus: 200, AnswerBody: "1.5"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &alertv1.Delivery{Messenger: c.messenger, Attempts: []*alertv1.Attempt{{Outcome: &messengerv1.Outcome{
				Kind: messengerv1.OutcomeKind_OUTCOME_KIND_SENT, ProviderMessageId: c.id,
			}}}}
			seen := &recorder{TB: t}
			judgeIDs(seen, d, []*mockupv1.Call{c.call})
			if seen.failed != c.fails {
				t.Errorf("failed is %v, want %v", seen.failed, c.fails)
			}
		})
	}
}

// A recorder records failures instead of failing.
type recorder struct {
	testing.TB
	failed bool
}

// Errorf records a failure.
func (r *recorder) Errorf(string, ...any) { r.failed = true }
