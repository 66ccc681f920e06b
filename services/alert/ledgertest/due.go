package ledgertest

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// due takes the deliveries that are due at at(now), with a redispatch timeout of ten seconds, in
// jobs of up to five.
func due(t testing.TB, l alert.Ledger, now, limit int) []job.Job {
	t.Helper()
	found := dueAhead(t, l, now, 0, limit)
	jobs := make([]job.Job, len(found))
	for i, j := range found {
		kittest.Equal(t, j.Time, at(now))
		jobs[i] = j.Job
	}
	return jobs
}

// dueAhead takes the deliveries that are due at at(now) or within ahead.
func dueAhead(t testing.TB, l alert.Ledger, now int, ahead time.Duration, limit int) []alert.DueJob {
	t.Helper()
	jobs, err := l.TakeDue(t.Context(), at(now), at(now+10), ahead, limit, 5)
	kittest.NoError(t, err)
	return jobs
}

// total returns the number of deliveries in jobs.
func total(jobs []job.Job) int {
	n := 0
	for _, j := range jobs {
		n += len(j.Deliveries)
	}
	return n
}

func testDue(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(12)
	for i := range ds[:2] {
		ds[6*i].Messenger = "sms"
	}
	a := addAlert(t, l, "High", ds, at(10))
	kittest.Equal(t, len(due(t, l, 9, 100)), 0)

	var bySMS, bySlack []job.Delivery
	for _, d := range ds {
		each := job.Delivery{ID: d.ID, Destination: d.Destination, SealedCredential: d.SealedCredential, CredentialFingerprint: d.CredentialFingerprint, Nickname: d.Nickname}
		if d.Messenger == "sms" {
			bySMS = append(bySMS, each)
		} else {
			bySlack = append(bySlack, each)
		}
	}
	of := func(messenger string, ds []job.Delivery) job.Job {
		return job.Job{AlertID: a.ID, Messenger: messenger, Rank: job.High, Content: a.Content(messenger), Deliveries: ds, Trace: a.Trace}
	}
	want := []job.Job{of("sms", bySMS), of("slack", bySlack[:5]), of("slack", bySlack[5:])}
	kittest.Equal(t, due(t, l, 10, 100), want)
	kittest.Equal(t, len(due(t, l, 19, 100)), 0) // redispatched at 20

	claims := claim(t, l, ids(ds[1:]), 19, 40)
	report(t, l, successReport(claims[0], 20))
	kittest.Equal(t, due(t, l, 20, 100), []job.Job{of("sms", bySMS[:1])}) // the others are claimed or sent
	kittest.Error(t, kittest.ErrorOf(l.TakeDue(t.Context(), at(0), at(1), 0, 0, 5)), fault.ErrInvalid, "limit")
	kittest.Error(t, kittest.ErrorOf(l.TakeDue(t.Context(), at(0), at(1), 0, 5, 0)), fault.ErrInvalid, "size")
	kittest.Error(t, kittest.ErrorOf(l.TakeDue(t.Context(), at(0), at(0), 0, 5, 5)), fault.ErrInvalid, "retry")
	kittest.Error(t, kittest.ErrorOf(l.TakeDue(t.Context(), at(0), at(1), -1, 5, 5)), fault.ErrInvalid, "ahead")
	kittest.Error(t, kittest.ErrorOf(l.TakeDue(t.Context(), at(0), at(1), time.Second, 5, 5)), fault.ErrInvalid, "retry")
}

// testDueAhead checks that deliveries that are due soon are returned with their times, grouped into
// jobs by time, and are in the queue afterwards; those that expire before they are due are not.
func testDueAhead(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(6)
	addAlert(t, l, "normal", ds, never)
	addUntil(t, l, "normal", queuedDeliveries(1), at(2), at(2))
	after := func(d time.Duration) time.Time { return at(1).Add(d) }
	var deferrals []dispatch.Deferral
	for i, d := range []time.Duration{-time.Second, 0, 300 * time.Millisecond, 305 * time.Millisecond, 325 * time.Millisecond, time.Minute} {
		deferrals = append(deferrals, dispatch.Deferral{DeliveryID: ds[i].ID, Time: after(d)})
	}
	kittest.NoError(t, l.Defer(t.Context(), deferrals, at(0)))

	type found struct {
		after time.Duration
		ids   []int64
	}
	var got []found
	for _, j := range dueAhead(t, l, 1, time.Second, 100) {
		var ids []int64
		for _, d := range j.Deliveries {
			ids = append(ids, d.ID)
		}
		got = append(got, found{j.Time.Sub(at(1)), ids})
	}
	kittest.Equal(t, got, []found{
		{0, []int64{ds[0].ID, ds[1].ID}}, {305 * time.Millisecond, []int64{ds[2].ID, ds[3].ID}}, {325 * time.Millisecond, []int64{ds[4].ID}},
	})
	kittest.Equal(t, len(dueAhead(t, l, 2, time.Second, 100)), 0) // redispatched at 11
	kittest.Equal(t, total(due(t, l, 11, 100)), 5)
}

