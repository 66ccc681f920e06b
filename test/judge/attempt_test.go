package judge

import (
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
)

// TestJudgeCostly checks that the only excused failure is that of a costly delivery that was
// not repeated.
func TestJudgeCostly(t *testing.T) {
	unknown, refused := messengerv1.OutcomeKind_OUTCOME_KIND_UNKNOWN, messengerv1.OutcomeKind_OUTCOME_KIND_FAILED
	for _, c := range []struct {
		name, messenger, severity, reason string
		last                              messengerv1.OutcomeKind
		want                              bool
	}{
		{"its call broke off", "twilio", "high", "connection_lost", unknown, true},
		{"so it did for another provider", "sns", "경고", "connection_lost", unknown, true},
		{"it is critical", "twilio", "critical", "connection_lost", unknown, false},
		{"it costs nothing", "slack", "high", "connection_lost", unknown, false},
		{"it was refused", "twilio", "high", "connection_lost", refused, false},
		{"it has another reason", "twilio", "high", "timeout", unknown, false},
		{"it has no reason", "twilio", "high", "", unknown, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &alertv1.Delivery{Messenger: c.messenger, Reason: c.reason, Attempts: []*alertv1.Attempt{
				{Outcome: &messengerv1.Outcome{Kind: messengerv1.OutcomeKind_OUTCOME_KIND_RETRY, ProviderCode: "http_500"}},
				{Outcome: &messengerv1.Outcome{Kind: c.last, ProviderCode: "connection_lost"}},
			}}
			if Spared(c.severity, d) != c.want {
				t.Errorf("want %v", c.want)
			}
		})
	}
	if Spared("high", &alertv1.Delivery{Messenger: "twilio", Reason: "connection_lost"}) {
		t.Error("a delivery without attempts is excused")
	}
}
