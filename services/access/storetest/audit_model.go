package storetest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/services/access"
)

// An auditModel is an audit log in memory.
type auditModel struct {
	store access.Store
	log   map[string]access.AuditEntry // by id
}

// testAuditModel compares a store with an audit log in memory: calls of any size, again and again,
// all queries in pages, and retention.
func testAuditModel(t *testing.T, s access.Store) {
	rapid.Check(t, func(t *rapid.T) {
		for { // a store for each run would take too long
			n, err := s.DeleteEntries(t.Context(), now.AddDate(1, 0, 0), 1000)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
		m := &auditModel{s, map[string]access.AuditEntry{}}
		known := drawKnownEntries(t)
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			for range rapid.IntRange(1, 3).Draw(t, "calls") {
				m.add(t, known)
			}
			for range 3 {
				m.query(t)
			}
			if rapid.Bool().Draw(t, "retention") {
				m.delete(t)
			}
		}
	})
}

// drawTime draws a time within four minutes. Many are equal or a microsecond apart.
func drawTime(t *rapid.T) time.Time {
	return now.Add(time.Duration(rapid.IntRange(0, 12).Draw(t, "seconds"))*20*time.Second + time.Duration(rapid.IntRange(0, 2).Draw(t, "micros"))*time.Microsecond)
}

var (
	modelCallers    = []string{"", "k1", "k2"}
	modelResources  = []string{"", "groups/7", "groups/8", "groups/77"}
	modelProcedures = []string{"group.GroupService/Create", "group.GroupService/Delete", "group.GroupServiceX/Create"}
)

// drawKnownEntries draws the entries of a test, each with an id of its own.
func drawKnownEntries(t *rapid.T) (entries []access.AuditEntry) {
	for i := range rapid.IntRange(1, 60).Draw(t, "entries") {
		entries = append(entries, access.AuditEntry{
			ID: fmt.Sprintf("%02d", i*37%100), Time: drawTime(t),
			Caller: rapid.SampledFrom(modelCallers).Draw(t, "caller"), CallerName: fmt.Sprint("name", i%2), Address: "10.0.0.7",
			Procedure: rapid.SampledFrom(modelProcedures).Draw(t, "procedure"), Resource: rapid.SampledFrom(modelResources).Draw(t, "resource"),
			Outcome: "ok", RequestID: fmt.Sprint("request", i),
		})
	}
	return entries
}

// add adds some entries, of which some may be stored already.
func (m *auditModel) add(t *rapid.T, known []access.AuditEntry) {
	entries := rapid.SliceOfN(rapid.SampledFrom(known), 1, 40).Draw(t, "call")
	if err := m.store.AddEntries(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		m.log[e.ID] = e
	}
}

// query compares all pages of a query with the model.
func (m *auditModel) query(t *rapid.T) {
	q := access.AuditQuery{
		Caller:    rapid.SampledFrom(modelCallers).Draw(t, "caller"),
		Resource:  rapid.SampledFrom(modelResources).Draw(t, "resource"),
		Procedure: rapid.SampledFrom([]string{"", "group.GroupService/Create", "group.GroupService", "group"}).Draw(t, "procedure"),
		Limit:     rapid.IntRange(1, 30).Draw(t, "limit"),
	}
	for _, bound := range []*time.Time{&q.From, &q.Before} {
		if rapid.Bool().Draw(t, "bounded") {
			*bound = drawTime(t).Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "nanos")))
		}
	}
	got := pages(t.Context(), t, m.store, q)
	want := latestFirst(slices.DeleteFunc(slices.Collect(maps.Values(m.log)), func(e access.AuditEntry) bool { return !selects(q, e) }))
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("the entries of %+v are\n%+v\nwant\n%+v", q, got, want)
	}
}

// selects reports whether a query selects an entry.
func selects(q access.AuditQuery, e access.AuditEntry) bool {
	return (q.Caller == "" || e.Caller == q.Caller) && (q.Resource == "" || e.Resource == q.Resource) &&
		(q.Procedure == "" || e.Procedure == q.Procedure || strings.HasPrefix(e.Procedure, q.Procedure+"/")) &&
		(q.From.IsZero() || !e.Time.Before(q.From)) && (q.Before.IsZero() || e.Time.Before(q.Before))
}

// delete checks the promises of a deletion, and removes from the model what is no longer stored.
func (m *auditModel) delete(t *rapid.T) {
	before, limit := drawTime(t), rapid.IntRange(1, 40).Draw(t, "limit")
	n, err := m.store.DeleteEntries(t.Context(), before, limit)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]access.AuditEntry{}
	for _, e := range pages(t.Context(), t, m.store, access.AuditQuery{Limit: 1000}) {
		left[e.ID] = e
		if m.log[e.ID] != e {
			t.Fatalf("%+v is listed, but was deleted before or never added", e)
		}
	}
	if deleted := len(m.log) - len(left); n < deleted || n >= limit+access.MaxBatchEntries {
		t.Fatalf("the number of deleted entries is %d: %d are, and the limit is %d", n, deleted, limit)
	}
	for id, e := range m.log {
		switch kept, ok := left[id]; {
		case ok && n < limit && kept.Time.Before(before.Add(-access.MaxBatchSpan)):
			t.Fatalf("an entry of %s is not deleted before %s", kept.Time, before)
		case !ok && !e.Time.Before(before):
			t.Fatalf("an entry of %s is deleted before %s", e.Time, before)
		case ok:
			continue
		}
		for _, kept := range left {
			if kept.Time.Before(e.Time.Add(-access.MaxBatchSpan)) {
				t.Fatalf("an entry of %s is deleted before one of %s", e.Time, kept.Time)
			}
		}
	}
	m.log = left
}
