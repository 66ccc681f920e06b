package ledgertest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// endpoint is the callback endpoint of the tests.
var endpoint = alert.CallbackEndpoint{Name: "orders", URL: "https://orders.example.com/hook", SealedSecret: []byte{1, 0, 0xff}, CreateTime: start}

// addEndpoint adds a callback endpoint with a name.
func addEndpoint(t testing.TB, l alert.Ledger, name string) {
	t.Helper()
	e := endpoint
	e.Name = name
	kittest.NoError(t, l.AddCallbackEndpoint(t.Context(), e))
}

// withCallback records an alert whose callback is the endpoint orders. change, if not nil,
// changes it before.
func withCallback(t testing.TB, l alert.Ledger, ds []alert.Delivery, change func(*alert.Alert)) alert.Alert {
	t.Helper()
	a := alert.Alert{Targets: []string{"@all"}, Severity: "normal", Message: "order 7 created", CreateTime: start, ExpireTime: expiry, Callback: "orders"}
	if change != nil {
		change(&a)
	}
	added, err := l.AddAlert(t.Context(), a, ds, never)
	return recorded(t, added, err, ds)
}

// encode returns a batch with a random id and its reports as JSON.
func encode(reports []alert.CallbackReport) (string, []byte) {
	body, err := json.Marshal(reports)
	if err != nil {
		panic(err)
	}
	return rand.Text(), body
}

// decode returns the reports of a batch.
func decode(t testing.TB, b alert.CallbackBatch) (reports []alert.CallbackReport) {
	t.Helper()
	kittest.NoError(t, json.Unmarshal(b.Body, &reports))
	kittest.Equal(t, len(reports), b.Size)
	return reports
}

// take takes the next turn at at(now), with a lease of half a minute.
func take(t testing.TB, l alert.Ledger, now int) (alert.CallbackTurn, bool) {
	t.Helper()
	turn, ok, err := l.TakeCallbacks(t.Context(), at(now), at(now+30), encode)
	kittest.NoError(t, err)
	return turn, ok
}

// mustTake is take where there must be a turn.
func mustTake(t testing.TB, l alert.Ledger, now int) alert.CallbackTurn {
	t.Helper()
	turn, ok := take(t, l, now)
	if !ok {
		t.Fatalf("no turn at %d", now)
	}
	return turn
}

// sendAll ends a turn whose batches were all sent, and returns their reports.
func sendAll(t testing.TB, l alert.Ledger, turn alert.CallbackTurn, now int) (reports []alert.CallbackReport) {
	t.Helper()
	end := alert.CallbackEnd{NextTime: at(now)}
	for _, b := range turn.Batches {
		reports = append(reports, decode(t, b)...)
		end.Sent = append(end.Sent, b.ID)
	}
	kittest.NoError(t, l.EndCallbacks(t.Context(), turn, end))
	return reports
}

// callbacks sends all reports at at(now), and returns them.
func callbacks(t testing.TB, l alert.Ledger, now int) (reports []alert.CallbackReport) {
	t.Helper()
	for {
		turn, ok := take(t, l, now)
		if !ok {
			return reports
		}
		reports = append(reports, sendAll(t, l, turn, now)...)
	}
}

