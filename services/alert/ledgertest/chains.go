package ledgertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// chain returns a failover chain of n deliveries to one user by n messengers: the first is queued,
// the others are held, each for a minute more.
func chain(number int64, n int) []alert.Delivery {
	ds := queuedDeliveries(n)
	for i := range ds {
		ds[i].Nickname, ds[i].Messenger, ds[i].Chain = "kim", fmt.Sprint("m", i), number
		if i > 0 {
			ds[i].State, ds[i].NextTime = alert.Held, at(60*i)
		}
	}
	return ds
}

// stateLines returns for each delivery of an alert its state, the time of its next attempt or its
// end in seconds from start, -1 for none, and its reason.
func stateLines(t testing.TB, l alert.Ledger, id int64) (all []string) {
	t.Helper()
	seconds := func(when time.Time) int {
		if when.IsZero() {
			return -1
		}
		return int(when.Sub(start) / time.Second)
	}
	words := map[alert.State]string{
		alert.Queued: "queued", alert.Held: "held", alert.Claimed: "claimed", alert.Sent: "sent",
		alert.Failed: "failed", alert.Expired: "expired", alert.Canceled: "canceled",
	}
	for _, d := range deliveries(t, l, id) {
		when := d.NextTime
		if d.State.IsFinal() {
			when = d.EndTime
		}
		text := fmt.Sprint(words[d.State], " ", seconds(when))
		if d.Reason != "" {
			text += " " + d.Reason
		}
		all = append(all, text)
	}
	return all
}

// testChain checks that chains are stored as they are, beside deliveries without a chain, and that
// no held delivery is claimed.
func testChain(t *testing.T, l alert.Ledger) {
	ds := append(append(append(chain(7, 3), queuedDeliveries(1)...), chain(5, 2)...), chain(-1, 1)...)
	a := addAlert(t, l, "normal", ds, at(10))
	for i, first := range []int{0, 0, 0, -1, 4, 4, 6} {
		want := int64(0)
		if first >= 0 {
			want = ds[first].ID
		}
		kittest.Equal(t, ds[i].Chain, want)
	}
	kittest.Equal(t, deliveries(t, l, a.ID), ds)
	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(4, 0, 0, 0, 0, 0, 3))

	free := addAlert(t, l, "normal", queuedDeliveries(1), at(10))
	for state, want := range map[alert.State][]int64{alert.Held: {a.ID}, alert.Queued: {free.ID, a.ID}} {
		found, err := l.Alerts(t.Context(), alert.AlertQuery{State: state, Limit: 10})
		kittest.NoError(t, err)
		var ids []int64
		for _, each := range found {
			ids = append(ids, each.ID)
		}
		kittest.Equal(t, ids, want)
		kittest.Equal(t, found[len(found)-1].Counts, got.Counts)
	}
	claims := claim(t, l, ids(ds), 1, 1000)
	kittest.Equal(t, len(claims), 4)
	report(t, l, successReport(claims[2], 1), successReport(claims[3], 1))
	kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: ds[1].ID, Time: at(30)}}, at(2)))
	kittest.NoError(t, kittest.ErrorOf(l.Reenqueue(t.Context(), at(2), never)))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"claimed -1", "held 60", "held 120", "claimed -1", "sent 2", "canceled 2 not_needed", "sent 2"})
	report(t, l, successReport(claims[1], 3)) // without a chain
	kittest.Equal(t, stateLines(t, l, a.ID)[:3], []string{"claimed -1", "held 60", "held 120"})
}

// testChainInput checks that invalid chains are refused.
func testChainInput(t *testing.T, l alert.Ledger) {
	spoilt := func(spoil func(ds []alert.Delivery)) []alert.Delivery {
		ds := chain(1, 3)
		spoil(ds)
		return ds
	}
	for name, ds := range map[string][]alert.Delivery{
		"held in no chain":          spoilt(func(ds []alert.Delivery) { ds[2].Chain = 0 }),
		"held as the first":         spoilt(func(ds []alert.Delivery) { ds[2].Chain = 2 }),
		"held without a time":       spoilt(func(ds []alert.Delivery) { ds[1].NextTime = time.Time{} }),
		"queued behind the first":   spoilt(func(ds []alert.Delivery) { ds[2].State = alert.Queued }),
		"queued until a time":       spoilt(func(ds []alert.Delivery) { ds[0].NextTime = at(1) }),
		"ended in a chain":          spoilt(func(ds []alert.Delivery) { ds[0].State, ds[0].EndTime = alert.Failed, at(0) }),
		"ended behind the first":    spoilt(func(ds []alert.Delivery) { ds[1].State, ds[1].EndTime = alert.Failed, at(0) }),
		"held, and ended at a time": spoilt(func(ds []alert.Delivery) { ds[1].EndTime = at(0) }),
	} {
		t.Run(name, func(t *testing.T) {
			a := alert.Alert{Severity: "normal", Message: "x", CreateTime: start, ExpireTime: expiry}
			kittest.Error(t, kittest.ErrorOf(l.AddAlert(t.Context(), a, ds, never)), fault.ErrInvalid, "delivery")
		})
	}
}

