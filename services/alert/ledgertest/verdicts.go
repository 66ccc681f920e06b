package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// testRetry checks that a delivery to be retried is Queued with its attempts, and that each claim of
// it is another attempt.
func testRetry(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1)
	a := addAlert(t, l, "normal", ds, never)
	first := retryReport(claim(t, l, ids(ds), 0, 10)[0], 1) // until 12
	kittest.Equal(t, len(report(t, l, first)), 0)
	kittest.Equal(t, len(report(t, l, first)), 0) // recorded already
	kittest.Equal(t, report(t, l, successReport(dispatch.Claim{DeliveryID: ds[0].ID, Fence: 1}, 1)), []int64{ds[0].ID})
	kittest.Equal(t, report(t, l, successReport(dispatch.Claim{DeliveryID: ds[0].ID, Fence: 2}, 1)), []int64{ds[0].ID})

	ds[0].NextTime = at(12)
	ds[0].Attempts = []alert.Attempt{attempt(1, first, false)}
	kittest.Equal(t, deliveries(t, l, a.ID), ds)

	again := claim(t, l, ids(ds), 12, 20)
	kittest.Equal(t, again, []dispatch.Claim{{DeliveryID: ds[0].ID, Fence: 2, Attempt: 2, LeaseExpireTime: at(20)}})
	ds[0].State, ds[0].NextTime = alert.Claimed, time.Time{}
	kittest.Equal(t, deliveries(t, l, a.ID), ds)
	last := successReport(again[0], 13)
	kittest.Equal(t, report(t, l, first), []int64(nil)) // still recorded
	kittest.Equal(t, report(t, l, last), []int64(nil))
	ds[0].State, ds[0].EndTime = alert.Sent, at(14)
	ds[0].Attempts = append(ds[0].Attempts, attempt(2, last, false))
	kittest.Equal(t, deliveries(t, l, a.ID), ds)
}

// testRetryExpired checks that no delivery is retried at its ExpireTime or later: it waits until
// then and expires.
func testRetryExpired(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(4)
	a := addUntil(t, l, "normal", ds, never, at(12))
	claims := claim(t, l, ids(ds), 0, 10)
	report(t, l, retryReport(claims[0], 0))  // until 11
	report(t, l, retryReport(claims[1], 1))  // until 12, its ExpireTime
	report(t, l, pausedReport(claims[2], 1)) // until 62
	report(t, l, retryReport(claims[3], 20))
	var next []time.Time
	for _, d := range deliveries(t, l, a.ID) {
		kittest.Equal(t, d.State, alert.Queued)
		next = append(next, d.NextTime)
	}
	kittest.Equal(t, next, []time.Time{at(11), at(12), at(12), at(12)})
	kittest.Equal(t, total(due(t, l, 11, 10)), 1)
	kittest.Equal(t, len(claim(t, l, ids(ds), 12, 20)), 0)
	kittest.Equal(t, sweep(t, l, 12), 4)
	for _, d := range deliveries(t, l, a.ID) {
		kittest.Equal(t, []any{d.State, d.Reason, d.NextTime, d.EndTime, len(d.Attempts)}, []any{alert.Expired, "expired", time.Time{}, at(12), 1})
	}
}

// testVerdicts checks that reports of all kinds can be combined in one call and in concurrent calls,
// each with the rule and time of its call.
func testVerdicts(t *testing.T, l alert.Ledger) {
	const many = 200
	ds := queuedDeliveries(5 * many)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	for _, err := range kittest.Concurrently(many, func(i int) error {
		c := claims[5*i:]
		fenced, err := l.Report(t.Context(), []dispatch.Report{successReport(c[0], i), failureReport(c[1], i), retryReport(c[2], i), pausedReport(c[3], i), unknownReport(c[4], i)},
			at(i), func(f alert.VerdictFacts, r dispatch.Report) alert.Verdict {
				v := rule(f, r)
				if i%2 == 1 && v.State == alert.Queued {
					return alert.Verdict{State: alert.Failed, Reason: "given_up"}
				}
				return v
			})
		if len(fenced) > 0 {
			return errors.New("fenced")
		}
		return err
	}) {
		kittest.NoError(t, err)
	}
	for n, d := range deliveries(t, l, a.ID) {
		i, kind := n/5, n%5
		want := alert.Delivery{State: alert.Queued}
		switch {
		case kind == 0:
			want.State = alert.Sent
		case kind == 1:
			want.State, want.Reason = alert.Failed, "channel_not_found"
		case i%2 == 1:
			want.State, want.Reason = alert.Failed, "given_up"
		case kind == 3:
			want.NextTime = at(i + 60)
		default:
			want.NextTime = at(i + 10)
		}
		if want.State != alert.Queued {
			want.EndTime = at(i + 1)
		}
		kittest.Equal(t, []any{d.State, d.Reason, d.NextTime, d.EndTime}, []any{want.State, want.Reason, want.NextTime, want.EndTime})
		kittest.Equal(t, len(d.Attempts), 1)
		kittest.Equal(t, d.Attempts[0].StartTime, at(i))
	}
}

