package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/services/alert"
)

// RunLedger proves a ledger. Each call of open gives an empty one, which ends
// with the test.
func RunLedger(t *testing.T, open func(t *testing.T) alert.Ledger) {
	for name, test := range map[string]func(*testing.T, alert.Ledger){
		"add":                           testAdd,
		"add nothing":                   testAddNobody,
		"add what ended":                testAddEnded,
		"add bad input":                 testAddInput,
		"add at once":                   testAddAtOnce,
		"add with a context that ended": testAddCanceled,
		"add very many":                 testAddMany,
		"alerts":                        testAlerts,
		"alert pages":                   testAlertPages,
		"claim":                         testClaim,
		"claim very many":               testClaimMany,
		"claim at once":                 testClaimAtOnce,
		"claim bad input":               testClaimInput,
		"lost lease":                    testLostLease,
		"report":                        testReport,
		"report again":                  testReportAgain,
		"report late":                   testReportLate,
		"report any evidence":           testReportEvidence,
		"report bad input":              testReportInput,
		"report at once":                testReportAtOnce,
		"due":                           testDue,
		"due in order":                  testDueOrder,
		"due at once":                   testDueAtOnce,
		"due after a lost lease":        testDueLost,
		"wake":                          testWake,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// start is when the tests begin, and at is n seconds later. Both databases keep
// microseconds, and this has some.
var start = time.Date(2026, 11, 20, 10, 0, 0, 123_456_000, time.UTC)

func at(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

// never is when retries are due that no test waits for.
var never = at(1_000_000)

// to are n queued deliveries by slack.
func to(n int) []alert.Delivery {
	ds := make([]alert.Delivery, n)
	for i := range ds {
		name := fmt.Sprintf("user%d", i+1)
		ds[i] = alert.Delivery{
			Nickname:         name,
			Messenger:        "slack",
			SealedCredential: []byte{0, 0xff, byte(i)},
			Destination:      name + "_CHANNEL",
			State:            alert.Queued,
		}
	}
	return ds
}

// add records an alert with deliveries, due at retry.
func add(t testing.TB, l alert.Ledger, severity string, ds []alert.Delivery, retry time.Time) alert.Alert {
	t.Helper()
	a := alert.Alert{Targets: []string{"@all"}, Severity: severity, Message: "node1 down", CreateTime: start}
	must(t, l.AddAlert(t.Context(), &a, ds, retry))
	return a
}

// ids are those of deliveries.
func ids(ds []alert.Delivery) []int64 {
	all := make([]int64, len(ds))
	for i, d := range ds {
		all[i] = d.ID
	}
	return all
}

// claim claims deliveries at at(from) until at(until).
func claim(t testing.TB, l alert.Ledger, ids []int64, from, until int) []alert.Claim {
	t.Helper()
	claims, err := l.Claim(t.Context(), ids, "sender-1", at(from), at(until))
	must(t, err)
	return claims
}

// sent is the report of a claim that went well, from at(n) for a second.
func sent(c alert.Claim, n int) alert.Report {
	return alert.Report{
		DeliveryID: c.DeliveryID, Fence: c.Fence, StartTime: at(n), EndTime: at(n + 1), State: alert.Sent,
		Outcome: messenger.Outcome{Kind: messenger.Sent, Status: 200, MessageID: "1503435956.000247", Excerpt: `{"ok":true}`},
	}
}

// failed is the report of a claim that went wrong, from at(n) for a second.
func failed(c alert.Claim, n int) alert.Report {
	return alert.Report{
		DeliveryID: c.DeliveryID, Fence: c.Fence, StartTime: at(n), EndTime: at(n + 1), State: alert.Failed, Reason: "channel_not_found",
		Outcome: messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Status: 200, Code: "channel_not_found"},
	}
}

// report reports, and answers with what was fenced.
func report(t testing.TB, l alert.Ledger, reports ...alert.Report) []int64 {
	t.Helper()
	fenced, err := l.Report(t.Context(), reports)
	must(t, err)
	return fenced
}

// deliveries are those of an alert.
func deliveries(t testing.TB, l alert.Ledger, id int64) []alert.Delivery {
	t.Helper()
	_, ds, err := l.Alert(t.Context(), id)
	must(t, err)
	return ds
}

// counts is how many deliveries are in each state, beginning with Queued.
func counts(of ...int) alert.Counts {
	var c alert.Counts
	copy(c[alert.Queued:], of)
	return c
}
