package ledgertest

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// replay replays the deliveries that s selects, from at(now) until at(expire), and checks that a dry
// run returns the same number.
func replay(t testing.TB, l alert.Ledger, s alert.ReplaySelection, now, expire int) int {
	t.Helper()
	would, err := l.Replay(t.Context(), s, at(now), at(expire), true)
	kittest.NoError(t, err)
	n, err := l.Replay(t.Context(), s, at(now), at(expire), false)
	kittest.NoError(t, err)
	kittest.Equal(t, n, would)
	return n
}

// testReplay checks that a replayed delivery is as new, except for its attempts.
func testReplay(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	a := addUntil(t, l, "normal", ds, never, at(500))
	var reports []dispatch.Report
	for now := range 3 {
		r := retryReport(claim(t, l, ids(ds[:1]), 100*now, 100*now+10)[0], 100*now)
		report(t, l, r)
		reports = append(reports, r)
	}
	last := failureReport(claim(t, l, ids(ds[:1]), 300, 310)[0], 301)
	report(t, l, last)
	kittest.Equal(t, sweep(t, l, 500), 1) // the other one
	before := deliveries(t, l, a.ID)

	all := alert.ReplaySelection{AlertID: a.ID}
	n, err := l.Replay(t.Context(), all, at(600), at(700), true)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 2)
	kittest.Equal(t, deliveries(t, l, a.ID), before)

	kittest.Equal(t, replay(t, l, all, 600, 700), 2)
	kittest.Equal(t, replay(t, l, all, 600, 700), 0)
	ds[0].Attempts = []alert.Attempt{attempt(1, reports[0], false), attempt(2, reports[1], false), attempt(3, reports[2], false), attempt(4, last, false)}
	kittest.Equal(t, deliveries(t, l, a.ID), ds) // Queued, without a reason, an end time or a next time

	kittest.Equal(t, len(due(t, l, 599, 10)), 0)
	kittest.Equal(t, total(due(t, l, 600, 10)), 2)
	claims := claim(t, l, ids(ds), 601, 610)
	kittest.Equal(t, claims, []dispatch.Claim{
		{DeliveryID: ds[0].ID, Fence: 5, Attempt: 5, LeaseExpireTime: at(610)},
		{DeliveryID: ds[1].ID, Fence: 1, Attempt: 1, LeaseExpireTime: at(610)},
	})
	kittest.Equal(t, report(t, l, last), []int64(nil)) // recorded already
	kittest.Equal(t, report(t, l, successReport(dispatch.Claim{DeliveryID: ds[0].ID, Fence: 4}, 302)), []int64{ds[0].ID})
	kittest.NoError(t, kittest.ErrorOf(l.Report(t.Context(), []dispatch.Report{retryReport(claims[0], 602)}, at(603), func(f alert.VerdictFacts, r dispatch.Report) alert.Verdict {
		kittest.Equal(t, f, alert.VerdictFacts{Now: at(603), Messenger: "slack", Rank: a.Rank(), ExpireTime: at(700)}) // tries start at 0 again
		return rule(f, r)
	})))
	report(t, l, successReport(claims[1], 602))
	kittest.Equal(t, sweep(t, l, 699), 0)
	kittest.Equal(t, sweep(t, l, 700), 1)
	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 0, 1, 0, 1))
	kittest.Equal(t, got.ExpireTime, at(500)) // that of the alert is unchanged

	kittest.Equal(t, replay(t, l, alert.ReplaySelection{IDs: ids(ds)}, 800, 900), 1)
	kittest.Equal(t, len(claim(t, l, ids(ds), 800, 810)), 1)
}

