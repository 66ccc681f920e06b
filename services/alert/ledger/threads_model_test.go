package ledger_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/alert/ledgertest"
)

// A keyedDelivery is a delivery of an alert with a key.
type keyedDelivery struct {
	id       int64
	resolves bool
}

// A keyedWorld is a ledger with alerts of one key, and the threads with their deliveries in order.
type keyedWorld struct {
	l       *ledger.Store
	now     int
	alerts  []int64
	threads map[string][]*keyedDelivery
	byID    map[int64]*keyedDelivery
	claimed map[int64]int64 // fencing tokens
}

// TestThreadsModel records firing, repeated, acknowledged and resolved alerts of a key, with and
// without chains, and runs calls of senders and users in random order; after each step it checks each
// thread.
func TestThreadsModel(t *testing.T) {
	t.Parallel()
	folder, n := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		l, err := ledger.Open(t.Context(), filepath.Join(folder, strconv.Itoa(n)+".db"), time.Now)
		if err != nil {
			r.Fatal(err)
		}
		defer l.Close()
		w := &keyedWorld{l: l, threads: map[string][]*keyedDelivery{}, byID: map[int64]*keyedDelivery{}, claimed: map[int64]int64{}}
		w.add(r)
		r.Repeat(map[string]func(*rapid.T){
			"":       w.compare,
			"add":    w.add,
			"wait":   func(r *rapid.T) { w.now += rapid.IntRange(1, 20).Draw(r, "seconds") },
			"claim":  w.claim,
			"report": w.report,
			"defer":  w.deferAll,
			"due": func(r *rapid.T) {
				_, err := l.TakeDue(r.Context(), clock(w.now), clock(w.now+10), 0, 100, 5)
				w.must(r, err)
			},
			"re-enqueue": func(r *rapid.T) { _, err := l.Reenqueue(r.Context(), clock(w.now), clock(w.now+100)); w.must(r, err) },
			"sweep":      func(r *rapid.T) { _, err := l.Sweep(r.Context(), clock(w.now), 100, rule); w.must(r, err) },
			"cancel":     func(r *rapid.T) { _, err := l.Cancel(r.Context(), w.some(r), clock(w.now)); w.must(r, err) },
			"replay": func(r *rapid.T) {
				_, err := l.Replay(r.Context(), alert.ReplaySelection{AlertID: w.some(r)}, clock(w.now), clock(w.now+50), false)
				w.must(r, err)
			},
			"receipt": w.receipt,
		})
	})
}

func (w *keyedWorld) must(r *rapid.T, err error) {
	if err != nil {
		r.Fatal(err)
	}
}

// some draws an alert.
func (w *keyedWorld) some(r *rapid.T) int64 { return rapid.SampledFrom(w.alerts).Draw(r, "alert") }

func (w *keyedWorld) add(r *rapid.T) {
	if len(w.alerts) == 6 {
		r.Skip("enough alerts")
	}
	resolved := rapid.Bool().Draw(r, "resolved")
	acknowledged := !resolved && rapid.IntRange(0, 3).Draw(r, "acknowledged") == 0
	chained := !resolved && !acknowledged && rapid.Bool().Draw(r, "chained")
	ds := make([]alert.Delivery, rapid.IntRange(1, 3).Draw(r, "deliveries"))
	for i := range ds {
		ds[i] = alert.Delivery{Nickname: "kim", Messenger: fmt.Sprint("m", i), State: alert.Queued}
		if chained {
			ds[i].Chain = 1
		}
		if chained && i > 0 {
			ds[i].State, ds[i].NextTime = alert.Held, clock(w.now+10*i)
		}
	}
	a := alert.Alert{
		Severity: "high", Message: "x", AlertKey: "k", Resolved: resolved, Acknowledged: acknowledged, CreateTime: clock(w.now),
		Policy: alert.IncidentPolicy{
			RepeatAfter: rapid.SampledFrom([]time.Duration{0, 30 * time.Second}).Draw(r, "repeat after"),
			Digest:      rapid.SampledFrom([]string{"a", "b"}).Draw(r, "digest"),
		},
		ExpireTime: clock(w.now + rapid.SampledFrom([]int{20, 1000}).Draw(r, "ttl")),
	}
	added, err := w.l.AddAlert(r.Context(), a, ds, clock(w.now+5))
	w.must(r, err)
	a, ds = added.Alert, added.Deliveries
	w.alerts = append(w.alerts, a.ID)
	_, kept, err := w.l.Alert(r.Context(), a.ID)
	w.must(r, err)
	for i, d := range ds {
		if d.State == alert.Queued && kept[i].State != d.State || d.State.IsFinal() && kept[i].Reason != d.Reason {
			r.Fatalf("recorded as %+v, returned as %+v", kept[i], d)
		}
		k := &keyedDelivery{id: d.ID, resolves: resolved}
		w.threads[d.Messenger], w.byID[d.ID] = append(w.threads[d.Messenger], k), k
	}
}