// callbackLines sends all reports at at(now), and returns each as "recipient state reason end",
// with the time of a read one.
func callbackLines(t testing.TB, l alert.Ledger, now int) []string {
	t.Helper()
	lines := []string{}
	for _, r := range callbacks(t, l, now) {
		line := fmt.Sprintf("%s %s %s %d", r.Nickname, stateNames[r.State], r.Reason, int(r.EndTime.Sub(start)/time.Second))
		if !r.ReadTime.IsZero() {
			line += fmt.Sprintf(" read %d", int(r.ReadTime.Sub(start)/time.Second))
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// stateNames are the names of states in callbackLines.
var stateNames = map[alert.State]string{
	alert.Queued: "queued", alert.Claimed: "claimed", alert.Sent: "sent", alert.Failed: "failed", alert.Expired: "expired", alert.Canceled: "canceled",
}

func testCallbackEndpoints(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "shop")
	addEndpoint(t, l, "orders")
	kittest.Error(t, l.AddCallbackEndpoint(t.Context(), endpoint), fault.ErrExists, "orders")
	kittest.Error(t, l.AddCallbackEndpoint(t.Context(), alert.CallbackEndpoint{Name: "a\x00b", CreateTime: start}), fault.ErrInvalid)
	ds := queuedDeliveries(2)
	withCallback(t, l, ds, nil)
	claims := claim(t, l, ids(ds), 0, 100)
	report(t, l, successReport(claims[0], 1))
	all, err := l.CallbackEndpoints(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), 2)
	want := endpoint
	want.ID, want.WaitingCount = all[0].ID, 1
	kittest.Equal(t, all[0], want)
	kittest.Equal(t, all[1].Name, "shop")

	kittest.NoError(t, l.ResealCallbackEndpoint(t.Context(), all[0].ID, []byte("other"), []byte("x")))
	kittest.NoError(t, l.ResealCallbackEndpoint(t.Context(), all[0].ID, endpoint.SealedSecret, []byte{1, 0, 0, 0, 7, 7}))
	turn := mustTake(t, l, 3)
	kittest.Equal(t, turn.Endpoint.SealedSecret, []byte{1, 0, 0, 0, 7, 7})
	seals, err := l.CountBySealKey(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, slices.IndexFunc(seals, func(s alert.SealCount) bool {
		return slices.Equal(s.Prefix, []byte{1, 0, 0, 0, 7}) && s.Callbacks == 1 && s.Count == 0
	}) >= 0, true)
	kittest.NoError(t, l.EndCallbacks(t.Context(), turn, alert.CallbackEnd{NextTime: at(40), Tries: 1, LastError: "status\x00 500"}))
	all, err = l.CallbackEndpoints(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, all[0].LastError, "status\uFFFD 500")
	kittest.Equal(t, all[0].WaitingCount, int64(1))
	n, err := l.CountCallbacks(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, n, int64(1))

	// A deleted endpoint gets nothing, nor does the next one with its name.
	kittest.NoError(t, l.DeleteCallbackEndpoint(t.Context(), "orders"))
	kittest.Error(t, l.DeleteCallbackEndpoint(t.Context(), "orders"), fault.ErrNotFound, "orders")
	addEndpoint(t, l, "orders")
	report(t, l, successReport(claims[1], 5))
	kittest.Equal(t, callbackLines(t, l, 1000), []string{})
}

func testCallbackUnknown(t *testing.T, l alert.Ledger) {
	a := alert.Alert{Severity: "normal", Message: "x", CreateTime: start, ExpireTime: expiry, Callback: "orders", IdempotencyKey: "k", RequestDigest: []byte("d")}
	_, err := l.AddAlert(t.Context(), a, queuedDeliveries(1), never)
	kittest.Error(t, err, fault.ErrInvalid, `"orders"`)
	kittest.Equal(t, fault.Fields(err)[0].Path, "callback")
	kittest.Equal(t, fault.ReasonOf(err), alert.UnknownCallback)
	bad := a
	bad.Callback = "\xff"
	_, err = l.AddAlert(t.Context(), bad, queuedDeliveries(1), never)
	kittest.Error(t, err, fault.ErrInvalid)
	addEndpoint(t, l, "orders")
	first, err := l.AddAlert(t.Context(), a, queuedDeliveries(1), never)
	kittest.NoError(t, err)
	kittest.Equal(t, first.Duplicate, false) // the refused one did not take the key
	again, err := l.AddAlert(t.Context(), a, queuedDeliveries(1), never)
	kittest.NoError(t, err)
	kittest.Equal(t, []any{again.Duplicate, again.Alert.ID, again.Alert.Callback}, []any{true, first.Alert.ID, "orders"})
}

// testCallbackEnds checks that each way to complete a delivery is reported once, with the state
// at that time, and that nothing is reported without a callback.
func testCallbackEnds(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "orders")
	silent := queuedDeliveries(2)
	quiet := addAlert(t, l, "normal", silent, never)
	report(t, l, successReport(claim(t, l, ids(silent[:1]), 0, 100)[0], 1))
	cancel(t, l, quiet.ID, 2)
	kittest.Equal(t, callbackLines(t, l, 2), []string{})

	ds := queuedDeliveries(7)
	ds[6].State, ds[6].Reason, ds[6].EndTime = alert.Failed, "unknown_messenger", at(0)
	a := withCallback(t, l, ds, func(a *alert.Alert) { a.ExpireTime = at(60) })
	kittest.Equal(t, a.Callback, "orders")
	kittest.Equal(t, callbackLines(t, l, 2), []string{"user7 failed unknown_messenger 0"})
	claims := claim(t, l, ids(ds[:5]), 2, 20)
	moved := successReport(claims[4], 3)
	moved.Outcome.Truncated = true
	report(t, l, successReport(claims[0], 3), failureReport(claims[1], 3), retryReport(claims[2], 3), moved)
	report(t, l, successReport(claims[0], 3), successReport(claims[1], 9)) // repeated, and fenced
	got := callbacks(t, l, 5)
	kittest.Equal(t, len(got), 3)
	slices.SortFunc(got, func(a, b alert.CallbackReport) int { return cmp.Compare(a.DeliveryID, b.DeliveryID) })
	first := got[0]
	kittest.Equal(t, first.ID > 0, true)
	first.ID = 0
	kittest.Equal(t, first, alert.CallbackReport{
		AlertID: a.ID, DeliveryID: ds[0].ID, Nickname: "user1", Messenger: "slack", State: alert.Sent, EndTime: at(4), CreateTime: at(4),
	})
	kittest.Equal(t, []any{got[1].State, got[1].Reason}, []any{alert.Failed, "channel_not_found"})
	kittest.Equal(t, got[2].Nickname, "user5")
	kittest.Equal(t, sweep(t, l, 20), 1) // the lease of user4, which is retried
	kittest.Equal(t, callbackLines(t, l, 20), []string{})
	cancel(t, l, a.ID, 21) // user3, user4 and user6
	cancel(t, l, a.ID, 22)
	kittest.Equal(t, callbackLines(t, l, 22), []string{"user3 canceled canceled 21", "user4 canceled canceled 21", "user6 canceled canceled 21"})

	kittest.Equal(t, replay(t, l, alert.ReplaySelection{Reason: "channel_not_found"}, 30, 100), 1)
	kittest.Equal(t, callbackLines(t, l, 31), []string{})
	kittest.Equal(t, sweep(t, l, 100), 1)
	kittest.Equal(t, callbackLines(t, l, 100), []string{"user2 expired expired 100"})

	late := queuedDeliveries(2)
	withCallback(t, l, late, func(a *alert.Alert) { a.ExpireTime = at(200) })
	claim(t, l, ids(late[:1]), 150, 199)
	kittest.Equal(t, sweep(t, l, 300), 2)
	kittest.Equal(t, callbackLines(t, l, 300), []string{"user1 expired expired 300", "user2 expired expired 300"})
}

