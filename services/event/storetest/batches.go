package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/event"
)

// lease is the lease of the tests.
const lease = time.Minute

// later is after every batch of the tests is due.
var later = now.Add(time.Hour)

// batched returns the alert of event id for a batch of three.
func batched(id string) event.BatchedAlert {
	return event.BatchedAlert{
		Key: "key of " + id,
		Event: event.Event{
			ID: id, Source: "shop", Type: "order.created", Subject: "o" + id, Time: now, Data: []byte(`{"n": 1.50}`),
		},
		Alert: event.PlannedAlert{
			Rule: "orders", Index: 1, Targets: []string{"@kim", "@lee"}, By: []string{"inbox"}, Severity: "high", Title: "title " + id,
			Message: "message " + id, Link: "https://shop.example.com/" + id, TTL: time.Hour,
			Batch: &event.BatchSpec{Count: 3, Within: 30 * time.Second, Message: "{{.count}}"},
		},
	}
}

func many(ids ...string) []event.BatchedAlert {
	alerts := make([]event.BatchedAlert, len(ids))
	for i, id := range ids {
		alerts[i] = batched(id)
	}
	return alerts
}

// add adds alerts and reports whether a batch is due.
func add(t *testing.T, s event.Store, at time.Time, alerts ...event.BatchedAlert) bool {
	t.Helper()
	due, err := s.AddToBatches(t.Context(), alerts, at)
	kittest.NoError(t, err)
	return due
}

// claimed returns the messages of the batches that are claimed.
func claimed(t *testing.T, s event.Store, at time.Time) (messages [][]string) {
	t.Helper()
	batches, err := s.ClaimBatches(t.Context(), at, lease, 100)
	kittest.NoError(t, err)
	for _, b := range batches {
		messages = append(messages, messagesOf(b))
	}
	return messages
}

func messagesOf(b event.ClaimedBatch) (messages []string) {
	for _, item := range b.Items {
		messages = append(messages, item.Message)
	}
	return messages
}

func testBatchIsFull(t *testing.T, s event.Store) {
	ctx := t.Context()
	kittest.Equal(t, add(t, s, now, many("1", "2")...), false)
	kittest.Equal(t, len(claimed(t, s, now)), 0)
	kittest.Equal(t, add(t, s, now, many("3")...), true)
	batches, err := s.ClaimBatches(ctx, now, lease, 100)
	kittest.NoError(t, err)
	kittest.Equal(t, len(batches), 1)
	want := batched("1").Alert
	want.Severity, want.Title, want.Message, want.Link = "", "", "", ""
	kittest.Equal(t, batches[0].Alert, want)
	kittest.Equal(t, batches[0].Key, "key of 1")
	var items []event.BatchItem
	for _, a := range many("1", "2", "3") {
		items = append(items, event.BatchItem{Severity: a.Alert.Severity, Title: a.Alert.Title, Message: a.Alert.Message, Link: a.Alert.Link})
	}
	kittest.Equal(t, batches[0].Items, items)
	alerts, err := s.BatchedAlerts(ctx, batches[0].ID)
	kittest.NoError(t, err)
	kittest.Equal(t, alerts, many("1", "2", "3"))

	kittest.Equal(t, add(t, s, now, many("4")...), false) // starts another batch
	kittest.NoError(t, s.DeleteBatches(ctx, []int64{batches[0].ID}))
	kittest.Equal(t, claimed(t, s, later), [][]string{{"message 4"}})
	alerts, err = s.BatchedAlerts(ctx, batches[0].ID)
	kittest.NoError(t, err)
	kittest.Equal(t, len(alerts), 0)
}

func testBatchIsDue(t *testing.T, s event.Store) {
	add(t, s, now, many("1")...)
	add(t, s, now.Add(20*time.Second), many("2")...) // does not move the time
	kittest.Equal(t, len(claimed(t, s, now.Add(30*time.Second-time.Microsecond))), 0)
	kittest.Equal(t, claimed(t, s, now.Add(30*time.Second)), [][]string{{"message 1", "message 2"}})
	kittest.Equal(t, add(t, s, now.Add(31*time.Second), many("3")...), false)
	kittest.Equal(t, len(claimed(t, s, now.Add(60*time.Second))), 0)
	kittest.Equal(t, claimed(t, s, now.Add(61*time.Second)), [][]string{{"message 3"}})
}

