package ledgertest

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// sendFirst claims the first delivery at at(now) and reports it sent.
func sendFirst(t testing.TB, l alert.Ledger, ds []alert.Delivery, now int) {
	t.Helper()
	claims := claim(t, l, ids(ds[:1]), now, now+100)
	kittest.Equal(t, len(claims), 1)
	report(t, l, successReport(claims[0], now))
}

// testIncidentRepeats checks that a repeat goes to addresses that were not notified of the state
// that it repeats: new ones, and those whose message failed or expired.
func testIncidentRepeats(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(4)
	add(t, l, keyedAlert("k", "high", "a", 0), ds)
	claims := claim(t, l, ids(ds), 1, 100)
	report(t, l, successReport(claims[0], 1), failureReport(claims[1], 1), unknownReport(claims[2], 1), retryReport(claims[3], 1)) // until 12
	repeat := queuedDeliveries(5)
	repeated := add(t, l, keyedAlert("k", "high", "a", 5), repeat)
	kittest.Equal(t, []any{repeat[0].State, repeat[0].Reason, repeat[0].EndTime}, []any{alert.Canceled, "repeated", at(5)})
	requireStates(t, l, repeated, "canceled 5 repeated", "queued -1", "canceled 5 repeated", "held -1", "queued -1")

	report(t, l, successReport(claim(t, l, ids(ds[3:]), 20, 100)[0], 20)) // it is notified meanwhile
	requireStates(t, l, repeated, "canceled 5 repeated", "queued -1", "canceled 5 repeated", "canceled 21 repeated", "queued -1")
	claims = claim(t, l, ids(repeat[1:2]), 22, 100)
	report(t, l, unknownReport(claims[0], 22)) // may have been sent; it is retried as any other
	requireStates(t, l, repeated, "canceled 5 repeated", "queued 33", "canceled 5 repeated", "canceled 21 repeated", "queued -1")

	update := queuedDeliveries(2) // to two of five
	updated := add(t, l, keyedAlert("k", "high", "b", 30), update)
	requireStates(t, l, updated, "queued -1", "held -1")
	report(t, l, failureReport(claim(t, l, ids(update[:1]), 31, 100)[0], 31))
	again := queuedDeliveries(3)
	third := add(t, l, keyedAlert("k", "high", "b", 40), again)   // of the update
	requireStates(t, l, third, "queued -1", "held -1", "held -1") // the second and third wait for retries
	sendFirst(t, l, again, 41)
	requireStates(t, l, add(t, l, keyedAlert("k", "high", "b", 50), queuedDeliveries(1)), "canceled 50 repeated")
	report(t, l, successReport(claim(t, l, ids(repeat[1:2]), 51, 100)[0], 51)) // the first repeat, then the update
	requireStates(t, l, updated, "failed 32 channel_not_found", "queued -1")
	sendFirst(t, l, update[1:], 53)
	requireStates(t, l, third, "sent 42", "canceled 54 repeated", "held -1")
}

// testIncidentRepeatOutdated checks that a repeat that waited is canceled when a later update of
// the incident follows it, and superseded by a resolved alert.
func testIncidentRepeatOutdated(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1)
	add(t, l, keyedAlert("k", "high", "a", 0), ds)
	repeated := add(t, l, keyedAlert("k", "high", "a", 1), queuedDeliveries(1))
	updated := add(t, l, keyedAlert("k", "high", "b", 2), queuedDeliveries(1))
	requireStates(t, l, repeated, "canceled 2 repeated")
	later := add(t, l, keyedAlert("k", "high", "b", 3), queuedDeliveries(1))
	requireStates(t, l, later, "held -1")
	claims := claim(t, l, ids(ds), 4, 100)
	end := keyedAlert("k", "high", "", 5)
	end.Resolved = true
	resolution := add(t, l, end, queuedDeliveries(1))
	requireStates(t, l, updated, "canceled 5 superseded")
	requireStates(t, l, later, "canceled 5 superseded")
	report(t, l, successReport(claims[0], 6))
	requireStates(t, l, resolution, "queued -1")
}

// testIncidentRepeatChains checks that a user who was notified by one address of a failover chain
// is not notified of a repeat by another.
func testIncidentRepeatChains(t *testing.T, l alert.Ledger) {
	ds := chain(1, 3)
	add(t, l, keyedAlert("k", "high", "a", 0), ds)
	waits := add(t, l, keyedAlert("k", "high", "a", 1), chain(1, 3))
	requireStates(t, l, waits, "held -1", "held -1", "held -1")
	report(t, l, failureReport(claim(t, l, ids(ds), 2, 100)[0], 2))
	requireStates(t, l, waits, "queued -1", "held -1", "held -1")
	report(t, l, successReport(claim(t, l, ids(ds), 3, 100)[0], 3)) // by the second address
	requireStates(t, l, waits, "canceled 4 repeated", "canceled 4 repeated", "canceled 4 repeated")
	requireStates(t, l, add(t, l, keyedAlert("k", "high", "a", 10), chain(1, 3)), "canceled 10 repeated", "canceled 10 repeated", "canceled 10 repeated")
	kittest.Equal(t, total(due(t, l, 1000, 100)), 0)
}

