package storetest

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/services/alert"
)

// fire records a firing alert of a key at at(now), whose deliveries are enqueued.
func fire(t testing.TB, l alert.Ledger, key, severity string, ds []alert.Delivery, now int) alert.Alert {
	t.Helper()
	a := alert.Alert{
		Targets: []string{"@all"}, Severity: severity, Message: "node1 down", AlertKey: key, CreateTime: at(now), ExpireTime: expiry,
	}
	must(t, second(l.AddAlert(t.Context(), &a, ds, never)))
	return a
}

// resolve records a resolved alert of a key at at(now), whose deliveries are due at once.
func resolve(t testing.TB, l alert.Ledger, key, severity string, ds []alert.Delivery, now int) alert.Alert {
	t.Helper()
	a := alert.Alert{
		Targets: []string{"@all"}, Severity: severity, Message: "node1 down", AlertKey: key, Resolved: true,
		CreateTime: at(now), ExpireTime: expiry,
	}
	must(t, second(l.AddAlert(t.Context(), &a, ds, at(now))))
	return a
}

// stand fails the test unless the deliveries of an alert have the wanted states.
func stand(t testing.TB, l alert.Ledger, a alert.Alert, want ...string) {
	t.Helper()
	same(t, standing(t, l, a.ID), want)
}

// testKeyedOrder checks that the deliveries of one key to one address are sent one at a time, and
// keep their order through retries, pauses and a lost queue; other addresses, other keys and
// alerts without a key do not wait.
func testKeyedOrder(t *testing.T, l alert.Ledger) {
	ds1, ds2, ds3 := to(2), to(2), to(2)
	first := fire(t, l, "disk of db1", "normal", ds1, 0)
	same(t, ds1[0].State, alert.Queued)
	got, _, err := l.Alert(t.Context(), first.ID)
	must(t, err)
	same(t, []any{got.AlertKey, got.Resolved}, []any{"disk of db1", false})
	again := fire(t, l, "disk of db1", "critical", ds2, 1)
	same(t, ds2[0].State, alert.Held)
	stand(t, l, again, "held -1", "held -1")
	other := fire(t, l, "disk of db2", "normal", ds3, 1)
	stand(t, l, other, "queued -1", "queued -1")
	alone := add(t, l, "normal", to(2), never)
	stand(t, l, alone, "queued -1", "queued -1")

	same(t, len(claim(t, l, ids(ds2), 2, 100)), 0)
	claims := claim(t, l, ids(ds1), 2, 100)
	report(t, l, passing(claims[0], 3), paused(claims[1], 3)) // until 14 and 64
	must(t, second(l.Wake(t.Context(), at(5), never)))
	same(t, total(due(t, l, 6, 100)), 4) // of the other alerts
	stand(t, l, again, "held -1", "held -1")
	same(t, total(due(t, l, 14, 100)), 1)
	report(t, l, sent(claim(t, l, ids(ds1[:1]), 15, 100)[0], 15))
	stand(t, l, again, "queued -1", "held -1")
	jobs := due(t, l, 16, 100) // the four of the other alerts again
	same(t, total(jobs), 5)
	same(t, jobs[0].Rank, job.Critical)
	same(t, jobs[0].Deliveries[0].ID, ds2[0].ID)
	report(t, l, failed(claim(t, l, ids(ds1[1:]), 70, 100)[0], 70))
	stand(t, l, first, "sent 16", "failed 71 channel_not_found")
	stand(t, l, again, "queued -1", "queued -1")
	same(t, len(claim(t, l, ids(ds2), 72, 100)), 2)
}

