package ledger_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/store/ledger"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A model is one delivery as the promises say it must be.
type model struct {
	state    alert.State
	next     int // when Due finds it
	begun    int // when the last claim began
	lease    int // when it ends
	fence    int64
	doubt    bool // an attempt before may have reached the provider
	attempts []alert.Attempt
}

// A world is a ledger beside its model, and a clock that both go by.
type world struct {
	l       *ledger.Store
	alert   int64
	ids     []int64
	models  map[int64]*model
	now     int
	written []alert.Report // that senders wrote, in time or not
}

// clock is the time after n seconds.
func clock(n int) time.Time { return time.Unix(1_800_000_000+int64(n), 0).UTC() }

// TestDeliveriesGoByTheModel lets senders claim, report well, late and twice, and
// die, in any order; after each step the ledger says what the model says.
func TestDeliveriesGoByTheModel(t *testing.T) {
	folder, n := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		l, err := ledger.Open(t.Context(), filepath.Join(folder, strconv.Itoa(n)+".db"), time.Now)
		if err != nil {
			r.Fatal(err)
		}
		defer l.Close()
		w := newWorld(r, l)
		r.Repeat(map[string]func(*rapid.T){
			"":           w.agree,
			"wait":       func(r *rapid.T) { w.now += rapid.IntRange(1, 20).Draw(r, "seconds") },
			"claim":      w.claim,
			"report":     w.report,
			"report old": w.reportOld,
			"due":        w.due,
			"wake":       w.wake,
		})
	})
}

func newWorld(r *rapid.T, l *ledger.Store) *world {
	w := &world{l: l, models: map[int64]*model{}}
	ds := make([]alert.Delivery, rapid.IntRange(1, 4).Draw(r, "deliveries"))
	for i := range ds {
		ds[i] = alert.Delivery{Nickname: "kim", Messenger: "slack", State: alert.Queued}
	}
	a := alert.Alert{Severity: "normal", Message: "x", CreateTime: clock(0)}
	if err := l.AddAlert(r.Context(), &a, ds, clock(5)); err != nil {
		r.Fatal(err)
	}
	w.alert = a.ID
	for _, d := range ds {
		w.ids = append(w.ids, d.ID)
		w.models[d.ID] = &model{state: alert.Queued, next: 5}
	}
	return w
}

// some draws deliveries, any number of them, in any order.
func (w *world) some(r *rapid.T) []int64 {
	all := rapid.Permutation(w.ids).Draw(r, "order")
	return all[:rapid.IntRange(1, len(all)).Draw(r, "how many")]
}

func (w *world) claim(r *rapid.T) {
	ids, lease := w.some(r), w.now+rapid.IntRange(1, 20).Draw(r, "lease")
	got, err := w.l.Claim(r.Context(), ids, "sender", clock(w.now), clock(lease))
	if err != nil {
		r.Fatal(err)
	}
	var want []alert.Claim
	for _, id := range slices.Sorted(slices.Values(ids)) {
		m := w.models[id]
		if m.state == alert.Claimed && m.lease <= w.now {
			m.attempts = append(m.attempts, alert.Attempt{
				Number: len(m.attempts) + 1, Fence: m.fence, StartTime: clock(m.begun), EndTime: clock(m.lease),
				Outcome: messenger.Outcome{Kind: messenger.Unknown, Code: ledger.LeaseExpired}, PossibleDuplicate: m.doubt,
			})
			m.state, m.doubt = alert.Queued, true
		}
		if m.state != alert.Queued {
			continue
		}
		m.state, m.begun, m.lease, m.next, m.fence = alert.Claimed, w.now, lease, lease, m.fence+1
		want = append(want, alert.Claim{
			DeliveryID: id, Fence: m.fence, Attempt: len(m.attempts) + 1, PossibleDuplicate: m.doubt, LeaseExpireTime: clock(lease),
		})
	}
	if !slices.Equal(got, want) {
		r.Fatalf("granted %+v\nwant    %+v", got, want)
	}
}

