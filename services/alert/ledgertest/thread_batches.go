package ledgertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A threadAlert is an alert of a key with one delivery, or with a failover chain of two.
type threadAlert struct {
	digest             string
	resolved, acked    bool
	hold               alert.Hold
	chained, callbacks bool
}

// threadAlerts are the alerts of testThreadBatches by their letters.
var threadAlerts = map[byte]threadAlert{
	'u': {},                       // an update, or a repeat of an incident that 'u' opened
	'v': {digest: "v"},            // with other values
	'd': {hold: alert.HoldDigest}, // held back by a digest
	'e': {digest: "e", hold: alert.HoldDigest},
	'q': {digest: "q", hold: alert.HoldQuietHours, callbacks: true},
	'r': {resolved: true, callbacks: true},
	's': {resolved: true, hold: alert.HoldDigest},
	'a': {acked: true},
	'c': {digest: "c", chained: true},
}

// addition returns the alert with its deliveries.
func (ta threadAlert) addition(key string, now int) alert.Addition {
	a := alert.Alert{
		Targets: []string{"@all"}, Severity: "normal", Message: "node1 down", AlertKey: key, Resolved: ta.resolved, Acknowledged: ta.acked,
		CreateTime: at(now), ExpireTime: expiry, Policy: alert.IncidentPolicy{Digest: ta.digest, RepeatAfter: time.Hour, FlapWindow: time.Minute},
	}
	if ta.callbacks {
		a.Callback = "orders"
	}
	ds := queuedDeliveries(1)
	switch {
	case ta.chained:
		ds = chain(1, 2)
	case ta.hold != alert.HoldNone:
		ds = heldBack(1, ta.hold, 60)
	}
	return alert.Addition{Alert: a, Deliveries: ds, Retry: never}
}

// testThreadBatches checks that alerts of a key that are recorded by one call end as if each was
// recorded by a call of its own: settled before they are inserted, among themselves and with the
// stored deliveries of the thread, of which the first was sent, is claimed, may have been received,
// waits for a retry, or was not attempted. A message of quiet hours after two of a digest is left out:
// it keeps the first of these if all come at once.
func testThreadBatches(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "orders")
	for _, letters := range strings.Fields(`uv vu de ed dd qe qd ur dr rd ru us sd ua av da ra ar uc cu dc cd rc cr
		uvr dev dqe qdev uru drd dsd uau dad dcd vcv cvc ddd eee rrr aaa udvr edru sdsd`) {
		for _, stored := range []string{"", "u", "d", "ud", "sent", "claimed", "unknown", "retry"} {
			t.Run(letters+" after "+stored, func(t *testing.T) {
				record := func(key string, single bool) (lines []string) {
					before := storeThread(t, l, key, stored)
					var adds []alert.Addition
					for i := range letters {
						adds = append(adds, threadAlerts[letters[i]].addition(key, 5))
					}
					size := len(adds)
					if single {
						size = 1
					}
					var all []int64
					for some := range slices.Chunk(adds, size) {
						results, err := l.AddAlerts(t.Context(), some)
						kittest.NoError(t, err)
						for _, r := range results {
							kittest.NoError(t, r.Err)
							all = append(all, r.Alert.ID)
						}
					}
					for _, id := range append(before, all...) {
						lines = append(lines, stateLines(t, l, id)...)
					}
					return lines
				}
				name := letters + " after " + stored
				kittest.Equal(t, record(name+" at once", false), record(name, true))
				reports := callbackLines(t, l, 10)
				half := len(reports) / 2
				first, second := slices.Sorted(slices.Values(reports[:half])), slices.Sorted(slices.Values(reports[half:]))
				kittest.Equal(t, first, second)
			})
		}
	}
}

// storeThread records the deliveries that a key has before, and returns their alerts.
func storeThread(t *testing.T, l alert.Ledger, key, stored string) (ids []int64) {
	t.Helper()
	add := func(ta threadAlert, now int) alert.AddResult {
		results, err := l.AddAlerts(t.Context(), []alert.Addition{ta.addition(key, now)})
		kittest.NoError(t, err)
		kittest.NoError(t, results[0].Err)
		ids = append(ids, results[0].Alert.ID)
		return results[0]
	}
	switch stored {
	case "":
	case "u", "d", "ud":
		for i := range stored {
			ta := threadAlerts[stored[i]]
			ta.digest = fmt.Sprint("before ", i)
			add(ta, i)
		}
	default:
		r := add(threadAlert{digest: "before"}, 0)
		c := claim(t, l, []int64{r.Deliveries[0].ID}, 1, 100)[0]
		switch stored {
		case "sent":
			report(t, l, successReport(c, 1))
		case "unknown":
			report(t, l, unknownReport(c, 1))
		case "retry":
			report(t, l, retryReport(c, 1))
		}
	}
	return ids
}
