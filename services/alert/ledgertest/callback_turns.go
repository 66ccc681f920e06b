package ledgertest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"

	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// ended records an alert with a callback and n deliveries that are completed at once.
func ended(t testing.TB, l alert.Ledger, n int, change func(*alert.Alert)) {
	t.Helper()
	ds := queuedDeliveries(n)
	for i := range ds {
		ds[i].State, ds[i].Reason, ds[i].EndTime = alert.Failed, "unknown_messenger", at(0)
	}
	withCallback(t, l, ds, change)
}

// batchIDs returns the ids of the batches of a turn.
func batchIDs(turn alert.CallbackTurn) (ids []string) {
	for _, b := range turn.Batches {
		ids = append(ids, b.ID)
	}
	return ids
}

// testCallbackTurns checks the sizes of batches, and that one process at a time has the lease of
// an endpoint.
func testCallbackTurns(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "shop")
	addEndpoint(t, l, "orders")
	_, ok := take(t, l, 0)
	kittest.Equal(t, ok, false)
	total := alert.MaxTurnBatches*alert.MaxBatchReports + 3
	ended(t, l, total, nil)
	ended(t, l, 2, func(a *alert.Alert) { a.Callback = "shop" })
	turns := map[string]alert.CallbackTurn{}
	for range 2 {
		turn := mustTake(t, l, 1)
		turns[turn.Endpoint.Name] = turn
	}
	_, ok = take(t, l, 30)
	kittest.Equal(t, ok, false) // both are leased
	kittest.Equal(t, []any{len(turns["shop"].Batches), turns["shop"].Full}, []any{1, false})
	orders := turns["orders"]
	kittest.Equal(t, []any{len(orders.Batches), orders.Full, orders.Endpoint.URL}, []any{alert.MaxTurnBatches, true, endpoint.URL})
	var seen []int64
	for _, r := range sendAll(t, l, orders, 2) {
		seen = append(seen, r.ID)
	}
	kittest.Equal(t, slices.IsSorted(seen), true) // the oldest first
	rest := mustTake(t, l, 2)
	kittest.Equal(t, []any{len(rest.Batches), rest.Batches[0].Size, rest.Full}, []any{1, 3, false})
	for _, r := range sendAll(t, l, rest, 2) {
		seen = append(seen, r.ID)
	}
	slices.Sort(seen)
	kittest.Equal(t, len(slices.Compact(seen)), total)
}

// testCallbackRetries checks that a batch that was not sent, because the call failed or because
// the process was killed, is taken again unchanged.
func testCallbackRetries(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "orders")
	ended(t, l, 150, nil)
	killed := mustTake(t, l, 1)
	kittest.Equal(t, len(killed.Batches), 2)
	again := mustTake(t, l, 31)
	kittest.Equal(t, again.Batches, killed.Batches)
	kittest.Equal(t, again.Fence, killed.Fence+1)

	// The first process was only slow: what it sent counts, its failure does not.
	kittest.NoError(t, l.EndCallbacks(t.Context(), killed, alert.CallbackEnd{
		Sent: batchIDs(killed)[:1], Failed: []alert.CallbackRetry{{ID: killed.Batches[1].ID, NextTime: at(1000)}}, NextTime: at(32), Tries: 1,
	}))
	_, ok := take(t, l, 33)
	kittest.Equal(t, ok, false)
	failed := again.Batches[1]
	kittest.NoError(t, l.EndCallbacks(t.Context(), again, alert.CallbackEnd{
		Failed: []alert.CallbackRetry{{ID: failed.ID, NextTime: at(50)}}, NextTime: at(40), Tries: 1, LastError: "http_500",
	}))

	// A probe after a failed turn has one batch: another one while the failed one waits.
	ended(t, l, 250, nil)
	_, ok = take(t, l, 39)
	kittest.Equal(t, ok, false)
	probe := mustTake(t, l, 40)
	kittest.Equal(t, []any{len(probe.Batches), probe.Tries, probe.Batches[0].ID == failed.ID}, []any{1, 1, false})
	sendAll(t, l, probe, 41)
	next := mustTake(t, l, 50)
	kittest.Equal(t, []any{len(next.Batches), next.Tries, next.Batches[0].ID, next.Batches[0].Tries}, []any{3, 0, failed.ID, 1})
	kittest.Equal(t, string(next.Batches[0].Body), string(failed.Body))
	kittest.Equal(t, len(sendAll(t, l, next, 51)), 200)
	_, ok = take(t, l, 52)
	kittest.Equal(t, ok, false)

	// When an endpoint recovers, what failed before is due.
	ended(t, l, 101, nil)
	both := mustTake(t, l, 60)
	kittest.NoError(t, l.EndCallbacks(t.Context(), both, alert.CallbackEnd{
		Failed: []alert.CallbackRetry{{ID: both.Batches[0].ID, NextTime: at(1000)}, {ID: both.Batches[1].ID, NextTime: at(70)}}, NextTime: at(70), Tries: 5,
	}))
	recovered := mustTake(t, l, 70)
	kittest.Equal(t, batchIDs(recovered), batchIDs(both)[1:])
	kittest.NoError(t, l.EndCallbacks(t.Context(), recovered, alert.CallbackEnd{Sent: batchIDs(recovered), NextTime: at(71), Recovered: true}))
	kittest.Equal(t, batchIDs(mustTake(t, l, 71)), batchIDs(both)[:1])
}

