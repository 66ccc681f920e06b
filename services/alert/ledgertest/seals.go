package ledgertest

import (
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// testSealCounts checks that queued and claimed deliveries are counted by seal key, and no others.
func testSealCounts(t *testing.T, l alert.Ledger) {
	seals, err := l.CountBySealKey(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, len(seals), 0)
	ds := queuedDeliveries(5)
	for i, key := range []string{"b", "a", "b", "b", "a"} {
		ds[i].SealedCredential = kittest.SealedUnder(key, "rest")
	}
	ds[3].State, ds[3].Reason, ds[3].EndTime = alert.Failed, "unknown_messenger", at(1)
	a := addAlert(t, l, "normal", ds, at(10))
	claim(t, l, ids(ds)[:2], 20, 30)
	seals, err = l.CountBySealKey(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, seals, []alert.SealCount{{Prefix: kittest.SealedUnder("a", ""), Count: 2}, {Prefix: kittest.SealedUnder("b", ""), Count: 2}})
	kittest.NoError(t, kittest.ErrorOf(l.Cancel(t.Context(), a.ID, at(21))))
	seals, err = l.CountBySealKey(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, seals, []alert.SealCount{{Prefix: kittest.SealedUnder("a", ""), Count: 1}, {Prefix: kittest.SealedUnder("b", ""), Count: 1}}) // still claimed
}
