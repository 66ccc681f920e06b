// Package ledgertest has the conformance suite for implementations of alert.Ledger: each test
// checks a promise that is documented there.
package ledgertest

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// RunLedger runs the suite against a ledger. Each call of open returns an empty one, which open
// closes when the test ends.
func RunLedger(t *testing.T, open func(t *testing.T) alert.Ledger) {
	for name, test := range map[string]func(*testing.T, alert.Ledger){
		"add":                                         testAdd,
		"add without deliveries":                      testAddWithoutDeliveries,
		"add completed deliveries":                    testAddCompleted,
		"add invalid input":                           testAddInput,
		"add concurrently":                            testAddConcurrent,
		"add with a canceled context":                 testAddContextCanceled,
		"add many deliveries":                         testAddMany,
		"add alerts":                                  testAddAlerts,
		"add alerts of changed requests":              testAddAlertsChanged,
		"add alerts concurrently":                     testAddAlertsConcurrent,
		"templates":                                   testTemplates,
		"too many templates":                          testTooManyTemplates,
		"idempotency key":                             testIdempotencyKey,
		"idempotency key of another request":          testIdempotencyKeyOfAnotherRequest,
		"idempotency key of another scope":            testIdempotencyKeyScopes,
		"idempotency key after its TTL":               testIdempotencyKeyExpiry,
		"idempotency key of a refused request":        testIdempotencyKeyOfRefusedRequest,
		"idempotency key concurrently":                testIdempotencyKeyConcurrent,
		"idempotency keys concurrently":               testIdempotencyKeysConcurrent,
		"alerts":                                      testAlerts,
		"alert pages":                                 testAlertPages,
		"deliveries":                                  testDeliveries,
		"versions":                                    testVersions,
		"claim":                                       testClaim,
		"claim many deliveries":                       testClaimMany,
		"claim concurrently":                          testClaimConcurrent,
		"claim repeatedly":                            testClaimRepeated,
		"claim repeatedly and concurrently":           testClaimRepeatedConcurrent,
		"claim invalid input":                         testClaimInput,
		"claim deferred deliveries":                   testClaimDeferred,
		"claim expired deliveries":                    testClaimExpired,
		"report":                                      testReport,
		"report repeatedly":                           testReportRepeated,
		"report late":                                 testReportLate,
		"report any evidence":                         testReportEvidence,
		"report invalid input":                        testReportInput,
		"report concurrently":                         testReportConcurrent,
		"retry":                                       testRetry,
		"thread with alerts of one call":              testThreadBatches,
		"retry until expiry":                          testRetryExpired,
		"moved destination":                           testMovedDestination,
		"idempotent provider":                         testIdempotentProvider,
		"verdicts of all kinds concurrently":          testVerdicts,
		"invalid verdict":                             testInvalidVerdict,
		"sent outcome with any verdict":               testSentAlways,
		"sent outcomes among others":                  testSentAmongOthers,
		"verdict facts":                               testVerdictFacts,
		"unknown outcome":                             testUnknownOutcome,
		"defer":                                       testDefer,
		"defer late":                                  testDeferLate,
		"release":                                     testRelease,
		"record time":                                 testRecordTime,
		"correct times":                               testCorrectTimes,
		"idempotency key of a clock that was ahead":   testIdempotencyKeyClockAhead,
		"seal counts":                                 testSealCounts,
		"due":                                         testDue,
		"due in order":                                testDueOrder,
		"due concurrently":                            testDueConcurrent,
		"due without claimed deliveries":              testDueClaimed,
		"due without expired deliveries":              testDueExpired,
		"due ahead":                                   testDueAhead,
		"next times":                                  testNextTimes,
		"re-enqueue":                                  testReenqueue,
		"re-enqueue without deferred deliveries":      testReenqueueDeferred,
		"sweep an expired lease":                      testSweepLease,
		"sweep by the rule":                           testSweepRule,
		"sweep expired deliveries":                    testSweepExpired,
		"sweep within a limit":                        testSweepLimit,
		"sweep concurrently":                          testSweepConcurrent,
		"backlogs":                                    testBacklogs,
		"cancel":                                      testCancel,
		"cancel a selection":                          testCancelSelected,
		"replay a selection of alerts":                testReplayOfAlerts,
		"cancel claimed deliveries":                   testCancelClaimed,
		"cancel concurrently with claims":             testCancelConcurrent,
		"replay":                                      testReplay,
		"replay a selection":                          testReplaySelection,
		"replay a possible duplicate":                 testReplayPossibleDuplicate,
		"replay canceled deliveries":                  testReplayCanceled,
		"replay many deliveries":                      testReplayMany,
		"replay concurrently":                         testReplayConcurrent,
		"replay invalid input":                        testReplayInput,
		"silenced deliveries":                         testSilenced,
		"thread with silenced deliveries":             testThreadSilenced,
		"receipt":                                     testReceipt,
		"failed receipt":                              testReceiptFailed,
		"receipt before the report":                   testReceiptEarly,
		"receipt in a chain":                          testReceiptChain,
		"receipt in a chain that is not resumed":      testReceiptChainNotResumed,
		"receipt invalid input":                       testReceiptInput,
		"receipts concurrently":                       testReceiptsConcurrent,
		"reads":                                       testReads,
		"read before the report":                      testReadEarly,
		"many reads":                                  testReadsMany,
		"reads concurrently":                          testReadsConcurrent,
		"delete completed alerts":                     testDeleteCompleted,
		"delete in several calls":                     testDeleteTombstone,
		"delete many attempts":                        testDeleteAttempts,
		"delete concurrently":                         testDeleteConcurrent,
		"chain":                                       testChain,
		"chain invalid input":                         testChainInput,
		"chain with a failed delivery":                testChainFailed,
		"chain after the failover delay":              testChainFailoverDelay,
		"chain with a deferred delivery":              testChainDeferred,
		"chain with a claimed delivery":               testChainClaimed,
		"chain after an expired lease":                testChainLeaseExpired,
		"chain of a canceled alert":                   testChainCanceled,
		"chain of an expired alert":                   testChainExpired,
		"chain with a replayed delivery":              testChainReplayed,
		"chains concurrently":                         testChainsConcurrent,
		"hold":                                        testHold,
		"hold in a thread":                            testHoldThread,
		"hold in a chain":                             testHoldChain,
		"digest":                                      testDigest,
		"digests concurrently":                        testDigestConcurrent,
		"digest of ended deliveries":                  testDigestEnds,
		"digests of many deliveries":                  testDigestMany,
		"hold invalid input":                          testHoldInput,
		"hold that is replaced":                       testHoldReplaced,
		"hold in the backlog":                         testHoldBacklog,
		"hold that was attempted":                     testHoldAttempted,
		"delivery expiry":                             testDeliveryExpiry,
		"thread in order":                             testThreadOrder,
		"thread with a resolved alert":                testThreadResolved,
		"thread with superseded deliveries":           testThreadSuperseded,
		"thread with a claimed delivery":              testThreadClaimed,
		"thread with expired and canceled deliveries": testThreadCompleted,
		"thread with replayed deliveries":             testThreadReplay,
		"thread with chains":                          testThreadChains,
		"thread with a receipt":                       testThreadReceipt,
		"delete threads and alert keys":               testThreadDeletion,
		"alert key invalid input":                     testThreadInput,
		"threads concurrently":                        testThreadsConcurrent,
		"incidents":                                   testIncidents,
		"incidents of one call":                       testIncidentsTogether,
		"incident changes":                            testIncidentChanges,
		"incident changes of deleted alerts":          testIncidentChangesDeleted,
		"incident with repeats":                       testIncidentRepeats,
		"incident with outdated repeats":              testIncidentRepeatOutdated,
		"incident with repeats and chains":            testIncidentRepeatChains,
		"incident that is acknowledged":               testIncidentAcknowledged,
		"incident with references":                    testIncidentReferences,
		"incident changes concurrently":               testIncidentChangesConcurrent,
		"callback endpoints":                          testCallbackEndpoints,
		"callback that is unknown":                    testCallbackUnknown,
		"callback of ended deliveries":                testCallbackEnds,
		"callback of a deferred delivery":             testCallbackDeferred,
		"callback of a chain":                         testCallbackChain,
		"callback of a thread":                        testCallbackThread,
		"callback of a read delivery":                 testCallbackRead,
		"callback turns":                              testCallbackTurns,
		"callback retries":                            testCallbackRetries,
		"callback probes":                             testCallbackProbes,
		"callback TTL":                                testCallbackTTL,
		"callbacks concurrently":                      testCallbackConcurrent,
		"callback endpoint deleted concurrently":      testCallbackDeletion,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// start is the time at which the tests begin. It has microseconds, which both databases store.
var start = time.Date(2026, 11, 20, 10, 0, 0, 123_456_000, time.UTC)

// at returns the time n seconds after start.
func at(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

// never is a redispatch time, and expiry an expire time, that no test reaches.
var never, expiry = at(1_000_000), at(2_000_000)

// queuedDeliveries returns n queued deliveries by slack.
func queuedDeliveries(n int) []alert.Delivery {
	ds := make([]alert.Delivery, n)
	for i := range ds {
		name := fmt.Sprintf("user%d", i+1)
		ds[i] = alert.Delivery{
			Nickname:              name,
			Messenger:             "slack",
			SealedCredential:      []byte{0, 0xff, byte(i)},
			CredentialFingerprint: fmt.Sprintf("%032x", i),
			Destination:           name + "_CHANNEL",
			State:                 alert.Queued,
		}
	}
	return ds
}

// addAlert records an alert with deliveries that are redispatched at retry.
func addAlert(t testing.TB, l alert.Ledger, severity string, ds []alert.Delivery, retry time.Time) alert.Alert {
	t.Helper()
	return addUntil(t, l, severity, ds, retry, expiry)
}

// addUntil records an alert that expires at a time.
func addUntil(t testing.TB, l alert.Ledger, severity string, ds []alert.Delivery, retry, expire time.Time) alert.Alert {
	t.Helper()
	a := alert.Alert{Targets: []string{"@all"}, Severity: severity, Message: "node1 down", CreateTime: start, ExpireTime: expire, Trace: "4bf92f3577b34da6a3ce929d0e0e4736"}
	added, err := l.AddAlert(t.Context(), a, ds, retry)
	return recorded(t, added, err, ds)
}

// recorded sets ds to the recorded deliveries, and returns the recorded alert. It fails the test
// if the alert is a duplicate.
func recorded(t testing.TB, added alert.Added, err error, ds []alert.Delivery) alert.Alert {
	t.Helper()
	kittest.NoError(t, err)
	kittest.Equal(t, added.Duplicate, false)
	kittest.Equal(t, len(added.Deliveries), len(ds))
	copy(ds, added.Deliveries)
	return added.Alert
}

// ids returns the ids of deliveries.
func ids(ds []alert.Delivery) []int64 {
	all := make([]int64, len(ds))
	for i, d := range ds {
		all[i] = d.ID
	}
	return all
}

// Claimant returns a claimant with a new request.
func Claimant() alert.Claimant {
	by := alert.Claimant{Sender: "sender-1"}
	rand.Read(by.Request[:])
	return by
}

// claim claims deliveries from at(from) until at(until), and checks that exactly the
// claimable ones are granted.
func claim(t testing.TB, l alert.Ledger, ids []int64, from, until int) []dispatch.Claim {
	t.Helper()
	free, err := l.Claimable(t.Context(), ids, at(from))
	kittest.NoError(t, err)
	claims, err := l.Claim(t.Context(), ids, Claimant(), at(from), at(until))
	kittest.NoError(t, err)
	for _, c := range claims {
		if _, ok := free[c.DeliveryID]; !ok {
			t.Errorf("delivery %d was claimed, and was not claimable", c.DeliveryID)
		}
	}
	kittest.Equal(t, len(claims), len(free))
	return claims
}

// successReport returns a successful report of a claim, from at(n) for a second.
func successReport(c dispatch.Claim, n int) dispatch.Report {
	return reported(c, n, messenger.Outcome{Kind: messenger.Sent, Status: 200, MessageID: "1503435956.000247", Excerpt: `{"ok":true}`})
}

// failureReport returns a report of a permanent failure, from at(n) for a second.
func failureReport(c dispatch.Claim, n int) dispatch.Report {
	return reported(c, n, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Status: 200, Code: "channel_not_found"})
}

// retryReport returns a report with a retry after ten seconds, from at(n) for a second.
func retryReport(c dispatch.Claim, n int) dispatch.Report {
	return reported(c, n, messenger.Outcome{Kind: messenger.Retry, Status: 503, RetryAfter: 10 * time.Second})
}

// pausedReport returns a report with a pause of a minute by the provider, from at(n) for a second.
func pausedReport(c dispatch.Claim, n int) dispatch.Report {
	return reported(c, n, messenger.Outcome{Kind: messenger.Paused, Status: 429, RetryAfter: time.Minute})
}

// unknownReport returns a report with an unknown outcome, from at(n) for a second.
func unknownReport(c dispatch.Claim, n int) dispatch.Report {
	return reported(c, n, messenger.Outcome{Kind: messenger.Unknown, Code: "closed", RetryAfter: 10 * time.Second})
}

// reported returns a report of an outcome, from at(n) for a second.
func reported(c dispatch.Claim, n int, o messenger.Outcome) dispatch.Report {
	return dispatch.Report{DeliveryID: c.DeliveryID, Fence: c.Fence, StartTime: at(n), EndTime: at(n + 1), Outcome: o}
}

// rule is the rule of the tests: an outcome that is neither sent nor failed is retried after its
// RetryAfter, or five seconds without one; a pause does not count as a try.
func rule(f alert.VerdictFacts, r dispatch.Report) alert.Verdict {
	wait := r.Outcome.RetryAfter
	if wait == 0 {
		wait = 5 * time.Second
	}
	switch {
	case r.Outcome.Kind == messenger.Sent:
		return alert.Verdict{State: alert.Sent, CountsAsTry: true}
	case r.Outcome.Kind == messenger.Failed:
		return alert.Verdict{State: alert.Failed, Reason: r.Outcome.Code, CountsAsTry: true}
	case f.Canceled:
		return alert.Verdict{State: alert.Canceled, Reason: "canceled", CountsAsTry: true}
	case r.Outcome.PreviousGone:
		return alert.Verdict{State: alert.Queued, NextTime: f.Now}
	default:
		return alert.Verdict{State: alert.Queued, NextTime: f.Now.Add(wait), CountsAsTry: r.Outcome.Kind != messenger.Paused}
	}
}

// report reports at the end of the first report, and returns the fenced deliveries.
func report(t testing.TB, l alert.Ledger, reports ...dispatch.Report) []int64 {
	t.Helper()
	now := start
	if len(reports) > 0 {
		now = reports[0].EndTime
	}
	fenced, err := l.Report(t.Context(), reports, now, rule)
	kittest.NoError(t, err)
	return fenced
}

// sweep sweeps everything at at(now), and returns the number of swept deliveries.
func sweep(t testing.TB, l alert.Ledger, now int) int {
	t.Helper()
	n, err := l.Sweep(t.Context(), at(now), 1000, rule)
	kittest.NoError(t, err)
	return n
}

// deliveries returns the deliveries of an alert.
func deliveries(t testing.TB, l alert.Ledger, id int64) []alert.Delivery {
	t.Helper()
	_, ds, err := l.Alert(t.Context(), id)
	kittest.NoError(t, err)
	return ds
}

// attempt returns the attempt for a report.
func attempt(number int, r dispatch.Report, possible bool) alert.Attempt {
	r.Outcome.RetryAfter = 0
	return alert.Attempt{
		Number: number, Fence: r.Fence, StartTime: r.StartTime, EndTime: r.EndTime, Outcome: r.Outcome, PossibleDuplicate: possible,
	}
}

// counts returns the number of deliveries in each state, starting with Queued.
func counts(of ...int) alert.Counts {
	var c alert.Counts
	copy(c[alert.Queued:], of)
	return c
}