// testKeyedResolved checks that a resolved alert is sent once, with the rank of the firing one, to
// the users who were sent the firing one, and to nobody else.
func testKeyedResolved(t *testing.T, l alert.Ledger) {
	fired, later := to(2), to(1)
	fire(t, l, "k", "critical", fired, 0)
	fire(t, l, "k", "low", later, 0)
	for _, ds := range [][]alert.Delivery{fired, later} {
		for _, c := range claim(t, l, ids(ds), 1, 100) {
			report(t, l, sent(c, 1))
		}
	}
	ds := to(3)
	over := resolve(t, l, "k", "normal", ds, 10)
	same(t, []any{ds[1].State, ds[2].State, ds[2].Reason, ds[2].EndTime}, []any{alert.Queued, alert.Canceled, "not_needed", at(10)})
	stand(t, l, over, "queued -1", "queued -1", "canceled 10 not_needed")
	got, _, err := l.Alert(t.Context(), over.ID)
	must(t, err)
	same(t, []any{got.AlertKey, got.Resolved, got.Severity}, []any{"k", true, "normal"})
	jobs := due(t, l, 10, 100)
	same(t, []any{len(jobs), jobs[0].Rank, jobs[0].Content}, []any{1, job.Critical, got.Content("slack")})
	same(t, []any{jobs[0].Content.Text, jobs[0].Content.Key, jobs[0].Content.Resolved}, []any{"[normal] resolved: node1 down", "k", true})

	twice := resolve(t, l, "k", "normal", to(3), 11) // before the first resolved one was sent
	stand(t, l, twice, "held -1", "held -1", "canceled 11 not_needed")
	claims := claim(t, l, ids(ds), 12, 100)
	report(t, l, sent(claims[0], 12), failed(claims[1], 12))
	stand(t, l, twice, "canceled 13 not_needed", "queued -1", "canceled 11 not_needed")
	same(t, due(t, l, 13, 100)[0].Rank, job.Critical)

	anew := fire(t, l, "k", "low", to(1), 20)
	stand(t, l, anew, "queued -1")
	last := resolve(t, l, "k", "high", to(3), 21)
	stand(t, l, anew, "canceled 21 superseded")
	stand(t, l, last, "canceled 21 not_needed", "held -1", "canceled 21 not_needed")
	same(t, cancel(t, l, twice.ID, 22), 1)
	stand(t, l, last, "canceled 21 not_needed", "queued -1", "canceled 21 not_needed")
	same(t, due(t, l, 23, 100)[0].Rank, job.Low)
}

// testKeyedSuperseded checks that a resolved alert supersedes firing deliveries that were not sent,
// whether due, deferred or blocked, and none that may have been received.
func testKeyedSuperseded(t *testing.T, l alert.Ledger) {
	ds := to(5)
	first := fire(t, l, "k", "normal", ds, 0)
	second := fire(t, l, "k", "normal", to(5), 0)
	claims := claim(t, l, ids(ds[1:]), 1, 100)
	report(t, l, passing(claims[0], 1), paused(claims[1], 1), unclear(claims[2], 1), sent(claims[3], 1)) // until 12, 62, 12
	over := resolve(t, l, "k", "normal", to(6), 5)
	stand(t, l, first, "canceled 5 superseded", "canceled 5 superseded", "canceled 5 superseded", "queued 12", "sent 2")
	stand(t, l, second, "canceled 5 superseded", "canceled 5 superseded", "canceled 5 superseded", "canceled 5 superseded", "canceled 5 superseded")
	stand(t, l, over, "canceled 5 not_needed", "canceled 5 not_needed", "canceled 5 not_needed", "held -1", "queued -1", "canceled 5 not_needed")
	report(t, l, failed(claim(t, l, ids(ds[3:4]), 20, 100)[0], 20))
	stand(t, l, over, "canceled 5 not_needed", "canceled 5 not_needed", "canceled 5 not_needed", "queued -1", "queued -1", "canceled 5 not_needed")
	same(t, len(claim(t, l, append(ids(ds), ids(deliveries(t, l, second.ID))...), 30, 100)), 0)
}