func testDueOrder(t *testing.T, l alert.Ledger) {
	for i, severity := range []string{"low", "whatever", "critical", "high", "normal", "critical"} {
		addAlert(t, l, severity, queuedDeliveries(2), at(10-i))
	}
	var got []string
	for _, j := range due(t, l, 10, 9) { // three deliveries exceed the limit
		got = append(got, j.Content.Text)
	}
	kittest.Equal(t, got, []string{
		"[critical] node1 down", "[critical] node1 down", "[high] node1 down",
		"[normal] node1 down", "[whatever] node1 down",
	})
	rest := due(t, l, 10, 100)
	kittest.Equal(t, total(rest), 3)
	kittest.Equal(t, []job.Rank{rest[0].Rank, rest[1].Rank}, []job.Rank{job.Normal, job.Low})
}

func testDueConcurrent(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1000)
	addAlert(t, l, "normal", ds, at(0))
	const many = 10
	var found [many][]alert.DueJob
	for _, err := range kittest.Concurrently(many, func(i int) (err error) {
		found[i], err = l.TakeDue(t.Context(), at(1), at(10), 0, 70, 5)
		return err
	}) {
		kittest.NoError(t, err)
	}
	seen := map[int64]bool{}
	for _, jobs := range found {
		for _, j := range jobs {
			for _, d := range j.Deliveries {
				if seen[d.ID] {
					t.Errorf("delivery %d was returned twice", d.ID)
				}
				seen[d.ID] = true
			}
		}
	}
	for jobs := due(t, l, 2, 1000); len(jobs) > 0; jobs = due(t, l, 2, 1000) {
		for _, j := range jobs {
			for _, d := range j.Deliveries {
				seen[d.ID] = true
			}
		}
	}
	kittest.Equal(t, len(seen), len(ds))
}

// testDueClaimed checks that a claimed delivery is not due, also after its lease expired, and is due
// again when a verdict queues it.
func testDueClaimed(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	a := addAlert(t, l, "normal", ds, at(5))
	claims := claim(t, l, ids(ds), 0, 30)
	kittest.Equal(t, len(due(t, l, 29, 10)), 0)
	kittest.Equal(t, len(due(t, l, 31, 10)), 0)

	report(t, l, retryReport(claims[0], 31)) // until 42
	kittest.Equal(t, deliveries(t, l, a.ID)[0].NextTime, at(42))
	kittest.Equal(t, len(due(t, l, 41, 10)), 0)
	jobs := due(t, l, 42, 10)
	kittest.Equal(t, total(jobs), 1)
	kittest.Equal(t, jobs[0].Deliveries[0].ID, ds[0].ID)
	kittest.Equal(t, deliveries(t, l, a.ID)[0].NextTime, time.Time{}) // it is in the queue now
	kittest.Equal(t, len(due(t, l, 51, 10)), 0)
	kittest.Equal(t, total(due(t, l, 52, 10)), 1)
}

func testDueExpired(t *testing.T, l alert.Ledger) {
	addUntil(t, l, "normal", queuedDeliveries(2), at(5), at(10))
	addAlert(t, l, "normal", queuedDeliveries(1), at(5))
	kittest.Equal(t, total(due(t, l, 10, 100)), 1)
}

func testReenqueue(t *testing.T, l alert.Ledger) {
	ctx := t.Context()
	n, err := l.Reenqueue(ctx, at(0), never)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 0)

	ds := queuedDeliveries(5)
	late := addAlert(t, l, "normal", ds, never)
	early := addAlert(t, l, "normal", queuedDeliveries(1), at(-5))
	claims := claim(t, l, ids(ds[:2]), 0, 100)
	report(t, l, successReport(claims[0], 1))
	n, err = l.Reenqueue(ctx, at(5), never.Add(-time.Microsecond))
	kittest.NoError(t, err)
	kittest.Equal(t, n, 1) // the one that was due already
	n, err = l.Reenqueue(ctx, at(5), never)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 4)
	kittest.Equal(t, len(due(t, l, -6, 100)), 0)
	jobs := due(t, l, 5, 100)
	kittest.Equal(t, total(jobs), 4)
	kittest.Equal(t, []int64{jobs[0].AlertID, jobs[1].AlertID}, []int64{early.ID, late.ID}) // earlier due deliveries stay in front
	kittest.Equal(t, len(report(t, l, successReport(claims[1], 6))), 0)
}

// testReenqueueDeferred checks that a delivery that a verdict deferred is not re-enqueued before
// it was enqueued.
func testReenqueueDeferred(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(3)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 100)
	report(t, l, retryReport(claims[0], 1), pausedReport(claims[1], 1)) // until 12 and 62
	reenqueue := func(now, want int) {
		t.Helper()
		n, err := l.Reenqueue(t.Context(), at(now), never)
		kittest.NoError(t, err)
		kittest.Equal(t, n, want)
	}
	reenqueue(5, 0)
	kittest.Equal(t, len(due(t, l, 5, 100)), 0)
	kittest.Equal(t, deliveries(t, l, a.ID)[0].NextTime, at(12))
	kittest.Equal(t, total(due(t, l, 12, 100)), 1)
	reenqueue(13, 1)
	reenqueue(13, 1) // counted again: it is due already
	jobs := due(t, l, 13, 100)
	kittest.Equal(t, total(jobs), 1)
	kittest.Equal(t, jobs[0].Deliveries[0].ID, ds[0].ID)
}