// testInvalidVerdict checks that a call with an invalid verdict records nothing, and that its other
// deliveries can be reported afterwards.
func testInvalidVerdict(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	before := deliveries(t, l, a.ID)
	for name, lie := range map[string]struct {
		report  dispatch.Report
		verdict alert.Verdict
	}{
		"sent, but it failed":  {failureReport(claims[0], 1), alert.Verdict{State: alert.Sent}},
		"sent, but unknown":    {unknownReport(claims[0], 1), alert.Verdict{State: alert.Sent}},
		"no state":             {failureReport(claims[0], 1), alert.Verdict{Reason: "x"}},
		"claimed":              {failureReport(claims[0], 1), alert.Verdict{State: alert.Claimed, Reason: "x"}},
		"no state there is":    {failureReport(claims[0], 1), alert.Verdict{State: alert.Canceled + 1, Reason: "x"}},
		"ended without reason": {failureReport(claims[0], 1), alert.Verdict{State: alert.Failed}},
		"waits without a time": {retryReport(claims[0], 1), alert.Verdict{State: alert.Queued}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.Report(t.Context(), []dispatch.Report{successReport(claims[1], 1), lie.report}, at(2),
				func(f alert.VerdictFacts, r dispatch.Report) alert.Verdict {
					if r.DeliveryID == claims[1].DeliveryID {
						return rule(f, r)
					}
					return lie.verdict
				})
			if err == nil || errors.Is(err, fault.ErrUnavailable) {
				t.Errorf("error is %v, want one about the verdict", err)
			}
			kittest.Equal(t, deliveries(t, l, a.ID), before)
		})
	}
	kittest.Equal(t, len(report(t, l, successReport(claims[1], 1))), 0)
}

// testSentAlways checks that a sent delivery is Sent, whatever the rule returns and whatever the
// state of its alert or chain, and that its attempt keeps the whole outcome.
func testSentAlways(t *testing.T, l alert.Ledger) {
	ds := append(queuedDeliveries(4), chain(1, 2)...)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	cancel(t, l, a.ID, 1)
	reports := []dispatch.Report{
		successReport(claims[0], 1),
		reported(claims[1], 2, messenger.Outcome{Kind: messenger.Sent, Status: 202, Code: "ok", Truncated: true}),
		reported(claims[2], 3, messenger.Outcome{Kind: messenger.Sent, Scope: messenger.MessageScope}),
		reported(claims[3], 4, messenger.Outcome{Kind: messenger.Sent, Destination: "elsewhere"}),
		successReport(claims[4], 5),
	}
	fenced, err := l.Report(t.Context(), reports, at(6), func(alert.VerdictFacts, dispatch.Report) alert.Verdict {
		return alert.Verdict{State: alert.Failed, Reason: "x"}
	})
	kittest.NoError(t, err)
	kittest.Equal(t, len(fenced), 0)
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"sent 2", "sent 3", "sent 4", "sent 5", "sent 6", "canceled 1 canceled"})
	for i, d := range deliveries(t, l, a.ID)[:5] {
		kittest.Equal(t, d.Attempts, []alert.Attempt{attempt(1, reports[i], false)})
		kittest.Equal(t, d.Destination, ds[i].Destination)
	}
}

