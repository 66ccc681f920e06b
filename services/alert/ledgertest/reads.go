package ledgertest

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// readReceipt returns the receipt of a delivery that was read at at(n).
func readReceipt(id int64, n int) alert.Receipt {
	return alert.Receipt{MessageID: messenger.Message{DeliveryID: id}.IdempotencyHandle(), Status: "read", Time: at(n), Final: true}
}

func recordReads(t testing.TB, l alert.Ledger, reads ...alert.DeliveryRead) []int64 {
	t.Helper()
	changed, err := l.RecordReads(t.Context(), reads)
	kittest.NoError(t, err)
	return changed
}

// testReads checks that the first read of a delivery counts, and changes nothing but its receipt.
func testReads(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(4)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 100)
	report(t, l, sentReport(claims[0], 1, "m"), sentReport(claims[2], 1, readReceipt(ds[2].ID, 0).MessageID))
	want := deliveries(t, l, a.ID)
	kittest.Equal(t, len(recordReads(t, l)), 0)
	kittest.Equal(t, recordReads(t, l,
		alert.DeliveryRead{DeliveryID: ds[2].ID, Time: at(5)}, alert.DeliveryRead{DeliveryID: ds[0].ID, Time: at(4)},
		alert.DeliveryRead{DeliveryID: 1 << 60, Time: at(4)}, alert.DeliveryRead{DeliveryID: ds[0].ID, Time: at(3)},
	), []int64{ds[0].ID, ds[2].ID})
	want[0].Receipt, want[2].Receipt = readReceipt(ds[0].ID, 3), readReceipt(ds[2].ID, 5)
	kittest.Equal(t, deliveries(t, l, a.ID), want)
	kittest.Equal(t, len(recordReads(t, l, alert.DeliveryRead{DeliveryID: ds[0].ID, Time: at(2)})), 0)
	receive(t, l, ds[2].ID, receiptOf(readReceipt(ds[2].ID, 0).MessageID, "sent", 9)) // it is final
	kittest.Equal(t, deliveries(t, l, a.ID), want)
}

// testReadEarly checks that a read before the report does not change how the report is recorded.
func testReadEarly(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 100)
	kittest.Equal(t, recordReads(t, l, alert.DeliveryRead{DeliveryID: ds[0].ID, Time: at(1)}), []int64{ds[0].ID})
	report(t, l, sentReport(claims[0], 1, readReceipt(ds[0].ID, 0).MessageID), sentReport(claims[1], 1, readReceipt(ds[1].ID, 0).MessageID))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"sent 2", "sent 2"})
	kittest.Equal(t, deliveries(t, l, a.ID)[0].Receipt, readReceipt(ds[0].ID, 1))
}

// testReadsMany checks a call with more reads than one statement has, of which some were read
// before.
func testReadsMany(t *testing.T, l alert.Ledger) {
	const many = 700
	ds := queuedDeliveries(many)
	addAlert(t, l, "normal", ds, never)
	var half, all []alert.DeliveryRead
	for i, d := range ds {
		r := alert.DeliveryRead{DeliveryID: d.ID, Time: at(2)}
		all = append(all, r)
		if i%2 == 0 {
			half = append(half, r)
		}
	}
	kittest.Equal(t, len(recordReads(t, l, half...)), many/2)
	kittest.Equal(t, len(recordReads(t, l, all...)), many/2)
	kittest.Equal(t, len(recordReads(t, l, all...)), 0)
}

// testReadsConcurrent checks that of concurrent calls one changes each delivery.
func testReadsConcurrent(t *testing.T, l alert.Ledger) {
	const many, callers = 20, 6
	ds := queuedDeliveries(many)
	addAlert(t, l, "normal", ds, never)
	var changed [callers]int
	for _, err := range kittest.Concurrently(callers, func(i int) error {
		var reads []alert.DeliveryRead
		for k := range ds {
			d := ds[k]
			if i%2 == 0 {
				d = ds[many-1-k]
			}
			reads = append(reads, alert.DeliveryRead{DeliveryID: d.ID, Time: at(i)})
		}
		ids, err := l.RecordReads(t.Context(), reads)
		changed[i] = len(ids)
		return err
	}) {
		kittest.NoError(t, err)
	}
	sum := 0
	for _, n := range changed {
		sum += n
	}
	kittest.Equal(t, sum, many)
}