func testBatchKeys(t *testing.T, s event.Store) {
	ctx := t.Context()
	add(t, s, now, many("1", "1")...)
	add(t, s, now, many("1", "2", "2")...)
	batches, err := s.ClaimBatches(ctx, later, lease, 100)
	kittest.NoError(t, err)
	kittest.Equal(t, len(batches), 1)
	kittest.Equal(t, messagesOf(batches[0]), []string{"message 1", "message 2"})
	add(t, s, later, many("2", "1")...) // again while the batch is sent
	kittest.NoError(t, s.DeleteBatches(ctx, []int64{batches[0].ID}))
	add(t, s, later, many("1", "2")...) // and after that
	kittest.Equal(t, len(claimed(t, s, later.Add(time.Hour))), 0)
}

func testBatchGroups(t *testing.T, s event.Store) {
	all := many("1", "2", "3", "4", "5", "6")
	all[1].Alert.Rule = "others"
	all[2].Alert.Targets = []string{"@lee"}
	all[3].Alert.By = nil
	all[4].Alert.Batch.Count = 4
	all[5].Alert.Targets = []string{"@lee", "@kim"} // the same as the first
	kittest.Equal(t, add(t, s, now, all...), false)
	got := claimed(t, s, later)
	slices.SortFunc(got, slices.Compare)
	kittest.Equal(t, got, [][]string{{"message 1", "message 6"}, {"message 2"}, {"message 3"}, {"message 4"}, {"message 5"}})
}

func testMoreThanABatch(t *testing.T, s event.Store) {
	var ids []string
	for i := range 200 {
		ids = append(ids, fmt.Sprintf("%03d", i))
	}
	kittest.Equal(t, add(t, s, now, many(ids...)...), true)
	batches, err := s.ClaimBatches(t.Context(), now, lease, 1000)
	kittest.NoError(t, err)
	kittest.Equal(t, len(batches), 66)
	var got []string
	for _, b := range batches {
		kittest.Equal(t, len(b.Items), 3)
		kittest.Equal(t, b.Key, "key of "+ids[len(got)])
		got = append(got, messagesOf(b)...)
	}
	for i, message := range got {
		kittest.Equal(t, message, "message "+ids[i])
	}
	kittest.Equal(t, claimed(t, s, now.Add(30*time.Second)), [][]string{{"message 198", "message 199"}})
}

func testBatchLease(t *testing.T, s event.Store) {
	ctx := t.Context()
	add(t, s, now, many("1")...)
	first, err := s.ClaimBatches(ctx, later, lease, 100)
	kittest.NoError(t, err)
	add(t, s, later, many("2")...) // a claimed batch takes no more
	kittest.Equal(t, claimed(t, s, later.Add(lease-time.Microsecond)), [][]string{{"message 2"}})
	again, err := s.ClaimBatches(ctx, later.Add(lease), lease, 100)
	kittest.NoError(t, err)
	kittest.Equal(t, again[0].LeaseTime, later.Add(2*lease))
	first[0].LeaseTime = again[0].LeaseTime
	kittest.Equal(t, again, first)

	expired := first[0]
	expired.LeaseTime = later.Add(lease)
	kittest.NoError(t, s.ReleaseBatches(ctx, []event.ClaimedBatch{expired})) // of the process before
	kittest.Equal(t, len(claimed(t, s, later.Add(lease))), 0)
	kittest.NoError(t, s.ReleaseBatches(ctx, again))
	kittest.Equal(t, claimed(t, s, later.Add(lease)), [][]string{{"message 1"}})
}

func testFailBatch(t *testing.T, s event.Store) {
	ctx := t.Context()
	add(t, s, now, many("1")...)
	for failures := range 3 {
		at := later.Add(time.Duration(failures) * lease)
		batches, err := s.ClaimBatches(ctx, at, lease, 100)
		kittest.NoError(t, err)
		kittest.Equal(t, len(batches), 1)
		kittest.Equal(t, batches[0].Failures, failures)
		kittest.NoError(t, s.FailBatch(ctx, batches[0]))
		kittest.Equal(t, len(claimed(t, s, at)), 0) // the lease is kept
		expired := batches[0]
		expired.LeaseTime = expired.LeaseTime.Add(-lease)
		kittest.NoError(t, s.FailBatch(ctx, expired)) // of the process before
	}
	kittest.NoError(t, s.FailBatch(ctx, event.ClaimedBatch{ID: 1_000_000}))
}

func testBatchesAtOnce(t *testing.T, s event.Store) {
	ctx := t.Context()
	const callers, each = 6, 10
	for _, err := range kittest.Concurrently(callers, func(i int) error {
		for j := range each {
			a, b := batched(fmt.Sprintf("%d-%d", i, j)), batched(fmt.Sprintf("%d-%d other", i, j))
			b.Alert.Rule = "others"
			alerts := []event.BatchedAlert{a, b, batched("common")}
			if i%2 == 0 {
				slices.Reverse(alerts)
			}
			if _, err := s.AddToBatches(ctx, alerts, now); err != nil {
				return err
			}
		}
		return nil
	}) {
		kittest.NoError(t, err)
	}
	seen, full := map[string]int{}, 0
	for _, messages := range claimed(t, s, later) {
		if len(messages) == 3 {
			full++
		}
		for _, message := range messages {
			seen[message]++
		}
	}
	kittest.Equal(t, len(seen), 2*callers*each+1)
	for message, n := range seen {
		if n != 1 {
			t.Errorf("%s is in %d batches", message, n)
		}
	}
	kittest.Equal(t, full, 20+20) // 61 and 60 alerts
}