// testCallbackProbes checks which batch a turn after a failed one has, and whether it is Repeated.
func testCallbackProbes(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "orders")
	// fail ends a turn whose batches failed, and are due again at at(next).
	fail := func(turn alert.CallbackTurn, now, next int) {
		end := alert.CallbackEnd{NextTime: at(now), Tries: 1}
		for _, id := range batchIDs(turn) {
			end.Failed = append(end.Failed, alert.CallbackRetry{ID: id, NextTime: at(next)})
		}
		kittest.NoError(t, l.EndCallbacks(t.Context(), turn, end))
	}
	ended(t, l, 1, nil)
	first := mustTake(t, l, 1)
	kittest.Equal(t, []any{len(first.Batches), first.Repeated}, []any{1, false})
	fail(first, 2, 2)
	alone := mustTake(t, l, 2)
	kittest.Equal(t, []any{batchIDs(alone), alone.Repeated}, []any{batchIDs(first), true})
	fail(alone, 3, 3)

	// A new batch comes before one that is due, also after its process was killed.
	ended(t, l, 1, nil)
	second := mustTake(t, l, 3)
	kittest.Equal(t, []any{len(second.Batches), second.Batches[0].Tries, second.Repeated}, []any{1, 0, false})
	ended(t, l, 1, nil)
	again := mustTake(t, l, 40)
	kittest.Equal(t, batchIDs(again), batchIDs(second))
	fail(again, 41, 41)
	third := mustTake(t, l, 41)
	kittest.Equal(t, []any{len(third.Batches), third.Batches[0].Tries}, []any{1, 0})
	fail(third, 42, 60)

	// Then comes the one that is due for longest. It is not alone, though the others may wait.
	for i, turn := range []alert.CallbackTurn{first, second} {
		probe := mustTake(t, l, 42)
		kittest.Equal(t, []any{batchIDs(probe), probe.Repeated}, []any{batchIDs(turn), false})
		fail(probe, 42, 50+10*i)
	}
	_, ok := take(t, l, 49)
	kittest.Equal(t, ok, false)
	kittest.Equal(t, batchIDs(mustTake(t, l, 50)), batchIDs(first))
}

// testCallbackTTL checks that old reports are dropped, in batches or not, and that times of a
// clock that was ahead do not delay reports.
func testCallbackTTL(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "orders")
	ended(t, l, 130, nil)
	turn := mustTake(t, l, 1)
	kittest.Equal(t, len(turn.Batches), 2)
	kittest.NoError(t, l.EndCallbacks(t.Context(), turn, alert.CallbackEnd{
		Failed: []alert.CallbackRetry{{ID: turn.Batches[0].ID, NextTime: at(10_000_000)}, {ID: turn.Batches[1].ID, NextTime: at(10_000_000)}}, NextTime: at(10_000_000), Tries: 1,
	}))
	turn = mustTake(t, l, 2)
	kittest.Equal(t, len(turn.Batches), 1)
	kittest.NoError(t, l.EndCallbacks(t.Context(), turn, alert.CallbackEnd{NextTime: at(3)}))
	ended(t, l, 120, nil)
	day := int(alert.CallbackTTL / time.Second)
	ended(t, l, 7, func(a *alert.Alert) { a.CreateTime = at(day) })
	dropped := 0
	for {
		turn = mustTake(t, l, day)
		if turn.Dropped == 0 {
			break
		}
		kittest.Equal(t, len(turn.Batches), 0)
		dropped += turn.Dropped
	}
	kittest.Equal(t, dropped, 250)
	kittest.Equal(t, len(sendAll(t, l, turn, day)), 7)
}

