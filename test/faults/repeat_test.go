package faults

import (
	"fmt"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

// tookIt reports whether the fake accepted a message.
func tookIt(call *mockupv1.Call) bool { return call.GetAnswerStatus()/100 == 2 }

// isCostly reports whether a delivery is costly and not critical.
func isCostly(severity string, d *alertv1.Delivery) bool {
	spec, _ := messenger.Find(specs, d.GetMessenger())
	return spec.Costly && job.RankOf(severity) != job.Critical
}

// spared reports whether a delivery may have failed because its last attempt is
// unknown: a costly delivery is not repeated then.
func spared(severity string, d *alertv1.Delivery) bool {
	last := d.GetAttempts()[max(0, len(d.GetAttempts())-1):]
	return isCostly(severity, d) && len(last) == 1 &&
		last[0].GetOutcome().GetKind() == messengerv1.OutcomeKind_OUTCOME_KIND_UNKNOWN &&
		d.GetReason() != "" && d.GetReason() == last[0].GetOutcome().GetProviderCode()
}

// known reports whether the provider deduplicated a delivery by its handle.
func known(d *alertv1.Delivery, call *mockupv1.Call) bool {
	spec, _ := messenger.Find(specs, d.GetMessenger())
	return spec.Idempotent && strings.Contains(call.GetBody(), fmt.Sprintf(`"dedup_key":"bongsu-%v"`, d.GetId()))
}

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
			if spared(c.severity, d) != c.want {
				t.Errorf("want %v", c.want)
			}
		})
	}
	if spared("high", &alertv1.Delivery{Messenger: "twilio", Reason: "connection_lost"}) {
		t.Error("a delivery without attempts is excused")
	}
}