func testClaimsAtOnce(t *testing.T, s event.Store) {
	ctx := t.Context()
	for i := range 30 {
		add(t, s, now, many(fmt.Sprint(i))...)
	}
	claims := make([][]event.ClaimedBatch, 8)
	for _, err := range kittest.Concurrently(len(claims), func(i int) error {
		for {
			batches, err := s.ClaimBatches(ctx, later, lease, 2)
			if err != nil || len(batches) == 0 {
				return err
			}
			claims[i] = append(claims[i], batches...)
		}
	}) {
		kittest.NoError(t, err)
	}
	seen := map[int64]bool{}
	for _, batches := range claims {
		for _, b := range batches {
			if seen[b.ID] {
				t.Errorf("batch %d is claimed twice", b.ID)
			}
			seen[b.ID] = true
		}
	}
	for _, b := range claimRest(t, s) { // left by a process that ended between two claims of others
		seen[b.ID] = true
	}
	kittest.Equal(t, len(seen), 10)
}

// claimRest claims the batches that are left.
func claimRest(t *testing.T, s event.Store) []event.ClaimedBatch {
	t.Helper()
	batches, err := s.ClaimBatches(t.Context(), later, lease, 100)
	kittest.NoError(t, err)
	return batches
}

func testCloseBatches(t *testing.T, s event.Store) {
	ctx := t.Context()
	other := batched("2")
	other.Alert.Rule = "others"
	add(t, s, now, batched("1"), other)
	n, err := s.CloseBatches(ctx, "orders", now)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 1)
	kittest.Equal(t, claimed(t, s, now), [][]string{{"message 1"}})
	n, err = s.CloseBatches(ctx, "orders", now) // counts those that are being sent
	kittest.NoError(t, err)
	kittest.Equal(t, n, 1)
	kittest.Equal(t, len(claimed(t, s, now)), 0)
	n, err = s.CloseBatches(ctx, "none", now)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 0)
}

func testForgetBatch(t *testing.T, s event.Store) {
	ctx := t.Context()
	other := batched("2")
	other.Alert.Rule = "others"
	add(t, s, now, batched("1"), other)
	batches, err := s.ClaimBatches(ctx, later, lease, 100)
	kittest.NoError(t, err)
	for _, b := range batches {
		if b.Alert.Rule == "orders" {
			kittest.NoError(t, s.ForgetBatch(ctx, b.ID))
		}
	}
	kittest.NoError(t, s.ForgetBatch(ctx, 1_000_000))
	add(t, s, later, batched("1"), other)
	kittest.Equal(t, claimed(t, s, later.Add(time.Hour)), [][]string{{"message 2"}, {"message 1"}})
}

func testDeleteBatchedKeys(t *testing.T, s event.Store) {
	ctx := t.Context()
	add(t, s, now, many("1", "2", "3")...)
	add(t, s, now.Add(time.Second), many("4")...)
	batches, err := s.ClaimBatches(ctx, later, lease, 100)
	kittest.NoError(t, err)
	for _, b := range batches {
		kittest.NoError(t, s.DeleteBatches(ctx, []int64{b.ID}))
	}
	for _, want := range []int{2, 1, 0} {
		n, err := s.DeleteBatchedKeys(ctx, now.Add(time.Second), 2)
		kittest.NoError(t, err)
		kittest.Equal(t, n, want)
	}
	add(t, s, later, many("4")...)
	kittest.Equal(t, len(claimed(t, s, later.Add(time.Hour))), 0)
	add(t, s, later, many("1")...)
	kittest.Equal(t, claimed(t, s, later.Add(time.Hour)), [][]string{{"message 1"}})
}

func testNothing(t *testing.T, s event.Store) {
	ctx := t.Context()
	kittest.Equal(t, add(t, s, now), false)
	kittest.NoError(t, s.ReleaseBatches(ctx, nil))
	kittest.NoError(t, s.DeleteBatches(ctx, nil))
	kittest.NoError(t, s.DeleteBatches(ctx, []int64{7}))
	kittest.Equal(t, len(claimed(t, s, later)), 0)
	revision, err := s.RuleRevision(ctx)
	kittest.NoError(t, err)
	kittest.Equal(t, revision, int64(0))
}
