package ledger_test

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/alert/ledgertest"
)

// A model is the expected state of one delivery.
type model struct {
	state             alert.State
	reason            string
	next              int  // when it is due
	deferred          bool // a verdict deferred it until then
	expire            int
	end               int // when it completed
	begun             int // start of the last claim
	lease             int // end of its lease
	fence             int64
	tries             int
	canceled          bool // while it was claimed
	notNeeded         bool // another of its chain was sent while it was claimed
	possibleDuplicate bool // an earlier attempt may have reached the provider
	attempts          []alert.Attempt
}

// A world is a ledger and its model, with a common clock.
type world struct {
	l       *ledger.Store
	alert   int64
	ids     []int64
	chained bool // all deliveries form one chain
	models  map[int64]*model
	now     int
	written []dispatch.Report // all reports so far, in time or late
}

// clock returns the time after n seconds.
func clock(n int) time.Time { return time.Unix(1_800_000_000+int64(n), 0).UTC() }

// seconds returns the number of seconds of a time.
func seconds(t time.Time) int { return int(t.Unix() - 1_800_000_000) }

// rule fails a delivery at the third try, and otherwise defers it longer with each try. A pause
// does not count as a try.
func rule(f alert.VerdictFacts, r dispatch.Report) alert.Verdict {
	counts := r.Outcome.Kind != messenger.Paused
	switch {
	case r.Outcome.Kind == messenger.Sent:
		return alert.Verdict{State: alert.Sent, CountsAsTry: counts}
	case r.Outcome.Kind == messenger.Failed:
		return alert.Verdict{State: alert.Failed, Reason: r.Outcome.Code, CountsAsTry: counts}
	case f.Canceled:
		return alert.Verdict{State: alert.Canceled, Reason: "canceled", CountsAsTry: counts}
	case f.Tries == 2 && counts:
		return alert.Verdict{State: alert.Failed, Reason: "given_up", CountsAsTry: counts}
	default:
		return alert.Verdict{State: alert.Queued, NextTime: f.Now.Add(r.Outcome.RetryAfter + time.Duration(3*f.Tries)*time.Second), CountsAsTry: counts}
	}
}

// TestDeliveriesModel runs claims, reports in time, late and repeated, expired leases,
// cancellations and replays in random order, and compares the ledger with the model after each
// step.
func TestDeliveriesModel(t *testing.T) {
	t.Parallel()
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
			"":           w.compare,
			"wait":       func(r *rapid.T) { w.now += rapid.IntRange(1, 20).Draw(r, "seconds") },
			"claim":      w.claim,
			"report":     w.report,
			"report old": w.reportOld,
			"due":        w.due,
			"re-enqueue": w.reenqueue,
			"sweep":      w.sweep,
			"cancel":     w.cancel,
			"replay":     w.replay,
		})
	})
}

func newWorld(r *rapid.T, l *ledger.Store) *world {
	w := &world{l: l, models: map[int64]*model{}}
	ds := make([]alert.Delivery, rapid.IntRange(1, 4).Draw(r, "deliveries"))
	for i := range ds {
		ds[i] = alert.Delivery{Nickname: "kim", Messenger: "slack", State: alert.Queued}
	}
	bound := rapid.SampledFrom([]int{0, 2, 10, 25}).Draw(r, "failover delay, or 0 for no chain")
	w.chained = bound > 0
	for i := range ds {
		if w.chained {
			ds[i].Chain = 1
		}
		if w.chained && i > 0 {
			ds[i].State, ds[i].NextTime = alert.Held, clock(bound*i)
		}
	}
	expire := rapid.SampledFrom([]int{30, 60, 1000}).Draw(r, "expire")
	a := alert.Alert{Severity: "high", Message: "x", CreateTime: clock(0), ExpireTime: clock(expire)}
	added, err := l.AddAlert(r.Context(), a, ds, clock(5))
	if err != nil {
		r.Fatal(err)
	}
	w.alert = added.Alert.ID
	for i, d := range added.Deliveries {
		w.ids = append(w.ids, d.ID)
		w.models[d.ID] = &model{state: d.State, next: 5, expire: expire}
		if d.State == alert.Held {
			w.models[d.ID].next = bound * i
		}
	}
	return w
}

