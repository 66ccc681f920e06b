package ledger

import (
	"strconv"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestLiterals verifies that the literals in statements are the numbers that are stored.
func TestLiterals(t *testing.T) {
	for literal, number := range map[[2]string]int{
		{"queued", sqlQueued}: int(alert.Queued), {"claimed", sqlClaimed}: int(alert.Claimed), {"sent", sqlSent}: int(alert.Sent),
		{"failed", sqlFailed}: int(alert.Failed), {"expired", sqlExpired}: int(alert.Expired), {"canceled", sqlCanceled}: int(alert.Canceled),
		{"critical", sqlCritical}: int(job.Critical), {"high", sqlHigh}: int(job.High), {"normal", sqlNormal}: int(job.Normal), {"low", sqlLow}: int(job.Low),
		{"sent outcome", sqlSentOutcome}: int(messenger.Sent), {"unknown outcome", sqlUnknownOutcome}: int(messenger.Unknown), {"no scope", sqlNoScope}: int(messenger.NoScope),
	} {
		if literal[1] != strconv.Itoa(number) {
			t.Errorf("%s is %q in statements, want %d", literal[0], literal[1], number)
		}
	}
	if isQueued != "state = 1" || isClaimed != "state = 2" || isOpen != "state <= 2" || isUnsent != "state >= 4" {
		t.Error("a condition differs from that of its partial index")
	}
}
