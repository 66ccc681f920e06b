package ledgertest

import (
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// sentReport returns a report that the provider accepted a message, from at(n) for a second.
func sentReport(c dispatch.Claim, n int, message string) dispatch.Report {
	return reported(c, n, messenger.Outcome{Kind: messenger.Sent, Status: 201, MessageID: message})
}

// receiptOf returns the receipt for a message at at(n).
func receiptOf(message, status string, n int) alert.Receipt {
	r := alert.Receipt{MessageID: message, Status: status, Time: at(n), Final: status == "delivered"}
	if status == "undelivered" {
		r.Code, r.Final, r.Failed = "30003", true, true
	}
	return r
}

func receive(t testing.TB, l alert.Ledger, id int64, r alert.Receipt) {
	t.Helper()
	kittest.NoError(t, l.RecordReceipt(t.Context(), id, r))
}

// testReceipt checks that the latest receipt counts until one is final, and that only a failed one
// changes the state of a delivery.
func testReceipt(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 100)
	report(t, l, sentReport(claims[0], 1, "SM1"), sentReport(claims[1], 1, "SM2"))
	before := deliveries(t, l, a.ID)
	kittest.Equal(t, before[0].Receipt, alert.Receipt{})
	for i, status := range []string{"sent", "queued", "queued", "delivered", "sent", "undelivered", "delivered"} {
		receive(t, l, ds[0].ID, receiptOf("SM1", status, 3+i))
		want := receiptOf("SM1", status, 3+i)
		if i > 3 {
			want = receiptOf("SM1", "delivered", 6)
		}
		kittest.Equal(t, deliveries(t, l, a.ID)[0].Receipt, want)
	}
	after := deliveries(t, l, a.ID)
	before[0].Receipt = receiptOf("SM1", "delivered", 6)
	kittest.Equal(t, after, before)
}

// testReceiptFailed checks that a delivery that was accepted and not delivered is Failed, keeps its
// attempt and can be replayed, and that receipts for the first message do not affect the second.
func testReceiptFailed(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 100)
	first := sentReport(claims[0], 1, "SM1")
	report(t, l, first, sentReport(claims[1], 1, "SM2"))
	receive(t, l, ds[0].ID, receiptOf("SM1", "undelivered", 5))
	receive(t, l, ds[0].ID, receiptOf("SM1", "undelivered", 6))
	got, kept, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 0, 1, 1))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 5 undelivered", "sent 2"})
	kittest.Equal(t, kept[0].Attempts, []alert.Attempt{attempt(1, first, false)})
	kittest.Equal(t, kept[0].Receipt, receiptOf("SM1", "undelivered", 5))
	list, err := l.Alerts(t.Context(), alert.AlertQuery{State: alert.Failed, Limit: 1})
	kittest.NoError(t, err)
	kittest.Equal(t, list[0].Counts, got.Counts)

	kittest.Equal(t, replay(t, l, alert.ReplaySelection{Reason: "undelivered"}, 7, 1000), 1)
	again := claim(t, l, ids(ds), 8, 100)[0]
	receive(t, l, ds[0].ID, receiptOf("SM3", "queued", 9))
	receive(t, l, ds[0].ID, receiptOf("SM1", "sent", 9)) // late
	report(t, l, sentReport(again, 8, "SM3"))
	receive(t, l, ds[0].ID, receiptOf("SM1", "undelivered", 10)) // even later
	kittest.Equal(t, deliveries(t, l, a.ID)[0].Receipt, receiptOf("SM3", "queued", 9))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"sent 9", "sent 2"})
	receive(t, l, ds[0].ID, receiptOf("SM3", "undelivered", 11))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 11 undelivered", "sent 2"})
}

// testReceiptEarly checks that a receipt before the report counts, if the report is of the same
// message.
func testReceiptEarly(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(3)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 100)
	for i, message := range []string{"SM1", "SM2", "another"} {
		receive(t, l, ds[i].ID, receiptOf(message, []string{"undelivered", "delivered", "undelivered"}[i], 1))
	}
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"claimed -1", "claimed -1", "claimed -1"})
	reports := []dispatch.Report{sentReport(claims[0], 1, "SM1"), sentReport(claims[1], 1, "SM2"), sentReport(claims[2], 1, "SM3")}
	report(t, l, reports...)
	kittest.Equal(t, report(t, l, reports...), []int64(nil)) // recorded already
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 2 undelivered", "sent 2", "sent 2"})
	kittest.Equal(t, deliveries(t, l, a.ID)[0].Attempts[0].Outcome.Kind, messenger.Sent)
}

// testReceiptChain checks that a failed receipt resumes the deliveries of a chain that were canceled
// as not needed, one after the other.
func testReceiptChain(t *testing.T, l alert.Ledger) {
	ds := chain(1, 3)
	a := addAlert(t, l, "normal", ds, never)
	report(t, l, sentReport(claim(t, l, ids(ds), 0, 100)[0], 1, "SM1"))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"sent 2", "canceled 2 not_needed", "canceled 2 not_needed"})
	receive(t, l, ds[0].ID, receiptOf("SM1", "undelivered", 10))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 10 undelivered", "queued -1", "held 70"})
	report(t, l, sentReport(claim(t, l, ids(ds), 11, 100)[0], 11, "SM2"))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 10 undelivered", "sent 12", "canceled 12 not_needed"})

	// A receipt before the report does not cancel the rest of the chain.
	quick := chain(2, 2)
	b := addAlert(t, l, "normal", quick, never)
	first := claim(t, l, ids(quick), 0, 100)[0]
	receive(t, l, quick[0].ID, receiptOf("SM1", "undelivered", 1))
	report(t, l, sentReport(first, 1, "SM1"))
	kittest.Equal(t, stateLines(t, l, b.ID), []string{"failed 2 undelivered", "queued -1"})
}