// some draws one or more deliveries, in any order.
func (w *world) some(r *rapid.T) []int64 {
	all := rapid.Permutation(w.ids).Draw(r, "order")
	return all[:rapid.IntRange(1, len(all)).Draw(r, "how many")]
}

// apply applies the verdict of the rule on a report to a claimed delivery.
func (m *model) apply(now int, report dispatch.Report) {
	v := rule(alert.VerdictFacts{
		Now: clock(now), Messenger: "slack", Rank: job.High, Tries: m.tries, ExpireTime: clock(m.expire), Canceled: m.canceled,
	}, report)
	m.attempts = append(m.attempts, m.attempt(report))
	m.possibleDuplicate = m.possibleDuplicate || report.Outcome.Kind == messenger.Unknown
	m.state, m.reason = v.State, v.Reason
	if m.notNeeded && v.State == alert.Canceled {
		m.reason = alert.NotNeeded
	}
	if v.CountsAsTry {
		m.tries++
	}
	if v.State == alert.Queued {
		m.deferred, m.next = true, min(seconds(v.NextTime), m.expire)
	} else {
		m.end = seconds(report.EndTime)
	}
}

// attempt returns the next attempt, for a report.
func (m *model) attempt(report dispatch.Report) alert.Attempt {
	report.Outcome.RetryAfter = 0
	return alert.Attempt{
		Number: len(m.attempts) + 1, Fence: report.Fence, StartTime: report.StartTime, EndTime: report.EndTime,
		Outcome: report.Outcome, PossibleDuplicate: m.possibleDuplicate,
	}
}

func (w *world) claim(r *rapid.T) {
	ids, lease := w.some(r), w.now+rapid.IntRange(1, 20).Draw(r, "lease")
	free, err := w.l.Claimable(r.Context(), ids, clock(w.now))
	if err != nil {
		r.Fatal(err)
	}
	got, err := w.l.Claim(r.Context(), ids, ledgertest.Claimant(), clock(w.now), clock(lease))
	if err != nil {
		r.Fatal(err)
	}
	if len(free) != len(got) {
		r.Fatalf("claimable %v\ngranted   %+v", free, got)
	}
	var want []dispatch.Claim
	for _, id := range slices.Sorted(slices.Values(ids)) {
		m := w.models[id]
		if m.state != alert.Queued || m.deferred && m.next > w.now || m.expire <= w.now {
			continue
		}
		m.state, m.begun, m.lease, m.fence = alert.Claimed, w.now, lease, m.fence+1
		want = append(want, dispatch.Claim{
			DeliveryID: id, Fence: m.fence, Attempt: len(m.attempts) + 1, PossibleDuplicate: m.possibleDuplicate, LeaseExpireTime: clock(lease),
		})
	}
	if !slices.Equal(got, want) {
		r.Fatalf("granted %+v\nwant    %+v", got, want)
	}
}

// outcomes are the outcomes that senders report.
var outcomes = []messenger.Outcome{
	{Kind: messenger.Sent, Status: 200},
	{Kind: messenger.Failed, Scope: messenger.MessageScope, Status: 400, Code: "refused"},
	{Kind: messenger.Retry, Status: 503},
	{Kind: messenger.Retry, Status: 503, RetryAfter: 20 * time.Second},
	{Kind: messenger.Paused, Status: 429, RetryAfter: 5 * time.Second},
	{Kind: messenger.Unknown, Code: "closed"},
}

// report reports under the current fencing token, an earlier one or a later one.
func (w *world) report(r *rapid.T) {
	id := rapid.SampledFrom(w.ids).Draw(r, "delivery")
	m := w.models[id]
	w.send(r, dispatch.Report{
		DeliveryID: id, Fence: m.fence + int64(rapid.SampledFrom([]int{0, 0, 0, -1, 1}).Draw(r, "fence off by")),
		StartTime: clock(w.now), EndTime: clock(w.now + 1), Outcome: rapid.SampledFrom(outcomes).Draw(r, "outcome"),
	})
}

// reportOld repeats an earlier report.
func (w *world) reportOld(r *rapid.T) {
	if len(w.written) == 0 {
		r.Skip("no report yet")
	}
	w.send(r, rapid.SampledFrom(w.written).Draw(r, "report"))
}