// testKeyedInHand checks that a resolved alert waits for the claimed delivery of a firing one, which
// is not retried, and is sent if that may have been received.
func testKeyedInHand(t *testing.T, l alert.Ledger) {
	for name, c := range map[string]struct {
		ends        func(t *testing.T, c alert.Claim)
		fired, over string
	}{
		"sent":     {func(t *testing.T, c alert.Claim) { report(t, l, sent(c, 10)) }, "sent 11", "queued -1"},
		"failed":   {func(t *testing.T, c alert.Claim) { report(t, l, failed(c, 10)) }, "failed 11 channel_not_found", "canceled 11 not_needed"},
		"may pass": {func(t *testing.T, c alert.Claim) { report(t, l, passing(c, 10)) }, "canceled 11 superseded", "canceled 11 not_needed"},
		"paused":   {func(t *testing.T, c alert.Claim) { report(t, l, paused(c, 10)) }, "canceled 11 superseded", "canceled 11 not_needed"},
		"unknown":  {func(t *testing.T, c alert.Claim) { report(t, l, unclear(c, 10)) }, "canceled 11 superseded", "queued -1"},
		"deferred": {func(t *testing.T, c alert.Claim) {
			must(t, l.Defer(t.Context(), []alert.Deferral{{DeliveryID: c.DeliveryID, Fence: c.Fence, Time: at(50)}}, at(11)))
		}, "canceled 11 superseded", "canceled 11 not_needed"},
		"lost": {func(t *testing.T, _ alert.Claim) { same(t, sweep(t, l, 20), 1) }, "canceled 20 superseded", "queued -1"},
		"canceled, and lost": {func(t *testing.T, c alert.Claim) {
			_, ds, err := l.Alert(t.Context(), c.DeliveryID-1)
			must(t, err)
			same(t, len(ds), 1)
			same(t, cancel(t, l, c.DeliveryID-1, 6), 0)
			same(t, sweep(t, l, 20), 1)
		}, "canceled 20 superseded", "queued -1"},
	} {
		t.Run(name, func(t *testing.T) {
			ds := to(1)
			fired := fire(t, l, name, "normal", ds, 0)
			taken := claim(t, l, ids(ds), 1, 20)[0]
			over := resolve(t, l, name, "normal", to(1), 5)
			stand(t, l, over, "held -1")
			anew := fire(t, l, name, "normal", to(1), 6)
			c.ends(t, taken)
			stand(t, l, fired, c.fired)
			stand(t, l, over, c.over)
			if c.over != "queued -1" {
				stand(t, l, anew, "queued -1")
				return
			}
			stand(t, l, anew, "held -1")
			report(t, l, sent(claim(t, l, ids(deliveries(t, l, over.ID)), 30, 100)[0], 30))
			stand(t, l, anew, "queued -1")
			must(t, second(l.Cancel(t.Context(), anew.ID, at(40))))
		})
	}
}

// testKeyedEnds checks that a thread goes on after its deliveries expire or are canceled.
func testKeyedEnds(t *testing.T, l alert.Ledger) {
	short := alert.Alert{Severity: "normal", Message: "m", AlertKey: "k", CreateTime: at(0), ExpireTime: at(10)}
	must(t, second(l.AddAlert(t.Context(), &short, to(1), never)))
	canceled := fire(t, l, "k", "normal", to(1), 1)
	last := fire(t, l, "k", "normal", to(1), 2)
	stand(t, l, last, "held -1")
	same(t, sweep(t, l, 10), 1)
	stand(t, l, short, "expired 10 expired")
	stand(t, l, canceled, "queued -1")
	same(t, cancel(t, l, canceled.ID, 11), 1)
	stand(t, l, last, "queued -1")
	same(t, total(due(t, l, 11, 100)), 1)
}