func (w *keyedWorld) claim(r *rapid.T) {
	var ids []int64
	for id := range w.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	ids = ids[:rapid.IntRange(1, len(ids)).Draw(r, "how many")]
	claims, err := w.l.Claim(r.Context(), ids, ledgertest.Claimant(), clock(w.now), clock(w.now+rapid.IntRange(1, 20).Draw(r, "lease")))
	w.must(r, err)
	if len(claims) == 0 {
		return
	}
	all := w.deliveries(r)
	for _, c := range claims {
		w.claimed[c.DeliveryID] = c.Fence
		w.begin(r, c.DeliveryID, all)
	}
}

// begin fails the test if a delivery must not be claimed now.
func (w *keyedWorld) begin(r *rapid.T, id int64, all map[int64]alert.Delivery) {
	for name, thread := range w.threads {
		place := slices.IndexFunc(thread, func(k *keyedDelivery) bool { return k.id == id })
		if place < 0 {
			continue
		}
		notified := false
		for i, k := range thread {
			switch d := all[k.id]; {
			case i < place && !d.State.IsFinal():
				r.Fatalf("%s: %d is claimed, and the earlier %d has state %d", name, id, k.id, d.State)
			case i > place && d.State == alert.Claimed:
				r.Fatalf("%s: %d and %d are claimed at the same time", name, id, k.id)
			case i > place && k.resolves && !thread[place].resolves && !reached(all[id]):
				r.Fatalf("%s: %d is claimed although it is resolved", name, id)
			case !k.resolves:
				notified = notified || reached(d)
			}
		}
		if thread[place].resolves && !notified {
			r.Fatalf("%s: resolved %d is claimed, and no firing delivery was sent", name, id)
		}
	}
}

// reached reports whether a delivery was, or may have been, sent.
func reached(d alert.Delivery) bool {
	return slices.ContainsFunc(d.Attempts, func(a alert.Attempt) bool {
		return a.Outcome.Kind == messenger.Sent || a.Outcome.Kind == messenger.Unknown
	})
}

// deliveries returns all deliveries by id.
func (w *keyedWorld) deliveries(r *rapid.T) map[int64]alert.Delivery {
	all := map[int64]alert.Delivery{}
	for _, id := range w.alerts {
		_, ds, err := w.l.Alert(r.Context(), id)
		w.must(r, err)
		for _, d := range ds {
			all[d.ID] = d
		}
	}
	return all
}

// one draws a delivery that was claimed, with its last fencing token.
func (w *keyedWorld) one(r *rapid.T) (id, fence int64) {
	var ids []int64
	for id := range w.claimed {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		r.Skip("no claim yet")
	}
	slices.Sort(ids)
	id = rapid.SampledFrom(ids).Draw(r, "delivery")
	return id, w.claimed[id]
}

func (w *keyedWorld) report(r *rapid.T) {
	id, fence := w.one(r)
	o := rapid.SampledFrom(outcomes).Draw(r, "outcome")
	if o.Kind == messenger.Sent {
		o.MessageID = fmt.Sprint(id)
	}
	_, err := w.l.Report(r.Context(), []dispatch.Report{{
		DeliveryID: id, Fence: fence, StartTime: clock(w.now), EndTime: clock(w.now + 1), Outcome: o,
	}}, clock(w.now), rule)
	w.must(r, err)
}

func (w *keyedWorld) deferAll(r *rapid.T) {
	id, fence := w.one(r)
	w.must(r, w.l.Defer(r.Context(), []dispatch.Deferral{{DeliveryID: id, Fence: fence, Time: clock(w.now + 7)}}, clock(w.now)))
}

func (w *keyedWorld) receipt(r *rapid.T) {
	id, _ := w.one(r)
	w.must(r, w.l.RecordReceipt(r.Context(), id, alert.Receipt{MessageID: fmt.Sprint(id), Status: "undelivered", Time: clock(w.now), Final: true, Failed: true}))
}

// compare fails the test unless exactly one delivery of each thread with queued or claimed ones is
// unblocked.
func (w *keyedWorld) compare(r *rapid.T) {
	all := w.deliveries(r)
	for name, thread := range w.threads {
		free, open := 0, 0
		for _, k := range thread {
			switch d := all[k.id]; {
			case d.State == alert.Queued || d.State == alert.Claimed || d.State == alert.Held && !d.NextTime.IsZero():
				free++
				open++
			case d.State == alert.Held:
				open++
			}
		}
		if free > 1 || open > 0 && free == 0 {
			r.Fatalf("%s: of %d deliveries that are not completed, %d are unblocked", name, open, free)
		}
	}
}
