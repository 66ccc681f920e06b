package judge

import (
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

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
			seen := &recorder{}
			judgeIDs(seen, d, []*mockupv1.Call{c.call})
			if seen.failed != c.fails {
				t.Errorf("failed is %v, want %v", seen.failed, c.fails)
			}
		})
	}
}

// A recorder records failures instead of failing.
type recorder struct{ failed bool }

// Helper does nothing.
func (r *recorder) Helper() {}

// Errorf records a failure.
func (r *recorder) Errorf(string, ...any) { r.failed = true }