// report reports under a fence that is right, or was, or never will be.
func (w *world) report(r *rapid.T) {
	id := rapid.SampledFrom(w.ids).Draw(r, "delivery")
	m := w.models[id]
	report := alert.Report{
		DeliveryID: id, Fence: m.fence + int64(rapid.SampledFrom([]int{0, 0, 0, -1, 1}).Draw(r, "fence off by")),
		StartTime: clock(w.now), EndTime: clock(w.now + 1), State: alert.Sent, Outcome: messenger.Outcome{Kind: messenger.Sent, Status: 200},
	}
	if rapid.Bool().Draw(r, "failed") {
		report.State, report.Reason = alert.Failed, "refused"
		report.Outcome = messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Status: 400, Code: "refused"}
	}
	w.send(r, report)
}

// reportOld sends a report once more that was sent before.
func (w *world) reportOld(r *rapid.T) {
	if len(w.written) == 0 {
		r.Skip("nothing was reported yet")
	}
	w.send(r, rapid.SampledFrom(w.written).Draw(r, "report"))
}

// send brings a report to the ledger and the model.
func (w *world) send(r *rapid.T, report alert.Report) {
	w.written = append(w.written, report)
	fenced, err := w.l.Report(r.Context(), []alert.Report{report})
	if err != nil {
		r.Fatal(err)
	}
	m := w.models[report.DeliveryID]
	attempt := alert.Attempt{
		Number: len(m.attempts) + 1, Fence: report.Fence, StartTime: report.StartTime, EndTime: report.EndTime,
		Outcome: report.Outcome, PossibleDuplicate: m.doubt,
	}
	var want []int64
	switch {
	case m.state == alert.Claimed && report.Fence == m.fence:
		m.state, m.attempts = report.State, append(m.attempts, attempt)
	case slices.ContainsFunc(m.attempts, func(a alert.Attempt) bool {
		a.Number = attempt.Number
		return a == attempt
	}):
	default:
		want = []int64{report.DeliveryID}
	}
	if !slices.Equal(fenced, want) {
		r.Fatalf("fenced %v, want %v", fenced, want)
	}
}

func (w *world) due(r *rapid.T) {
	wait := rapid.IntRange(1, 20).Draw(r, "wait")
	jobs, err := w.l.Due(r.Context(), clock(w.now), clock(w.now+wait), 100, 5)
	if err != nil {
		r.Fatal(err)
	}
	var got, want []int64
	for _, j := range jobs {
		for _, d := range j.Deliveries {
			got = append(got, d.ID)
		}
	}
	for _, id := range w.ids {
		if m := w.models[id]; m.state <= alert.Claimed && m.next <= w.now {
			m.next = w.now + wait
			want = append(want, id)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.Fatalf("due are %v, want %v", got, want)
	}
}

func (w *world) wake(r *rapid.T) {
	got, err := w.l.Wake(r.Context(), clock(w.now))
	if err != nil {
		r.Fatal(err)
	}
	want := 0
	for _, m := range w.models {
		if m.state == alert.Queued {
			want++
			m.next = min(m.next, w.now)
		}
	}
	if got != want {
		r.Fatalf("woke %d, want %d", got, want)
	}
}

// agree compares the ledger with the model.
func (w *world) agree(r *rapid.T) {
	_, ds, err := w.l.Alert(r.Context(), w.alert)
	if err != nil {
		r.Fatal(err)
	}
	for _, d := range ds {
		m := w.models[d.ID]
		if d.State != m.state || !slices.Equal(d.Attempts, m.attempts) {
			r.Fatalf("delivery %d is %+v\nwant %+v", d.ID, d, *m)
		}
		ended := d.State > alert.Claimed
		if ended == d.EndTime.IsZero() || ended && (len(d.Attempts) == 0 || d.EndTime != d.Attempts[len(d.Attempts)-1].EndTime) {
			r.Fatalf("delivery %d ended at %v with %+v", d.ID, d.EndTime, d.Attempts)
		}
	}
}
