package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/access"
)

// latestFirst sorts entries as a query returns them.
func latestFirst(entries []access.AuditEntry) []access.AuditEntry {
	slices.SortFunc(entries, func(a, b access.AuditEntry) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.ID, a.ID))
	})
	return entries
}

// pages returns all entries of a query, read in pages.
func pages(ctx context.Context, t rapid.TB, s access.Store, q access.AuditQuery) (all []access.AuditEntry) {
	t.Helper()
	for {
		page, err := s.Entries(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > q.Limit {
			t.Fatalf("a page has %d entries, more than %d", len(page), q.Limit)
		}
		all = append(all, page...)
		if len(page) < q.Limit {
			return all
		}
		last := page[len(page)-1]
		if last.Time.Equal(q.After.Time) && last.ID == q.After.ID {
			t.Fatalf("the page after %v ends with it", q.After)
		}
		q.After = access.AuditCursor{Time: last.Time, ID: last.ID}
	}
}

// testBatchBorders checks pages of each size over batches of several callers that overlap, with
// entries of one moment in different batches and in rows.
func testBatchBorders(t *testing.T, s access.Store) {
	var all []access.AuditEntry
	for call := range 6 {
		var entries []access.AuditEntry
		for i := range 20 {
			n := 20*call + i
			e := entry(fmt.Sprintf("%03d", n*7%120), 0) // not in the order of the times
			// Each call begins within the call before, and some moments have several entries.
			e.Time = now.Add(time.Duration(10*call+i/2*2) * time.Second)
			e.Caller, e.Resource = fmt.Sprint("k", n%3), fmt.Sprint("groups/", n%5)
			entries = append(entries, e)
		}
		all = append(all, entries...)
		if call == 3 {
			kittest.NoError(t, singleCalls{s}.AddEntries(t.Context(), entries))
		} else {
			kittest.NoError(t, s.AddEntries(t.Context(), entries))
		}
	}
	// A batch is repeated with more entries than before, as an edge does that got no response.
	kittest.NoError(t, s.AddEntries(t.Context(), all[10:60]))
	latestFirst(all)
	for _, size := range []int{1, 2, 3, 7, 19, 20, 50, len(all) - 1, len(all), len(all) + 1} {
		kittest.Equal(t, pages(t.Context(), t, s, access.AuditQuery{Limit: size}), all)
	}
	for caller := range 3 {
		for resource := range 5 {
			q := access.AuditQuery{Caller: fmt.Sprint("k", caller), Resource: fmt.Sprint("groups/", resource), Limit: 3}
			want := slices.Clone(all)
			want = slices.DeleteFunc(want, func(e access.AuditEntry) bool { return e.Caller != q.Caller || e.Resource != q.Resource })
			kittest.Equal(t, pages(t.Context(), t, s, q), want)
		}
	}
}

// testDeleteBatches checks that a batch is deleted when its last entry is old enough, and that the
// age of a row is compared with that of a batch.
func testDeleteBatches(t *testing.T, s access.Store) {
	ctx := t.Context()
	at := func(seconds int) time.Time { return now.Add(time.Duration(seconds) * time.Second) }
	add := func(calls access.Store, from, count int) {
		var entries []access.AuditEntry
		for i := range count {
			e := entry(fmt.Sprintf("%04d", from+i), 0)
			e.Time = at(from + i)
			entries = append(entries, e)
		}
		kittest.NoError(t, calls.AddEntries(ctx, entries))
	}
	add(s, 100, 20)
	add(s, 200, 20)
	add(singleCalls{s}, 108, 2)
	add(singleCalls{s}, 150, 2)
	add(singleCalls{s}, 300, 1)
	for _, step := range []struct {
		before, limit, deleted, left int
	}{
		{100, 10, 0, 43},
		{109, 10, 1, 43},  // the row of 108, which is in the batch too
		{119, 10, 1, 43},  // the row of 109; the last entry of the batch is not before
		{120, 10, 20, 23}, // the batch, in the middle of which the limit is
		{219, 1, 1, 22},
		{1000, 1, 1, 21},
		{1000, 1, 20, 1},
		{1000, 9, 1, 0},
		{1000, 9, 0, 0},
	} {
		n, err := s.DeleteEntries(ctx, at(step.before), step.limit)
		kittest.NoError(t, err)
		if left := len(ids(t, s, access.AuditQuery{})); n != step.deleted || left != step.left {
			t.Fatalf("deletion before %d: %d deleted and %d left, want %d and %d", step.before, n, left, step.deleted, step.left)
		}
	}
	// A repeated batch is deleted as a whole too, and counts twice.
	add(s, 100, 20)
	add(s, 100, 20)
	kittest.Equal(t, len(ids(t, s, access.AuditQuery{})), 20)
	n, err := s.DeleteEntries(ctx, at(1000), 100)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 40)
	kittest.Equal(t, ids(t, s, access.AuditQuery{}), []string{})
}