// testKeyedReplay checks that replayed deliveries keep their order in the thread, and that no firing
// delivery is replayed after a resolved alert, and no resolved one after a later alert.
func testKeyedReplay(t *testing.T, l alert.Ledger) {
	ds1, ds2 := to(2), to(2)
	first := fire(t, l, "k", "normal", ds1, 0)
	second := fire(t, l, "k", "normal", ds2, 0)
	claims := claim(t, l, ids(ds1), 1, 100)
	report(t, l, failed(claims[0], 1), failed(claims[1], 1))
	claims = claim(t, l, ids(ds2[1:]), 3, 100)
	same(t, replay(t, l, alert.Selection{AlertID: first.ID}, 4, 1000), 2)
	stand(t, l, first, "queued -1", "held -1")
	stand(t, l, second, "held -1", "claimed -1")
	report(t, l, sent(claims[0], 5))
	stand(t, l, first, "queued -1", "queued -1")
	claims = claim(t, l, ids(ds1), 7, 100)
	report(t, l, failed(claims[0], 8), failed(claims[1], 8))
	stand(t, l, second, "queued -1", "sent 6")

	ds3 := to(2)
	over := resolve(t, l, "k", "normal", ds3, 10)
	stand(t, l, second, "canceled 10 superseded", "sent 6")
	stand(t, l, over, "canceled 10 not_needed", "queued -1")
	same(t, replay(t, l, alert.Selection{AlertID: first.ID}, 11, 1000), 0)
	same(t, replay(t, l, alert.Selection{IDs: ids(ds1)}, 11, 1000), 0)
	report(t, l, failed(claim(t, l, ids(ds3), 12, 100)[0], 12))
	same(t, replay(t, l, alert.Selection{IDs: ids(ds3)}, 14, 1000), 1)
	stand(t, l, over, "canceled 10 not_needed", "queued -1")
	report(t, l, failed(claim(t, l, ids(ds3), 15, 100)[0], 15))
	fire(t, l, "k", "normal", to(2), 20)
	same(t, replay(t, l, alert.Selection{IDs: ids(ds3)}, 21, 1000), 0)
}

// testKeyedChains checks that a delivery waits for its chain and its thread, and that a resolved
// alert cancels the held deliveries of chains and goes to the address that was used.
func testKeyedChains(t *testing.T, l alert.Ledger) {
	ds1, ds2 := chain(1, 3), chain(1, 3)
	first := fire(t, l, "k", "normal", ds1, 0)
	second := fire(t, l, "k", "normal", ds2, 0)
	stand(t, l, first, "queued -1", "held 60", "held 120")
	stand(t, l, second, "held -1", "held -1", "held -1")
	same(t, total(due(t, l, 50, 100)), 0)

	report(t, l, failed(claim(t, l, ids(ds1), 50, 100)[0], 50))
	stand(t, l, first, "failed 51 channel_not_found", "queued -1", "held 111")
	stand(t, l, second, "queued -1", "held -1", "held -1")
	report(t, l, failed(claim(t, l, ids(ds2), 52, 100)[0], 52)) // the next of its chain is blocked by that of the first
	stand(t, l, second, "failed 53 channel_not_found", "held -1", "held -1")
	report(t, l, sent(claim(t, l, ids(ds1), 54, 100)[0], 54))
	stand(t, l, first, "failed 51 channel_not_found", "sent 55", "canceled 55 not_needed")
	stand(t, l, second, "failed 53 channel_not_found", "queued -1", "held 113")

	ds3 := chain(1, 3)
	third := fire(t, l, "k", "normal", ds3, 60)
	stand(t, l, third, "queued -1", "held -1", "held -1")
	ds4 := chain(1, 3)
	for i := range ds4 {
		ds4[i].Chain, ds4[i].State, ds4[i].NextTime = 0, alert.Queued, ds4[i].EndTime
	}
	over := resolve(t, l, "k", "normal", ds4, 61)
	stand(t, l, second, "failed 53 channel_not_found", "canceled 61 superseded", "canceled 61 superseded")
	stand(t, l, third, "canceled 61 superseded", "canceled 61 superseded", "canceled 61 superseded")
	stand(t, l, over, "canceled 61 not_needed", "queued -1", "canceled 61 not_needed")
	same(t, total(due(t, l, 1000, 100)), 1)
}