// testIncidentAcknowledged checks that an acknowledged alert goes to notified addresses in their
// order, changes nothing of the incident, and is superseded by a resolved one.
func testIncidentAcknowledged(t *testing.T, l alert.Ledger) {
	acknowledge := func(now int, ds []alert.Delivery) alert.Alert {
		a := keyedAlert("k", "high", "", now)
		a.Acknowledged = true
		return add(t, l, a, ds)
	}
	resolve := func(now int, ds []alert.Delivery) alert.Alert {
		a := keyedAlert("k", "high", "", now)
		a.Resolved = true
		return add(t, l, a, ds)
	}
	requireStates(t, l, acknowledge(0, queuedDeliveries(1)), "canceled 0 not_needed") // of an unknown key
	ds := queuedDeliveries(4)
	add(t, l, keyedAlert("k", "high", "a", 1), ds)
	claims := claim(t, l, ids(ds[:3]), 2, 100)
	report(t, l, successReport(claims[0], 2), failureReport(claims[1], 2))
	acks := queuedDeliveries(5)
	acknowledged := acknowledge(4, acks)
	requireStates(t, l, acknowledged, "queued -1", "canceled 4 not_needed", "held -1", "held -1", "canceled 4 not_needed")
	report(t, l, failureReport(claims[2], 5))
	requireStates(t, l, acknowledged, "queued -1", "canceled 4 not_needed", "canceled 6 not_needed", "held -1", "canceled 4 not_needed")
	sendFirst(t, l, ds[3:], 7)
	sendFirst(t, l, acks, 8)
	requireStates(t, l, add(t, l, keyedAlert("k", "high", "a", 9), queuedDeliveries(1)), "canceled 9 repeated")
	resolution := queuedDeliveries(4)
	resolved := resolve(10, resolution)
	requireStates(t, l, acknowledged, "sent 9", "canceled 4 not_needed", "canceled 6 not_needed", "canceled 10 superseded", "canceled 4 not_needed")
	requireStates(t, l, resolved, "queued -1", "canceled 10 not_needed", "canceled 10 not_needed", "queued -1")
	requireStates(t, l, acknowledge(11, queuedDeliveries(1)), "canceled 11 not_needed") // after its end
}

// testIncidentReferences checks that deliveries of an incident have the reference of its message
// at their address, until that message is gone; those of another incident, or to another
// destination, have none.
func testIncidentReferences(t *testing.T, l alert.Ledger) {
	previous := func(now int) map[int64]string { // of due deliveries
		all := map[int64]string{}
		for _, j := range due(t, l, now, 100) {
			for _, d := range j.Deliveries {
				all[d.ID] = d.Previous
			}
		}
		return all
	}
	sent := func(ds []alert.Delivery, now int, reference string) {
		claims := claim(t, l, ids(ds), now, now+100)
		kittest.Equal(t, len(claims), 1)
		r := reported(claims[0], now, messenger.Outcome{Kind: messenger.Sent, MessageID: "1", Reference: reference})
		kittest.Equal(t, len(report(t, l, r)), 0)
		kittest.Equal(t, len(report(t, l, r)), 0) // it is recorded once
	}
	ds := queuedDeliveries(1)
	opened := add(t, l, keyedAlert("k", "high", "a", 0), ds)
	kittest.Equal(t, ds[0].Previous, "")
	waiting := queuedDeliveries(1)
	add(t, l, keyedAlert("k", "high", "b", 1), waiting)
	sent(ds, 2, "C1/17")
	jobs := due(t, l, 3, 100)
	kittest.Equal(t, []any{jobs[0].Deliveries[0].Previous, jobs[0].Content.Incident, jobs[0].Content.Reply}, []any{"C1/17", opened.ID, false})
	sent(waiting, 4, "") // a change that returns no reference

	ds = queuedDeliveries(2)
	add(t, l, keyedAlert("k", "critical", "b", 5), ds)
	kittest.Equal(t, []any{ds[0].Previous, ds[1].Previous}, []any{"C1/17", ""})
	gone := reported(claim(t, l, ids(ds[:1]), 6, 100)[0], 6, messenger.Outcome{Kind: messenger.Retry, Code: "message_not_found", PreviousGone: true})
	kittest.Equal(t, len(report(t, l, gone)), 0)
	kittest.Equal(t, previous(7)[ds[0].ID], "")
	sent(ds[:1], 8, "C1/18")
	stored := deliveries(t, l, ds[0].ID-1)[0]
	kittest.Equal(t, []any{stored.State, len(stored.Attempts), stored.Attempts[0].Outcome.Code}, []any{alert.Sent, 2, "message_not_found"})

	moved := queuedDeliveries(1)
	moved[0].Destination = "another"
	add(t, l, keyedAlert("k", "critical", "c", 10), moved)
	kittest.Equal(t, moved[0].Previous, "")
	sent(moved, 11, "another/1")
	end, resolution := keyedAlert("k", "high", "", 12), queuedDeliveries(1)
	end.Resolved, resolution[0].Destination = true, "another"
	add(t, l, end, resolution)
	kittest.Equal(t, previous(12)[resolution[0].ID], "another/1")
	sent(resolution, 13, "another/1")
	reopening := queuedDeliveries(1)
	reopening[0].Destination = "another"
	add(t, l, keyedAlert("k", "high", "c", 14), reopening)
	kittest.Equal(t, reopening[0].Previous, "another/1")
	sent(reopening, 15, "another/1")
	end.CreateTime = at(16)
	resolution = queuedDeliveries(1)
	add(t, l, end, resolution)
	sent(resolution, 17, "")
	next := queuedDeliveries(1)
	next[0].Destination = "another"
	a := keyedAlert("k", "high", "c", 16)
	a.CreateTime = at(16).Add(time.Hour)
	add(t, l, a, next)
	kittest.Equal(t, next[0].Previous, "")
	kittest.Equal(t, previous(5000)[next[0].ID], "")
}