// testChainFailed checks that the next delivery of a chain, and no other, is due when the one before
// it fails, and that the chain ends after its last.
func testChainFailed(t *testing.T, l alert.Ledger) {
	ds := chain(1, 3)
	a := addAlert(t, l, "normal", ds, at(10))
	fail := func(i, now int) {
		t.Helper()
		claims := claim(t, l, ids(ds), now-1, now+100)
		kittest.Equal(t, len(claims), 1)
		kittest.Equal(t, claims[0].DeliveryID, ds[i].ID)
		kittest.Equal(t, len(report(t, l, failureReport(claims[0], now-1))), 0)
	}
	fail(0, 5)
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 5 channel_not_found", "queued -1", "held 65"})
	jobs := due(t, l, 5, 10)
	kittest.Equal(t, total(jobs), 1)
	kittest.Equal(t, jobs[0].Deliveries[0].ID, ds[1].ID)
	fail(1, 20)
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 5 channel_not_found", "failed 20 channel_not_found", "queued -1"})
	fail(2, 30)
	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 0, 0, 3))
	kittest.Equal(t, len(due(t, l, 1000, 10)), 0)
}

// testChainFailoverDelay checks that each delivery of a chain is used after its failover delay,
// whatever the state of the one before it, and that a sent one cancels the queued ones.
func testChainFailoverDelay(t *testing.T, l alert.Ledger) {
	ds := chain(1, 4)
	a := addAlert(t, l, "normal", ds, never)
	report(t, l, retryReport(claim(t, l, ids(ds), 48, 100)[0], 48)) // until 59
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"queued 59", "held 60", "held 120", "held 180"})
	kittest.Equal(t, total(due(t, l, 59, 10)), 1)
	kittest.Equal(t, total(due(t, l, 60, 1)), 1)
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"queued -1", "queued -1", "held 120", "held 180"})
	claims := claim(t, l, ids(ds), 61, 200)
	kittest.Equal(t, len(claims), 2)
	report(t, l, retryReport(claims[0], 70)) // until 81
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"queued 81", "claimed -1", "held 120", "held 180"})
	report(t, l, successReport(claims[1], 75))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"canceled 76 not_needed", "sent 76", "canceled 76 not_needed", "canceled 76 not_needed"})
	kittest.Equal(t, len(deliveries(t, l, a.ID)[0].Attempts), 2)
	kittest.Equal(t, len(due(t, l, 1000, 10)), 0)
	kittest.Equal(t, len(claim(t, l, ids(ds), 1000, 2000)), 0)
}