// testKeyedReceipt checks that chain deliveries that a failed receipt resumes keep their order in
// the thread, and are not resumed after a resolved alert.
func testKeyedReceipt(t *testing.T, l alert.Ledger) {
	for name, resolved := range map[string]bool{"goes on": false, "is over": true} {
		ds := chain(1, 2)
		fired := fire(t, l, name, "normal", ds, 0)
		r := sent(claim(t, l, ids(ds), 1, 100)[0], 1)
		report(t, l, r)
		stand(t, l, fired, "sent 2", "canceled 2 not_needed")
		behind := chain(1, 2)
		for i := range behind {
			behind[i].Chain, behind[i].State, behind[i].NextTime = 0, alert.Queued, behind[i].EndTime
		}
		want := []string{"failed 10 undelivered", "queued -1"}
		if resolved {
			resolve(t, l, name, "normal", behind, 5)
			want[1] = "canceled 10 superseded"
		} else {
			fire(t, l, name, "normal", behind, 5)
		}
		must(t, l.Receive(t.Context(), ds[0].ID, alert.Receipt{MessageID: r.Outcome.MessageID, Status: "undelivered", Time: at(10), Final: true, Failed: true}))
		stand(t, l, fired, want...)
		state := deliveries(t, l, behind[1].ID-2)[1].State
		same(t, state == alert.Held, !resolved)
	}
}

// testKeyedForget checks that alert keys and threads are deleted when they were not used within
// retention and have no delivery that is not completed.
func testKeyedForget(t *testing.T, l alert.Ledger) {
	gone, open, used := to(1), to(1), to(1)
	fire(t, l, "gone", "critical", gone, 0)
	fire(t, l, "open", "critical", open, 0)
	fire(t, l, "used", "critical", used, 0)
	for _, ds := range [][]alert.Delivery{gone, open, used} {
		report(t, l, sent(claim(t, l, ids(ds), 1, 100)[0], 1))
	}
	waits := fire(t, l, "open", "critical", to(1), 2)
	fire(t, l, "used", "critical", to(1), 60)
	same(t, forget(t, l, 50, 1).Alerts, 3)
	stand(t, l, resolve(t, l, "gone", "low", to(1), 70), "canceled 70 not_needed")
	stand(t, l, resolve(t, l, "open", "low", to(1), 70), "queued -1")
	stand(t, l, waits, "canceled 70 superseded")
	used = to(1)
	stand(t, l, resolve(t, l, "used", "low", used, 70), "queued -1")
	for _, j := range due(t, l, 70, 100) {
		if j.Deliveries[0].ID == used[0].ID {
			same(t, j.Rank, job.Critical)
		}
	}
}

// testKeyedInput checks that alerts with an invalid key are refused.
func testKeyedInput(t *testing.T, l alert.Ledger) {
	for name, a := range map[string]alert.Alert{
		"resolved without a key": {Resolved: true},
		"a NUL":                  {AlertKey: "a\x00"},
		"no UTF-8":               {AlertKey: "a\xff"},
	} {
		a.Severity, a.Message, a.CreateTime, a.ExpireTime = "normal", "m", at(0), expiry
		_, err := l.AddAlert(t.Context(), &a, to(1), never)
		is(t, err, fault.ErrInvalid, "key")
		same(t, []any{name, a.ID}, []any{name, int64(0)})
	}
	a := alert.Alert{Severity: "normal", Message: "m", AlertKey: "k", Resolved: true, CreateTime: at(0), ExpireTime: expiry}
	_, err := l.AddAlert(t.Context(), &a, chain(1, 2), never)
	is(t, err, fault.ErrInvalid, "chain")
}
