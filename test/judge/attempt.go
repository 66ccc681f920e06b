package judge

import (
	"fmt"
	"strings"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

// Accepted reports whether the fake accepted a message.
func Accepted(call *mockupv1.Call) bool { return call.GetAnswerStatus()/100 == 2 }

// isCostly reports whether a delivery is costly and not critical.
func isCostly(severity string, d *alertv1.Delivery) bool {
	spec, _ := messenger.Find(specs, d.GetMessenger())
	return spec.Costly && job.RankOf(severity) != job.Critical
}

// Spared reports whether a delivery may have failed because its last attempt is
// unknown: a costly delivery is not repeated then.
func Spared(severity string, d *alertv1.Delivery) bool {
	last := d.GetAttempts()[max(0, len(d.GetAttempts())-1):]
	return isCostly(severity, d) && len(last) == 1 &&
		last[0].GetOutcome().GetKind() == messengerv1.OutcomeKind_OUTCOME_KIND_UNKNOWN &&
		d.GetReason() != "" && d.GetReason() == last[0].GetOutcome().GetProviderCode()
}

// Deduplicated reports whether the provider deduplicated a delivery by its handle.
func Deduplicated(d *alertv1.Delivery, call *mockupv1.Call) bool {
	spec, _ := messenger.Find(specs, d.GetMessenger())
	return spec.Idempotent && strings.Contains(call.GetBody(), fmt.Sprintf(`"dedup_key":"bongsu-%v"`, d.GetId()))
}

// LeaseExpired reports whether an attempt has no report because its lease expired.
func LeaseExpired(a *alertv1.Attempt) bool {
	return a.GetOutcome().GetProviderCode() == "lease_expired"
}