// testCallbackConcurrent checks that each of many reports is in one batch, while several
// processes report and take.
func testCallbackConcurrent(t *testing.T, l alert.Ledger) {
	addEndpoint(t, l, "orders")
	alerts, size := testenv.Pick(10, 40), 20
	var reporting, taking errgroup.Group
	done := make(chan struct{})
	for range alerts {
		reporting.Go(func() error {
			ds := queuedDeliveries(size)
			a := alert.Alert{Severity: "normal", Message: "x", CreateTime: start, ExpireTime: expiry, Callback: "orders"}
			added, err := l.AddAlert(t.Context(), a, ds, never)
			if err != nil {
				return err
			}
			claims, err := l.Claim(t.Context(), ids(added.Deliveries), Claimant(), at(1), at(100))
			if err != nil {
				return err
			}
			reports := make([]dispatch.Report, 0, size)
			for i, c := range claims {
				r := successReport(c, 2)
				if i%3 == 0 {
					r = failureReport(c, 2)
				}
				reports = append(reports, r)
			}
			_, err = l.Report(t.Context(), reports, at(3), rule)
			return err
		})
	}
	var mu sync.Mutex
	batches, deliveries := map[string]bool{}, map[int64]int{}
	for range 3 {
		taking.Go(func() error {
			for {
				ended := false
				select {
				case <-done:
					ended = true
				default:
				}
				turn, ok, err := l.TakeCallbacks(t.Context(), at(5), at(50), encode)
				if err != nil {
					return err
				}
				if !ok && ended {
					return nil
				}
				mu.Lock()
				for _, b := range turn.Batches {
					if batches[b.ID] {
						t.Errorf("batch %s was taken twice", b.ID)
					}
					batches[b.ID] = true
					for _, r := range decode(t, b) {
						deliveries[r.DeliveryID]++
					}
				}
				mu.Unlock()
				if ok {
					if err := l.EndCallbacks(t.Context(), turn, alert.CallbackEnd{Sent: batchIDs(turn), NextTime: at(5)}); err != nil {
						return err
					}
				}
			}
		})
	}
	err := reporting.Wait()
	close(done)
	kittest.NoError(t, err)
	kittest.NoError(t, taking.Wait())
	for turn, ok := take(t, l, 5); ok; turn, ok = take(t, l, 5) { // what the last leases hid
		for _, r := range sendAll(t, l, turn, 5) {
			deliveries[r.DeliveryID]++
		}
	}
	kittest.Equal(t, len(deliveries), alerts*size)
	for id, n := range deliveries {
		if n != 1 {
			t.Errorf("delivery %d was reported %d times", id, n)
		}
	}
}

// testCallbackDeletion checks that no report is left of an endpoint that is deleted while
// deliveries end.
func testCallbackDeletion(t *testing.T, l alert.Ledger) {
	for range testenv.Pick(5, 30) {
		addEndpoint(t, l, "orders")
		ds := queuedDeliveries(20)
		withCallback(t, l, ds, nil)
		claims := claim(t, l, ids(ds), 0, 100)
		var g errgroup.Group
		for _, c := range claims {
			g.Go(func() error {
				_, err := l.Report(t.Context(), []dispatch.Report{successReport(c, 1)}, at(2), rule)
				return err
			})
		}
		g.Go(func() error { return l.DeleteCallbackEndpoint(t.Context(), "orders") })
		kittest.NoError(t, g.Wait())
		n, err := l.CountCallbacks(t.Context())
		kittest.NoError(t, err)
		kittest.Equal(t, n, int64(0))
	}
}