// testSentAmongOthers checks that plain sent reports are recorded together with all others:
// failed, late and repeated ones, those of chains, and those with an earlier receipt.
func testSentAmongOthers(t *testing.T, l alert.Ledger) {
	const many = 300
	ds := queuedDeliveries(many)
	for i := range 10 {
		ds = append(ds, chain(int64(i+1), 2)...)
	}
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 100)
	kittest.Equal(t, len(claims), many+10)
	var reports []dispatch.Report
	var late []int64
	var want []string
	for i, c := range claims[:many] {
		message := fmt.Sprint("SM", i)
		switch i % 50 {
		case 7:
			reports = append(reports, failureReport(c, 1))
			want = append(want, "failed 2 channel_not_found")
		case 8:
			c.Fence++
			reports, late = append(reports, successReport(c, 1)), append(late, c.DeliveryID)
			want = append(want, "claimed -1")
		case 9: // the second is a duplicate, the third differs
			reports, late = append(reports, successReport(c, 1), successReport(c, 1), successReport(c, 2)), append(late, c.DeliveryID)
			want = append(want, "sent 2")
		case 10:
			receive(t, l, c.DeliveryID, receiptOf(message, "undelivered", 1))
			reports = append(reports, sentReport(c, 1, message))
			want = append(want, "failed 2 undelivered")
		case 11:
			receive(t, l, c.DeliveryID, receiptOf("another", "undelivered", 1))
			reports = append(reports, sentReport(c, 1, message))
			want = append(want, "sent 2")
		default:
			reports = append(reports, sentReport(c, i%20, message))
			want = append(want, fmt.Sprint("sent ", i%20+1))
		}
	}
	for _, c := range claims[many:] {
		reports = append(reports, successReport(c, 3))
		want = append(want, "sent 4", "canceled 20 not_needed")
	}
	reports = append(reports, successReport(dispatch.Claim{DeliveryID: 12345, Fence: 1}, 1))
	got, err := l.Report(t.Context(), reports, at(20), rule)
	kittest.NoError(t, err)
	kittest.Equal(t, slices.Sorted(slices.Values(got)), append([]int64{12345}, late...))
	kittest.Equal(t, stateLines(t, l, a.ID), want)
	for i, d := range deliveries(t, l, a.ID)[:many] {
		kittest.Equal(t, len(d.Attempts) == 0, i%50 == 8)
	}
}

// testVerdictFacts checks the facts that a rule gets, for a report and for an expired lease.
func testVerdictFacts(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1)
	ds[0].Messenger = "sms"
	a := addUntil(t, l, "critical", ds, never, at(1000))
	var facts []alert.VerdictFacts
	var reports []dispatch.Report
	spy := func(f alert.VerdictFacts, r dispatch.Report) alert.Verdict {
		facts, reports = append(facts, f), append(reports, r)
		return rule(f, r)
	}
	want := alert.VerdictFacts{Messenger: "sms", Rank: job.Critical, ExpireTime: at(1000)}
	step := func(now, tries int, r dispatch.Report) {
		t.Helper()
		_, err := l.Report(t.Context(), []dispatch.Report{r}, at(now), spy)
		kittest.NoError(t, err)
		want.Now, want.Tries = at(now), tries
		kittest.Equal(t, facts[len(facts)-1], want)
		kittest.Equal(t, reports[len(reports)-1], r)
	}
	c := func(now int) dispatch.Claim { t.Helper(); return claim(t, l, ids(ds), now, now+10)[0] }
	step(2, 0, pausedReport(c(0), 1))
	step(102, 0, retryReport(c(100), 101)) // a pause does not count as a try
	step(202, 1, retryReport(c(200), 201))
	step(302, 2, unknownReport(c(300), 301))

	lost := c(400)
	kittest.NoError(t, kittest.ErrorOf(l.Sweep(t.Context(), at(412), 10, spy)))
	want.Now, want.Tries = at(412), 3
	kittest.Equal(t, facts[4:], []alert.VerdictFacts{want})
	kittest.Equal(t, reports[4], dispatch.Report{
		DeliveryID: ds[0].ID, Fence: lost.Fence, StartTime: at(400), EndTime: at(410),
		Outcome: messenger.Outcome{Kind: messenger.Unknown, Code: "lease_expired"},
	})

	last := c(500)
	kittest.NoError(t, kittest.ErrorOf(l.Cancel(t.Context(), a.ID, at(501))))
	want.Canceled = true
	step(502, 4, retryReport(last, 501))
	kittest.Equal(t, deliveries(t, l, a.ID)[0].State, alert.Canceled)

	calls := len(facts)
	kittest.NoError(t, kittest.ErrorOf(l.Report(t.Context(), []dispatch.Report{retryReport(last, 501), successReport(last, 501)}, at(503), spy)))
	kittest.Equal(t, len(facts), calls) // fenced reports need no verdict
}