// send passes a report to the ledger and the model.
func (w *world) send(r *rapid.T, report dispatch.Report) {
	w.written = append(w.written, report)
	fenced, err := w.l.Report(r.Context(), []dispatch.Report{report}, clock(w.now), rule)
	if err != nil {
		r.Fatal(err)
	}
	m := w.models[report.DeliveryID]
	var want []int64
	switch {
	case m.state == alert.Claimed && report.Fence == m.fence:
		m.apply(w.now, report)
		w.advance(m.state == alert.Sent)
	case slices.ContainsFunc(m.attempts, func(a alert.Attempt) bool {
		mine := m.attempt(report)
		mine.Number, mine.PossibleDuplicate = a.Number, a.PossibleDuplicate
		return a == mine
	}):
	default:
		want = []int64{report.DeliveryID}
	}
	if !slices.Equal(fenced, want) {
		r.Fatalf("fenced %v, want %v", fenced, want)
	}
}

// advance advances the chain after one of its deliveries was sent or not.
func (w *world) advance(sent bool) {
	if !w.chained {
		return
	}
	for i, id := range w.ids {
		m := w.models[id]
		waits := m.state == alert.Queued || m.state == alert.Held
		switch {
		case sent && waits:
			m.state, m.reason, m.end = alert.Canceled, alert.NotNeeded, w.now
		case sent && m.state == alert.Claimed:
			m.canceled, m.notNeeded = true, true
		case !sent && m.state == alert.Held:
			before, early := w.models[w.ids[i-1]], m.next-w.now
			if early > 0 && (before.state == alert.Failed || before.state == alert.Queued && before.deferred && before.next >= m.next) {
				for _, behind := range w.ids[i:] {
					w.models[behind].next -= early
				}
				m.state, m.deferred = alert.Queued, false
			}
			return
		}
	}
}

func (w *world) due(r *rapid.T) {
	wait := rapid.IntRange(1, 20).Draw(r, "wait")
	ahead := rapid.IntRange(0, wait-1).Draw(r, "ahead")
	jobs, err := w.l.TakeDue(r.Context(), clock(w.now), clock(w.now+wait), time.Duration(ahead)*time.Second, 100, 5)
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
		m := w.models[id]
		if (m.state == alert.Queued || m.state == alert.Held) && m.next <= w.now+ahead && max(w.now, m.next) < m.expire {
			m.state, m.next, m.deferred = alert.Queued, w.now+wait, false
			want = append(want, id)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.Fatalf("due are %v, want %v", got, want)
	}
}

func (w *world) reenqueue(r *rapid.T) {
	until := w.now + rapid.IntRange(0, 100).Draw(r, "until")
	got, err := w.l.Reenqueue(r.Context(), clock(w.now), clock(until))
	if err != nil {
		r.Fatal(err)
	}
	want := 0
	for _, m := range w.models {
		if m.state == alert.Queued && !m.deferred && m.next <= until {
			want++
			m.next = min(m.next, w.now)
		}
	}
	if got != want {
		r.Fatalf("re-enqueued %d, want %d", got, want)
	}
}

// sweep handles expired leases in their order, and then expired deliveries in theirs, up to a limit.
func (w *world) sweep(r *rapid.T) {
	limit := rapid.IntRange(1, 5).Draw(r, "limit")
	got, err := w.l.Sweep(r.Context(), clock(w.now), limit, rule)
	if err != nil {
		r.Fatal(err)
	}
	var lost, late []int64
	for _, id := range w.ids {
		switch m := w.models[id]; {
		case m.state == alert.Claimed && m.lease <= w.now:
			lost = append(lost, id)
		case (m.state == alert.Queued || m.state == alert.Held) && m.expire <= w.now:
			late = append(late, id)
		}
	}
	slices.SortStableFunc(lost, func(a, b int64) int { return cmp.Compare(w.models[a].lease, w.models[b].lease) })
	slices.SortStableFunc(late, func(a, b int64) int { return cmp.Compare(w.models[a].expire, w.models[b].expire) })
	found := slices.Concat(lost, late)
	found = found[:min(len(found), limit)]
	for _, id := range found {
		m := w.models[id]
		if m.state == alert.Claimed {
			m.apply(w.now, dispatch.Report{
				DeliveryID: id, Fence: m.fence, StartTime: clock(m.begun), EndTime: clock(m.lease),
				Outcome: messenger.Outcome{Kind: messenger.Unknown, Code: ledger.LeaseExpired},
			})
		}
		if (m.state == alert.Queued || m.state == alert.Held) && m.expire <= w.now {
			m.state, m.reason, m.end = alert.Expired, "expired", w.now
		}
	}
	if got != len(found) {
		r.Fatalf("swept %d, want %d", got, len(found))
	}
	if len(lost) > 0 {
		w.advance(false)
	}
}

