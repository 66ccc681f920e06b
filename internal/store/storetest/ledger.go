package storetest

import (
	"crypto/rand"
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
		"add":                            testAdd,
		"add nothing":                    testAddNobody,
		"add what ended":                 testAddEnded,
		"add bad input":                  testAddInput,
		"add at once":                    testAddAtOnce,
		"add with a context that ended":  testAddCanceled,
		"add very many":                  testAddMany,
		"templates":                      testTemplates,
		"too many templates":             testTooManyTemplates,
		"key":                            testKey,
		"key of another request":         testKeyOfAnother,
		"key that is old":                testKeyLife,
		"key of what was refused":        testKeyRefused,
		"key at once":                    testKeyAtOnce,
		"keys at once":                   testKeysAtOnce,
		"alerts":                         testAlerts,
		"alert pages":                    testAlertPages,
		"deliveries":                     testDeliveries,
		"versions":                       testVersions,
		"claim":                          testClaim,
		"claim very many":                testClaimMany,
		"claim at once":                  testClaimAtOnce,
		"claim again":                    testClaimAgain,
		"claim again at once":            testClaimAgainAtOnce,
		"claim bad input":                testClaimInput,
		"claim what waits":               testClaimWaiting,
		"claim what has expired":         testClaimExpired,
		"report":                         testReport,
		"report again":                   testReportAgain,
		"report late":                    testReportLate,
		"report any evidence":            testReportEvidence,
		"report bad input":               testReportInput,
		"report at once":                 testReportAtOnce,
		"verdict to wait":                testWait,
		"verdict to wait until expiry":   testWaitExpired,
		"a destination that moved":       testMoved,
		"a provider that knows it again": testOnce,
		"verdicts of all kinds at once":  testVerdicts,
		"verdict that lies":              testVerdictLies,
		"sent, whatever the rule says":   testSentAnyway,
		"sent among others":              testSentAmong,
		"facts":                          testFacts,
		"unknown outcome":                testUnknown,
		"defer":                          testDefer,
		"defer late":                     testDeferLate,
		"release":                        testRelease,
		"time":                           testMarkTime,
		"put right":                      testPutRight,
		"key of a clock that was ahead":  testKeyAhead,
		"seals":                          testLedgerSeals,
		"due":                            testDue,
		"due in order":                   testDueOrder,
		"due at once":                    testDueAtOnce,
		"due is not what is held":        testDueHeld,
		"due is not what has expired":    testDueExpired,
		"due ahead":                      testDueAhead,
		"next":                           testNext,
		"wake":                           testWake,
		"wake is not for what waits":     testWakeWaiting,
		"sweep a lost lease":             testSweepLease,
		"sweep by the rule":              testSweepRule,
		"sweep what has expired":         testSweepExpired,
		"sweep within a limit":           testSweepLimit,
		"sweep at once":                  testSweepAtOnce,
		"backlogs":                       testBacklogs,
		"cancel":                         testCancel,
		"cancel what is held":            testCancelHeld,
		"cancel at once with claims":     testCancelAtOnce,
		"replay":                         testReplay,
		"replay a selection":             testReplaySelection,
		"replay what may have been sent": testReplayDoubt,
		"replay what was canceled":       testReplayCanceled,
		"replay very many":               testReplayMany,
		"replay at once":                 testReplayAtOnce,
		"replay bad input":               testReplayInput,
		"receipt":                        testReceipt,
		"receipt that fails":             testReceiptFails,
		"receipt before the report":      testReceiptEarly,
		"receipt in a chain":             testReceiptChain,
		"receipt of what ended":          testReceiptChainEnds,
		"receipt bad input":              testReceiptInput,
		"receipts at once":               testReceiptsAtOnce,
		"forget":                         testForget,
		"forget in pieces":               testForgetPieces,
		"forget many attempts":           testForgetAttempts,
		"forget at once":                 testForgetAtOnce,
		"chain":                          testChain,
		"chain bad input":                testChainInput,
		"chain that fails":               testChainFails,
		"chain that takes long":          testChainTakesLong,
		"chain that would wait":          testChainWaits,
		"chain in hand":                  testChainInHand,
		"chain of a lost lease":          testChainLost,
		"chain that is canceled":         testChainCanceled,
		"chain that expires":             testChainExpired,
		"chain that is replayed":         testChainReplayed,
		"chains at once":                 testChainsAtOnce,
		"keyed in order":                 testKeyedOrder,
		"keyed and resolved":             testKeyedResolved,
		"keyed and superseded":           testKeyedSuperseded,
		"keyed in hand":                  testKeyedInHand,
		"keyed that ends":                testKeyedEnds,
		"keyed and replayed":             testKeyedReplay,
		"keyed in chains":                testKeyedChains,
		"keyed with a receipt":           testKeyedReceipt,
		"keyed and forgotten":            testKeyedForget,
		"keyed bad input":                testKeyedInput,
		"keyed at once":                  testKeyedAtOnce,
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

// never is when retries are due that no test waits for, and expiry is when alerts
// expire that no test waits for.
var never, expiry = at(1_000_000), at(2_000_000)

// to are n queued deliveries by slack.
func to(n int) []alert.Delivery {
	ds := make([]alert.Delivery, n)
	for i := range ds {
		name := fmt.Sprintf("user%d", i+1)
		ds[i] = alert.Delivery{
			Nickname:         name,
			Messenger:        "slack",
			SealedCredential: []byte{0, 0xff, byte(i)},
			CredentialKey:    fmt.Sprintf("%032x", i),
			Destination:      name + "_CHANNEL",
			State:            alert.Queued,
		}
	}
	return ds
}

// add records an alert with deliveries, due at retry.
func add(t testing.TB, l alert.Ledger, severity string, ds []alert.Delivery, retry time.Time) alert.Alert {
	t.Helper()
	return addUntil(t, l, severity, ds, retry, expiry)
}

// addUntil records an alert that expires at a time.
func addUntil(t testing.TB, l alert.Ledger, severity string, ds []alert.Delivery, retry, expire time.Time) alert.Alert {
	t.Helper()
	a := alert.Alert{Targets: []string{"@all"}, Severity: severity, Message: "node1 down", CreateTime: start, ExpireTime: expire}
	again, err := l.AddAlert(t.Context(), &a, ds, retry)
	must(t, err)
	same(t, again, false)
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

// Claimant gives who asks for the first time: a request that was never made.
func Claimant() alert.Claimant {
	by := alert.Claimant{Sender: "sender-1"}
	rand.Read(by.Request[:])
	return by
}

// claim claims deliveries at at(from) until at(until), which is granted where Free says
// that it would be.
func claim(t testing.TB, l alert.Ledger, ids []int64, from, until int) []alert.Claim {
	t.Helper()
	free, err := l.Free(t.Context(), ids, at(from))
	must(t, err)
	claims, err := l.Claim(t.Context(), ids, Claimant(), at(from), at(until))
	must(t, err)
	for _, c := range claims {
		if _, is := free[c.DeliveryID]; !is {
			t.Errorf("delivery %d was granted, and was not free", c.DeliveryID)
		}
	}
	same(t, len(claims), len(free))
	return claims
}

// sent is the report of a claim that went well, from at(n) for a second.
func sent(c alert.Claim, n int) alert.Report {
	return reported(c, n, messenger.Outcome{Kind: messenger.Sent, Status: 200, MessageID: "1503435956.000247", Excerpt: `{"ok":true}`})
}

// failed is the report of a claim that went wrong, from at(n) for a second.
func failed(c alert.Claim, n int) alert.Report {
	return reported(c, n, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Status: 200, Code: "channel_not_found"})
}

// passing is the report of a claim that may go well in ten seconds, from at(n) for
// a second.
func passing(c alert.Claim, n int) alert.Report {
	return reported(c, n, messenger.Outcome{Kind: messenger.Retry, Status: 503, After: 10 * time.Second})
}

// paused is the report of a claim that the provider put off for a minute, from
// at(n) for a second.
func paused(c alert.Claim, n int) alert.Report {
	return reported(c, n, messenger.Outcome{Kind: messenger.Paused, Status: 429, After: time.Minute})
}

// unclear is the report of a claim that may have gone well, from at(n) for a
// second.
func unclear(c alert.Claim, n int) alert.Report {
	return reported(c, n, messenger.Outcome{Kind: messenger.Unknown, Code: "closed", After: 10 * time.Second})
}

func reported(c alert.Claim, n int, o messenger.Outcome) alert.Report {
	return alert.Report{DeliveryID: c.DeliveryID, Fence: c.Fence, StartTime: at(n), EndTime: at(n + 1), Outcome: o}
}

// rule is the tests' own: what is not sent and has not failed waits as long as the
// outcome says, five seconds where it does not; a pause counts as no try.
func rule(f alert.Facts, r alert.Report) alert.Verdict {
	wait := r.Outcome.After
	if wait == 0 {
		wait = 5 * time.Second
	}
	switch {
	case r.Outcome.Kind == messenger.Sent:
		return alert.Verdict{State: alert.Sent, Counts: true}
	case r.Outcome.Kind == messenger.Failed:
		return alert.Verdict{State: alert.Failed, Reason: r.Outcome.Code, Counts: true}
	case f.Canceled:
		return alert.Verdict{State: alert.Canceled, Reason: "canceled", Counts: true}
	default:
		return alert.Verdict{State: alert.Queued, NextTime: f.Now.Add(wait), Counts: r.Outcome.Kind != messenger.Paused}
	}
}

// report reports when the first report ended, and answers with what was fenced.
func report(t testing.TB, l alert.Ledger, reports ...alert.Report) []int64 {
	t.Helper()
	now := start
	if len(reports) > 0 {
		now = reports[0].EndTime
	}
	fenced, err := l.Report(t.Context(), reports, now, rule)
	must(t, err)
	return fenced
}

// sweep sweeps at at(now), as much as there is, and says how much it found.
func sweep(t testing.TB, l alert.Ledger, now int) int {
	t.Helper()
	n, err := l.Sweep(t.Context(), at(now), 1000, rule)
	must(t, err)
	return n
}

// deliveries are those of an alert.
func deliveries(t testing.TB, l alert.Ledger, id int64) []alert.Delivery {
	t.Helper()
	_, ds, err := l.Alert(t.Context(), id)
	must(t, err)
	return ds
}

// attempt is the one that a report makes.
func attempt(number int, r alert.Report, possible bool) alert.Attempt {
	r.Outcome.After = 0
	return alert.Attempt{
		Number: number, Fence: r.Fence, StartTime: r.StartTime, EndTime: r.EndTime, Outcome: r.Outcome, PossibleDuplicate: possible,
	}
}

// counts is how many deliveries are in each state, beginning with Queued.
func counts(of ...int) alert.Counts {
	var c alert.Counts
	copy(c[alert.Queued:], of)
	return c
}