// testReplaySelection checks that all conditions of a selection apply, and that only Failed and
// Expired deliveries can be selected.
func testReplaySelection(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(8)
	for i := range ds[:4] {
		ds[i].Messenger = "sms"
	}
	a := addUntil(t, l, "normal", ds, never, at(50))
	claims := claim(t, l, ids(ds[:7]), 0, 1000)
	other := failureReport(claims[1], 20)
	other.Outcome.Code = "Channel_not_found"
	report(t, l,
		failureReport(claims[0], 9), // ends at 10, and the next at 21
		other,
		successReport(claims[2], 1),
		retryReport(claims[3], 1),    // expires at 50
		failureReport(claims[4], 29), // ends at 30
		retryReport(claims[5], 20),   // expires at 50
	)
	kittest.Equal(t, sweep(t, l, 50), 3) // and the last; 6 is claimed
	more := queuedDeliveries(2)
	b := addAlert(t, l, "normal", more, never)
	report(t, l, failureReport(claim(t, l, ids(more[:1]), 60, 70)[0], 60)) // ends at 61; the other stays queued
	gone := queuedDeliveries(1)
	c := addAlert(t, l, "normal", gone, never)
	kittest.Equal(t, cancel(t, l, c.ID, 60), 1)

	everything := append(append(append(ids(ds), ids(more)...), ids(gone)...), 12345)
	for name, want := range map[string]struct {
		s     alert.ReplaySelection
		count int
	}{
		"nothing":            {alert.ReplaySelection{}, 0},
		"no ids":             {alert.ReplaySelection{IDs: []int64{}}, 0},
		"ids":                {alert.ReplaySelection{IDs: everything}, 7},
		"an id twice":        {alert.ReplaySelection{IDs: []int64{ds[0].ID, ds[1].ID, ds[0].ID}}, 2},
		"an alert's id":      {alert.ReplaySelection{IDs: []int64{a.ID}}, 0},
		"what was sent":      {alert.ReplaySelection{IDs: ids(ds[2:3])}, 0},
		"what is held":       {alert.ReplaySelection{IDs: ids(ds[6:7])}, 0},
		"what waits":         {alert.ReplaySelection{IDs: ids(more[1:])}, 0},
		"what was canceled":  {alert.ReplaySelection{AlertID: c.ID}, 0},
		"alert":              {alert.ReplaySelection{AlertID: a.ID}, 6},
		"another alert":      {alert.ReplaySelection{AlertID: 99}, 0},
		"messenger":          {alert.ReplaySelection{Messenger: "sms"}, 3},
		"another messenger":  {alert.ReplaySelection{Messenger: "SMS"}, 0},
		"among":              {alert.ReplaySelection{IDs: everything, Among: []string{"sms", "pigeon"}}, 3},
		"among, of an alert": {alert.ReplaySelection{AlertID: a.ID, Among: []string{"pigeon"}}, 0},
		"among only":         {alert.ReplaySelection{Among: []string{"sms"}}, 0},
		"reason":             {alert.ReplaySelection{Reason: "channel_not_found"}, 3},
		"reason, letter":     {alert.ReplaySelection{Reason: "Channel_not_found"}, 1},
		"reason, expired":    {alert.ReplaySelection{Reason: "expired"}, 3},
		"reason, NUL":        {alert.ReplaySelection{Reason: "\x00", AlertID: a.ID}, 0},
		"from":               {alert.ReplaySelection{From: at(30)}, 5},
		"from, later":        {alert.ReplaySelection{From: at(30).Add(time.Microsecond)}, 4},
		"before":             {alert.ReplaySelection{Before: at(30)}, 2},
		"before, later":      {alert.ReplaySelection{Before: at(30).Add(time.Microsecond)}, 3},
		"all conditions":     {alert.ReplaySelection{AlertID: a.ID, Messenger: "slack", Reason: "channel_not_found", From: at(30), Before: at(31)}, 1},
		"ids and more":       {alert.ReplaySelection{IDs: everything, Messenger: "sms", Before: at(50)}, 2},
		"ids and no such":    {alert.ReplaySelection{IDs: everything, Reason: "x"}, 0},
		"another alert's id": {alert.ReplaySelection{IDs: ids(more), AlertID: a.ID}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := l.Replay(t.Context(), want.s, at(100), at(200), true)
			kittest.NoError(t, err)
			kittest.Equal(t, n, want.count)
		})
	}

	kittest.Equal(t, replay(t, l, alert.ReplaySelection{AlertID: a.ID, Messenger: "sms", Reason: "channel_not_found"}, 100, 200), 1)
	kittest.Equal(t, deliveries(t, l, a.ID)[0].State, alert.Queued)
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{IDs: ids(ds[:5]), From: at(21)}, 100, 200), 3)
	for i, want := range []alert.State{
		alert.Queued, alert.Queued, alert.Sent, alert.Queued, alert.Queued, alert.Expired, alert.Claimed, alert.Expired,
	} {
		kittest.Equal(t, deliveries(t, l, a.ID)[i].State, want)
	}
	kittest.Equal(t, deliveries(t, l, b.ID)[0].State, alert.Failed)
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{From: start}, 100, 200), 3)
}