// testCallbackDeferred checks that a delivery that was canceled while it was claimed is reported
// when its sender defers it.
func testCallbackDeferred(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "orders")
	ds := queuedDeliveries(2)
	a := withCallback(t, l, ds, nil)
	claims := claim(t, l, ids(ds), 0, 100)
	cancel(t, l, a.ID, 1)
	kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: ds[0].ID, Fence: claims[0].Fence, Time: at(50)}}, at(2)))
	kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: ds[0].ID, Fence: claims[0].Fence, Time: at(50)}}, at(3)))
	kittest.Equal(t, callbackLines(t, l, 3), []string{"user1 canceled canceled 2"})
	report(t, l, retryReport(claims[1], 4))
	kittest.Equal(t, callbackLines(t, l, 5), []string{"user2 canceled canceled 5"})
}

// testCallbackChain checks that the rest of a chain is reported when it is not needed, and again
// when a receipt makes it needed.
func testCallbackChain(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "orders")
	ds := queuedDeliveries(3)
	for i := range ds {
		ds[i].Nickname, ds[i].Chain = fmt.Sprintf("kim%d", i+1), 1
		if i > 0 {
			ds[i].State, ds[i].NextTime = alert.Held, at(60*i)
		}
	}
	withCallback(t, l, ds, nil)
	first := claim(t, l, ids(ds[:1]), 0, 100)[0]
	report(t, l, sentReport(first, 1, "SM1"))
	kittest.Equal(t, callbackLines(t, l, 2), []string{"kim1 sent  2", "kim2 canceled not_needed 2", "kim3 canceled not_needed 2"})
	receive(t, l, ds[0].ID, receiptOf("SM1", "undelivered", 5))
	kittest.Equal(t, callbackLines(t, l, 5), []string{"kim1 failed undelivered 5"})
	report(t, l, sentReport(claim(t, l, ids(ds[1:2]), 6, 100)[0], 6, "SM2"))
	kittest.Equal(t, callbackLines(t, l, 7), []string{"kim2 sent  7", "kim3 canceled not_needed 7"})
}

// testCallbackThread checks that superseded and unneeded deliveries of an alert key are reported.
func testCallbackThread(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "orders")
	key := func(resolved bool) func(*alert.Alert) {
		return func(a *alert.Alert) { a.AlertKey, a.Resolved = "disk", resolved }
	}
	withCallback(t, l, queuedDeliveries(1), key(true))
	kittest.Equal(t, callbackLines(t, l, 1), []string{"user1 canceled not_needed 0"})
	withCallback(t, l, queuedDeliveries(1), key(false))
	kittest.Equal(t, callbackLines(t, l, 1), []string{})
	withCallback(t, l, queuedDeliveries(1), key(true))
	kittest.Equal(t, callbackLines(t, l, 1), []string{"user1 canceled not_needed 0", "user1 canceled superseded 0"})
}

func testCallbackRead(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "orders")
	ds, silent := queuedDeliveries(1), queuedDeliveries(1)
	withCallback(t, l, ds, nil)
	addAlert(t, l, "normal", silent, never)
	for _, d := range []alert.Delivery{ds[0], silent[0]} {
		report(t, l, sentReport(claim(t, l, []int64{d.ID}, 0, 100)[0], 1, "SM1"))
		receive(t, l, d.ID, receiptOf("SM1", "queued", 3))
	}
	kittest.Equal(t, callbackLines(t, l, 3), []string{"user1 sent  2"})
	for _, d := range []alert.Delivery{ds[0], silent[0]} {
		receive(t, l, d.ID, receiptOf("SM1", alert.ReadStatus, 4))
		receive(t, l, d.ID, receiptOf("SM1", alert.ReadStatus, 5)) // repeated
	}
	kittest.Equal(t, callbackLines(t, l, 5), []string{"user1 sent  2 read 4"})
}
