package ledgertest

import (
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

func testReport(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(3)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	good, bad := successReport(claims[0], 1), failureReport(claims[2], 2)
	good.Outcome.RetryAfter = time.Second // is not stored
	kittest.Equal(t, len(report(t, l, bad, good)), 0)
	kittest.Equal(t, len(report(t, l)), 0)
	good.Outcome.RetryAfter = 0

	got, kept, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 1, 1, 1))
	ds[0].State, ds[0].EndTime = alert.Sent, at(2)
	ds[0].Attempts = []alert.Attempt{{Number: 1, Fence: 1, StartTime: at(1), EndTime: at(2), Outcome: good.Outcome}}
	ds[1].State = alert.Claimed
	ds[2].State, ds[2].EndTime, ds[2].Reason = alert.Failed, at(3), "channel_not_found"
	ds[2].Attempts = []alert.Attempt{{Number: 1, Fence: 1, StartTime: at(2), EndTime: at(3), Outcome: bad.Outcome}}
	kittest.Equal(t, kept, ds)
}

func testReportRepeated(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1)
	a := addAlert(t, l, "normal", ds, never)
	c := claim(t, l, ids(ds), 0, 10)[0]
	kittest.Equal(t, len(report(t, l, successReport(c, 1), successReport(c, 1))), 0)
	kittest.Equal(t, len(report(t, l, successReport(c, 1))), 0)
	before := deliveries(t, l, a.ID)
	kittest.Equal(t, len(before[0].Attempts), 1)
	for name, other := range map[string]dispatch.Report{
		"another outcome": failureReport(c, 1),
		"another time":    successReport(c, 2),
	} {
		t.Run(name, func(t *testing.T) {
			kittest.Equal(t, report(t, l, other), []int64{c.DeliveryID})
			kittest.Equal(t, deliveries(t, l, a.ID), before)
		})
	}
}

func testReportLate(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(3)
	a := addAlert(t, l, "normal", ds, never)
	first := append(claim(t, l, ids(ds[:1]), 0, 9), claim(t, l, ids(ds[1:]), 0, 10)...)
	kittest.NoError(t, kittest.ErrorOf(l.Sweep(t.Context(), at(10), 1, rule))) // sweeps the one whose lease expired first
	now := claim(t, l, ids(ds[:1]), 15, 20)[0]
	before := deliveries(t, l, a.ID)

	neverHeld := dispatch.Claim{DeliveryID: ds[2].ID, Fence: 7}
	unknown := dispatch.Claim{DeliveryID: 12345, Fence: 1}
	kittest.Equal(t, report(t, l, successReport(first[0], 1)), []int64{ds[0].ID})
	kittest.Equal(t, report(t, l, successReport(neverHeld, 1)), []int64{ds[2].ID})
	kittest.Equal(t, report(t, l, successReport(unknown, 1)), []int64{12345})
	kittest.Equal(t, deliveries(t, l, a.ID), before)

	// A report after the lease expired is accepted before the next sweep.
	kittest.Equal(t, len(report(t, l, successReport(now, 16), successReport(first[1], 30))), 0)
	kittest.Equal(t, len(deliveries(t, l, a.ID)[0].Attempts), 2)
	kittest.Equal(t, report(t, l, failureReport(first[0], 1)), []int64{ds[0].ID})
}

// testReportEvidence checks that every outcome is recorded, whatever text the provider returned.
func testReportEvidence(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1)
	a := addAlert(t, l, "normal", ds, never)
	r := failureReport(claim(t, l, ids(ds), 0, 10)[0], 1)
	r.Outcome.Code, r.Outcome.MessageID = "a\x00\xff", strings.Repeat("x", 5000)
	r.Outcome.Excerpt = "'; DROP TABLE attempts; -- ? $1 \xc3\x00"
	for range 2 {
		fenced, err := l.Report(t.Context(), []dispatch.Report{r}, at(2), func(f alert.VerdictFacts, r dispatch.Report) alert.Verdict {
			v := rule(f, r)
			v.Reason += "\x00"
			return v
		})
		kittest.NoError(t, err)
		kittest.Equal(t, len(fenced), 0)
	}

	kept := deliveries(t, l, a.ID)[0]
	kittest.Equal(t, kept.Reason, "a\uFFFD\uFFFD\uFFFD")
	kittest.Equal(t, kept.Attempts[0].Outcome, messenger.Outcome{
		Kind: messenger.Failed, Scope: messenger.DestinationScope, Status: 200,
		Code: "a\uFFFD\uFFFD", MessageID: strings.Repeat("x", 5000), Excerpt: "'; DROP TABLE attempts; -- ? $1 \uFFFD\uFFFD",
	})
}

func testReportInput(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	before := deliveries(t, l, a.ID)
	for name, spoil := range map[string]func(*dispatch.Report){
		"no kind":       func(r *dispatch.Report) { r.Outcome.Kind = 0 },
		"another kind":  func(r *dispatch.Report) { r.Outcome.Kind = messenger.Unknown + 1 },
		"no start time": func(r *dispatch.Report) { r.StartTime = time.Time{} },
		"no end time":   func(r *dispatch.Report) { r.EndTime = time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			bad := successReport(claims[1], 1)
			spoil(&bad)
			kittest.Error(t, kittest.ErrorOf(l.Report(t.Context(), []dispatch.Report{successReport(claims[0], 1), bad}, at(2), rule)), fault.ErrInvalid, "delivery")
		})
	}
	kittest.Equal(t, deliveries(t, l, a.ID), before)
}

// testReportConcurrent checks that of concurrent different reports of one claim, one is recorded
// and the others are fenced.
func testReportConcurrent(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(50)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	const many = 10
	var fenced [many][]int64
	for _, err := range kittest.Concurrently(many, func(i int) (err error) {
		var reports []dispatch.Report
		for n := range claims {
			c := claims[(n+i)%len(claims)]
			if i%2 == 0 {
				reports = append(reports, successReport(c, i))
			} else {
				reports = append(reports, failureReport(c, i))
			}
		}
		fenced[i], err = l.Report(t.Context(), reports, at(i), rule)
		return err
	}) {
		kittest.NoError(t, err)
	}
	late := 0
	for _, f := range fenced {
		late += len(f)
	}
	kittest.Equal(t, late, (many-1)*len(ds))
	for _, d := range deliveries(t, l, a.ID) {
		kittest.Equal(t, len(d.Attempts), 1)
		kittest.Equal(t, d.EndTime, d.Attempts[0].EndTime)
		kittest.Equal(t, d.State == alert.Sent, d.Attempts[0].Outcome.Kind == messenger.Sent)
	}
}