// testUnknownOutcome checks that all attempts after an unknown outcome are possible duplicates,
// and no earlier ones.
func testUnknownOutcome(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1)
	a := addAlert(t, l, "normal", ds, never)
	var want []bool
	now := 0
	for _, outcome := range []func(dispatch.Claim, int) dispatch.Report{retryReport, pausedReport, unknownReport, retryReport, unknownReport, pausedReport, successReport} {
		c := claim(t, l, ids(ds), now, now+10)[0]
		kittest.Equal(t, c.PossibleDuplicate, slices.Contains(want, true) || len(want) == 3)
		want = append(want, c.PossibleDuplicate)
		report(t, l, outcome(c, now))
		now += 100
	}
	kittest.Equal(t, want, []bool{false, false, false, true, true, true, true})
	for i, got := range deliveries(t, l, a.ID)[0].Attempts {
		kittest.Equal(t, got.PossibleDuplicate, want[i])
	}
}

// testMovedDestination checks that a delivery continues at the destination that its provider
// reported, and that the attempt records it.
func testMovedDestination(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	moved := reported(claims[0], 1, messenger.Outcome{Kind: messenger.Retry, Status: 400, Code: "moved", Destination: "-100노드", Truncated: true})
	moved.SealedCredential = []byte("sealed for -100노드")
	kittest.Equal(t, len(report(t, l, moved, successReport(claims[1], 1))), 0)
	kittest.Equal(t, len(report(t, l, moved)), 0) // recorded already
	got := deliveries(t, l, a.ID)
	kittest.Equal(t, got[0].Destination, "-100노드")
	kittest.Equal(t, got[0].Attempts, []alert.Attempt{attempt(1, moved, false)})
	kittest.Equal(t, got[1].Destination, ds[1].Destination)
	jobs := due(t, l, 20, 100)
	kittest.Equal(t, total(jobs), 1)
	kittest.Equal(t, jobs[0].Deliveries[0].Destination, "-100노드")
	kittest.Equal(t, string(jobs[0].Deliveries[0].SealedCredential), "sealed for -100노드")
	kittest.Equal(t, jobs[0].Deliveries[0].Nickname, ds[0].Nickname)

	older := reported(claim(t, l, ids(ds)[:1], 20, 30)[0], 21, moved.Outcome) // by an older sender that seals for no destination
	older.Outcome.Destination = "-200"
	kittest.Equal(t, len(report(t, l, older)), 0)
	jobs = due(t, l, 40, 100)
	kittest.Equal(t, jobs[0].Deliveries[0].Destination, "-200")
	kittest.Equal(t, string(jobs[0].Deliveries[0].SealedCredential), "sealed for -100노드")
}

// testIdempotentProvider checks that an attempt after an unknown outcome is no possible duplicate
// if the verdict states that the provider is idempotent.
func testIdempotentProvider(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1)
	a := addAlert(t, l, "normal", ds, never)
	idempotent := func(f alert.VerdictFacts, r dispatch.Report) alert.Verdict {
		v := rule(f, r)
		v.ProviderDeduplicates = true
		return v
	}
	first := unknownReport(claim(t, l, ids(ds), 0, 10)[0], 1)
	late, err := l.Report(t.Context(), []dispatch.Report{first}, first.EndTime, idempotent)
	kittest.NoError(t, err)
	kittest.Equal(t, len(late), 0)
	again := claim(t, l, ids(ds), 12, 20)
	kittest.Equal(t, again[0].PossibleDuplicate, false)
	kittest.Equal(t, len(report(t, l, successReport(again[0], 13))), 0)
	got := deliveries(t, l, a.ID)[0].Attempts
	kittest.Equal(t, []bool{got[0].PossibleDuplicate, got[1].PossibleDuplicate}, []bool{false, false})
}