// testChainDeferred checks that the next delivery is used at once when the one before it waits
// longer than the failover delay, such as for a pause of an hour.
func testChainDeferred(t *testing.T, l alert.Ledger) {
	for name, wait := range map[string]struct {
		does func(c dispatch.Claim)
		want []string
	}{
		"a retry before the next": {func(c dispatch.Claim) { report(t, l, retryReport(c, 48)) }, []string{"queued 59", "held 60", "held 120"}},
		"a retry with the next":   {func(c dispatch.Claim) { report(t, l, retryReport(c, 49)) }, []string{"queued 60", "queued -1", "held 110"}},
		"a long pause":            {func(c dispatch.Claim) { report(t, l, pausedReport(c, 9)) }, []string{"queued 70", "queued -1", "held 70"}},
		"deferred a little": {func(c dispatch.Claim) {
			kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: c.DeliveryID, Fence: c.Fence, Time: at(59)}}, at(20)))
		}, []string{"queued 59", "held 60", "held 120"}},
		"deferred for long": {func(c dispatch.Claim) {
			kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: c.DeliveryID, Fence: c.Fence, Time: at(600)}}, at(20)))
		}, []string{"queued 600", "queued -1", "held 80"}},
		"deferred before it was claimed": {func(c dispatch.Claim) {
			report(t, l, retryReport(c, 1))
			kittest.Equal(t, total(due(t, l, 12, 1)), 1)
			kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: c.DeliveryID, Time: at(600)}}, at(20)))
		}, []string{"queued 600", "queued -1", "held 80"}},
	} {
		ds := chain(1, 3)
		a := addAlert(t, l, "normal", ds, never)
		wait.does(claim(t, l, ids(ds), 0, 100)[0])
		if got := stateLines(t, l, a.ID); fmt.Sprint(got) != fmt.Sprint(wait.want) {
			t.Errorf("%s: got %q, want %q", name, got, wait.want)
		}
		cancel(t, l, a.ID, 20)
	}

	// A delivery that was released early behaves as any other: it fails, and the third is due.
	ds := chain(1, 3)
	a := addAlert(t, l, "normal", ds, never)
	report(t, l, pausedReport(claim(t, l, ids(ds), 0, 100)[0], 1)) // until 62
	report(t, l, failureReport(claim(t, l, ids(ds), 3, 100)[0], 3))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"queued 62", "failed 4 channel_not_found", "queued -1"})
	// The first fails in its retry, and this does not change the third.
	report(t, l, failureReport(claim(t, l, ids(ds[:1]), 62, 100)[0], 62))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 63 channel_not_found", "failed 4 channel_not_found", "queued -1"})
}

// testChainClaimed checks that a delivery that is claimed while another of its chain is sent can
// still be reported, and is not retried.
func testChainClaimed(t *testing.T, l alert.Ledger) {
	for name, c := range map[string]struct {
		end  func(c dispatch.Claim)
		want string
	}{
		"sent too": {func(c dispatch.Claim) { report(t, l, successReport(c, 70)) }, "sent 71"},
		"failed":   {func(c dispatch.Claim) { report(t, l, failureReport(c, 70)) }, "failed 71 channel_not_found"},
		"retried":  {func(c dispatch.Claim) { report(t, l, retryReport(c, 70)) }, "canceled 71 not_needed"},
		"paused":   {func(c dispatch.Claim) { report(t, l, pausedReport(c, 70)) }, "canceled 71 not_needed"},
		"unknown":  {func(c dispatch.Claim) { report(t, l, unknownReport(c, 70)) }, "canceled 71 not_needed"},
		"deferred": {func(c dispatch.Claim) {
			kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: c.DeliveryID, Fence: c.Fence, Time: at(90)}}, at(71)))
		}, "canceled 71 not_needed"},
		"lease expired": {func(dispatch.Claim) { kittest.Equal(t, sweep(t, l, 80), 1) }, "canceled 80 not_needed"},
	} {
		ds := chain(1, 3)
		a := addAlert(t, l, "normal", ds, never)
		first := claim(t, l, ids(ds), 0, 80)[0]
		kittest.Equal(t, total(due(t, l, 60, 10)), 1)
		report(t, l, successReport(claim(t, l, ids(ds), 61, 100)[0], 62))
		kittest.Equal(t, stateLines(t, l, a.ID), []string{"claimed -1", "sent 63", "canceled 63 not_needed"})
		c.end(first)
		if got := stateLines(t, l, a.ID)[0]; got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		kittest.Equal(t, stateLines(t, l, a.ID)[1:], []string{"sent 63", "canceled 63 not_needed"})
	}
}

// testChainLeaseExpired checks that an expired lease advances a chain too.
func testChainLeaseExpired(t *testing.T, l alert.Ledger) {
	ds := chain(1, 2)
	a := addAlert(t, l, "normal", ds, never)
	claim(t, l, ids(ds), 0, 10)
	kittest.NoError(t, kittest.ErrorOf(l.Sweep(t.Context(), at(10), 10, func(_ alert.VerdictFacts, r dispatch.Report) alert.Verdict {
		kittest.Equal(t, r.Outcome.Kind, messenger.Unknown)
		return alert.Verdict{State: alert.Failed, Reason: "lease_expired", CountsAsTry: true}
	})))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 10 lease_expired", "queued -1"})
	kittest.Equal(t, total(due(t, l, 10, 10)), 1)
}