func (w *world) cancel(r *rapid.T) {
	got, err := w.l.Cancel(r.Context(), w.alert, clock(w.now))
	if err != nil {
		r.Fatal(err)
	}
	want := 0
	for _, m := range w.models {
		switch m.state {
		case alert.Queued, alert.Held:
			m.state, m.reason, m.end = alert.Canceled, "canceled", w.now
			want++
		case alert.Claimed:
			m.canceled = true
		}
	}
	if got != want {
		r.Fatalf("canceled %d, want %d", got, want)
	}
}

func (w *world) replay(r *rapid.T) {
	var s alert.ReplaySelection
	switch rapid.SampledFrom([]string{"ids", "alert", "reason", "time"}).Draw(r, "by") {
	case "ids":
		s.IDs = w.some(r)
	case "alert":
		s.AlertID = w.alert
	case "reason":
		s.Reason = rapid.SampledFrom([]string{"refused", "given_up", "expired", "canceled"}).Draw(r, "reason")
	case "time":
		s.From = clock(rapid.IntRange(0, 100).Draw(r, "from"))
		s.Before = s.From.Add(time.Duration(rapid.IntRange(0, 30).Draw(r, "for")) * time.Second)
	}
	expire, dry := w.now+rapid.IntRange(1, 50).Draw(r, "expire"), rapid.Bool().Draw(r, "dry")
	got, err := w.l.Replay(r.Context(), s, clock(w.now), clock(expire), dry)
	if err != nil {
		r.Fatal(err)
	}
	want := 0
	for id, m := range w.models {
		if m.state != alert.Failed && m.state != alert.Expired ||
			len(s.IDs) > 0 && !slices.Contains(s.IDs, id) || s.Reason != "" && s.Reason != m.reason ||
			!s.From.IsZero() && (clock(m.end).Before(s.From) || !clock(m.end).Before(s.Before)) {
			continue
		}
		want++
		if !dry {
			m.state, m.reason, m.end, m.tries, m.canceled, m.notNeeded = alert.Queued, "", 0, 0, false, false
			m.next, m.deferred, m.expire = w.now, false, expire
		}
	}
	if got != want {
		r.Fatalf("replayed %d, want %d", got, want)
	}
}

// compare compares the ledger with the model.
func (w *world) compare(r *rapid.T) {
	a, ds, err := w.l.Alert(r.Context(), w.alert)
	if err != nil {
		r.Fatal(err)
	}
	if a.Counts.Total() != len(w.ids) {
		r.Fatalf("counts are %v of %d", a.Counts, len(w.ids))
	}
	for _, d := range ds {
		m := w.models[d.ID]
		var next, end time.Time
		if m.state == alert.Held || m.state == alert.Queued && m.deferred {
			next = clock(min(m.next, m.expire))
		}
		if m.state.IsFinal() {
			end = clock(m.end)
		}
		if d.State != m.state || d.Reason != m.reason || d.NextTime != next || d.EndTime != end || !slices.Equal(d.Attempts, m.attempts) {
			r.Fatalf("delivery %d is %+v\nwant %+v", d.ID, d, *m)
		}
		m.checkPromises(r)
	}
}

// checkPromises checks two promises on the model: a final state has evidence, and an attempt
// after one that may have reached the provider is marked as a possible duplicate.
func (m *model) checkPromises(r *rapid.T) {
	unknown := false
	for _, a := range m.attempts {
		if unknown && !a.PossibleDuplicate {
			r.Fatalf("%+v follows an unknown outcome and is not marked as a possible duplicate", a)
		}
		unknown = unknown || a.Outcome.Kind == messenger.Unknown
	}
	last := messenger.Outcome{}
	if len(m.attempts) > 0 {
		last = m.attempts[len(m.attempts)-1].Outcome
	}
	if (m.state == alert.Sent) != (last.Kind == messenger.Sent) || (m.state.IsFinal() && m.state != alert.Sent) != (m.reason != "") {
		r.Fatalf("state %d for %q after %+v", m.state, m.reason, last)
	}
}