// testReceiptChainNotResumed checks the deliveries that a receipt does not resume: those of a
// canceled alert, expired ones, and those of a chain of which another delivery was sent.
func testReceiptChainNotResumed(t *testing.T, l alert.Ledger) {
	for _, c := range []struct {
		name    string
		between func(a alert.Alert, ds []alert.Delivery)
		when    int
		want    []string
	}{
		{"canceled", func(a alert.Alert, _ []alert.Delivery) { kittest.Equal(t, cancel(t, l, a.ID, 5), 0) }, 10,
			[]string{"failed 10 undelivered", "canceled 2 not_needed", "canceled 2 not_needed"}},
		{"expired", func(alert.Alert, []alert.Delivery) {}, 200,
			[]string{"failed 200 undelivered", "canceled 2 not_needed", "canceled 2 not_needed"}},
		{"another is sent", func(_ alert.Alert, ds []alert.Delivery) {
			receive(t, l, ds[0].ID, receiptOf("SM1", "undelivered", 3))
			second := claim(t, l, ids(ds), 4, 100)[0]
			kittest.Equal(t, replay(t, l, alert.ReplaySelection{IDs: ids(ds[:1])}, 4, 200), 1)
			report(t, l, sentReport(claim(t, l, ids(ds[:1]), 5, 100)[0], 5, "SM3"), sentReport(second, 5, "SM2"))
			receive(t, l, ds[0].ID, receiptOf("SM3", "undelivered", 10))
		}, 11, []string{"failed 10 undelivered", "sent 6", "canceled 6 not_needed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ds := chain(1, 3)
			a := addUntil(t, l, "normal", ds, never, at(150))
			report(t, l, sentReport(claim(t, l, ids(ds), 0, 100)[0], 1, "SM1"))
			c.between(a, ds)
			receive(t, l, ds[0].ID, receiptOf("SM1", "undelivered", c.when))
			kittest.Equal(t, stateLines(t, l, a.ID), c.want)
		})
	}
}

func testReceiptInput(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1)
	a := addAlert(t, l, "normal", ds, never)
	before := deliveries(t, l, a.ID)
	kittest.Error(t, l.RecordReceipt(t.Context(), 99, receiptOf("SM1", "sent", 1)), fault.ErrNotFound, "delivery 99")
	for _, r := range []alert.Receipt{
		{}, {Status: "sent", Time: at(1)}, {MessageID: "SM1", Time: at(1)}, {MessageID: "SM1", Status: "sent"},
		{MessageID: "SM1", Status: "failed", Time: at(1), Failed: true},
	} {
		kittest.Error(t, l.RecordReceipt(t.Context(), ds[0].ID, r), fault.ErrInvalid)
	}
	kittest.Equal(t, deliveries(t, l, a.ID), before)
	receive(t, l, ds[0].ID, receiptOf("S\x00M\xff", "se\x00nt", 1))
	kittest.Equal(t, deliveries(t, l, a.ID)[0].Receipt, receiptOf("S\uFFFDM\uFFFD", "se\uFFFDnt", 1))

	of, err := l.CredentialOf(t.Context(), ds[0].ID, "slack")
	kittest.NoError(t, err)
	kittest.Equal(t, of, alert.Delivery{SealedCredential: ds[0].SealedCredential, Nickname: ds[0].Nickname, Destination: ds[0].Destination})
	kittest.Error(t, kittest.ErrorOf(l.CredentialOf(t.Context(), ds[0].ID, "twilio")), fault.ErrNotFound, fmt.Sprint(ds[0].ID))
	kittest.Error(t, kittest.ErrorOf(l.CredentialOf(t.Context(), 99, "slack")), fault.ErrNotFound)
}

// testReceiptsConcurrent checks that concurrent receipts and reports complete each delivery by
// its final receipt, in any order.
func testReceiptsConcurrent(t *testing.T, l alert.Ledger) {
	const many = 50
	ds := queuedDeliveries(many)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 100)
	for _, err := range kittest.Concurrently(4*many, func(i int) error {
		n := i / 4
		if i%4 == 0 {
			return kittest.ErrorOf(l.Report(t.Context(), []dispatch.Report{sentReport(claims[n], 1, "SM1")}, at(2), rule))
		}
		last := []string{"delivered", "undelivered"}[n%2]
		return l.RecordReceipt(t.Context(), ds[n].ID, receiptOf("SM1", []string{"queued", "sent", last}[i%4-1], 2))
	}) {
		kittest.NoError(t, err)
	}
	for n, got := range stateLines(t, l, a.ID) {
		kittest.Equal(t, got, []string{"sent 2", "failed 2 undelivered"}[n%2])
	}
}