// testReplayPossibleDuplicate checks that a replayed delivery is a possible duplicate exactly if
// an attempt before may have reached the provider.
func testReplayPossibleDuplicate(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(3)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	costly := func(f alert.VerdictFacts, r dispatch.Report) alert.Verdict {
		if r.Outcome.Kind == messenger.Unknown {
			return alert.Verdict{State: alert.Failed, Reason: "unknown", CountsAsTry: true}
		}
		return rule(f, r)
	}
	kittest.NoError(t, kittest.ErrorOf(l.Report(t.Context(), []dispatch.Report{unknownReport(claims[0], 1), failureReport(claims[1], 1)}, at(2), costly)))
	kittest.NoError(t, kittest.ErrorOf(l.Sweep(t.Context(), at(10), 10, costly)))
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{AlertID: a.ID}, 20, 100), 3)
	for i, c := range claim(t, l, ids(ds), 20, 30) {
		kittest.Equal(t, c, dispatch.Claim{DeliveryID: ds[i].ID, Fence: 2, Attempt: 2, PossibleDuplicate: i != 1, LeaseExpireTime: at(30)})
	}
}

// testReplayCanceled checks that a delivery that failed while its alert was canceled is retried as
// any other after a replay.
func testReplayCanceled(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1)
	a := addAlert(t, l, "normal", ds, never)
	first := claim(t, l, ids(ds), 0, 10)[0]
	kittest.Equal(t, cancel(t, l, a.ID, 1), 0)
	report(t, l, failureReport(first, 1))
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{AlertID: a.ID}, 20, 100), 1)
	report(t, l, retryReport(claim(t, l, ids(ds), 20, 30)[0], 21))
	kittest.Equal(t, deliveries(t, l, a.ID)[0].State, alert.Queued)
	kittest.Equal(t, cancel(t, l, a.ID, 25), 1)
}

func testReplayMany(t *testing.T, l alert.Ledger) {
	if testing.Short() {
		t.Skip("many rows take long under the race detector")
	}
	const limit = 100_000 // of one call
	many := testenv.Pick(10_001, limit+1)
	most := min(many, limit)
	ds := queuedDeliveries(many)
	for i := range ds {
		ds[i].State, ds[i].Reason, ds[i].EndTime = alert.Failed, "unknown_messenger", at(0)
	}
	a := addAlert(t, l, "normal", ds, never)
	for _, s := range []alert.ReplaySelection{{AlertID: a.ID}, {IDs: ids(ds)}} {
		n, err := l.Replay(t.Context(), s, at(1), at(100), true)
		kittest.NoError(t, err)
		kittest.Equal(t, n, most)
	}
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{IDs: ids(ds)}, 1, 100), most)
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{AlertID: a.ID}, 1, 100), many-most)
	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(many))
}

// testReplayConcurrent checks that concurrent replays of the same deliveries replay each once, under
// concurrent claims and cancellations.
func testReplayConcurrent(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(300)
	for i := range ds {
		ds[i].State, ds[i].Reason, ds[i].EndTime = alert.Failed, "unknown_messenger", at(0)
	}
	a := addAlert(t, l, "normal", ds, never)
	const many = 10
	var replayed, ended, granted [many]int
	for _, err := range kittest.Concurrently(3*many, func(i int) (err error) {
		switch n := i / 3; i % 3 {
		case 0:
			replayed[n], err = l.Replay(t.Context(), alert.ReplaySelection{AlertID: a.ID}, at(1), at(100), false)
		case 1:
			ended[n], err = l.Cancel(t.Context(), a.ID, at(1))
		default:
			var claims []dispatch.Claim
			claims, err = l.Claim(t.Context(), ids(ds), Claimant(), at(1), at(10))
			granted[n] = len(claims)
		}
		return err
	}) {
		kittest.NoError(t, err)
	}
	var sum [3]int
	for n := range many {
		sum[0], sum[1], sum[2] = sum[0]+replayed[n], sum[1]+ended[n], sum[2]+granted[n]
	}
	kittest.Equal(t, sum[0], len(ds))
	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(len(ds)-sum[1]-sum[2], sum[2], 0, 0, 0, sum[1]))
}

func testReplayInput(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1)
	a := addAlert(t, l, "normal", ds, never)
	report(t, l, failureReport(claim(t, l, ids(ds), 0, 10)[0], 1))
	for _, dry := range []bool{true, false} {
		kittest.Error(t, kittest.ErrorOf(l.Replay(t.Context(), alert.ReplaySelection{AlertID: a.ID}, at(20), at(20), dry)), fault.ErrInvalid, "expire")
	}
	kittest.Equal(t, deliveries(t, l, a.ID)[0].State, alert.Failed)
}
