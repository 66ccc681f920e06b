package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/access"
)

// entry returns an entry with all fields, some minutes after now.
func entry(id string, minutes int) access.AuditEntry {
	return access.AuditEntry{
		ID: id, Time: now.Add(time.Duration(minutes) * time.Minute), Caller: "k1", CallerName: "ops", Address: "10.0.0.7",
		Procedure: "bongsu.group.v1.GroupService/CreateGroup", Resource: "groups/7", Outcome: "ok", RequestID: "r" + id, TraceID: "t" + id,
	}
}

// ids returns the ids of entries.
func ids(t *testing.T, s access.Store, q access.AuditQuery) []string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	entries, err := s.Entries(t.Context(), q)
	kittest.NoError(t, err)
	found := []string{}
	for _, e := range entries {
		found = append(found, e.ID)
	}
	return found
}

func testEntries(t *testing.T, s access.Store) {
	ctx := t.Context()
	kittest.Equal(t, ids(t, s, access.AuditQuery{}), []string{})
	kittest.NoError(t, s.AddEntries(ctx, []access.AuditEntry{entry("b", 2), entry("a", 1), entry("c", 3)}))
	empty := access.AuditEntry{ID: "d", Time: now}
	kittest.NoError(t, s.AddEntries(ctx, []access.AuditEntry{empty}))
	got, err := s.Entries(ctx, access.AuditQuery{Limit: 10})
	kittest.NoError(t, err)
	kittest.Equal(t, got, []access.AuditEntry{entry("c", 3), entry("b", 2), entry("a", 1), empty})
}

func testEntriesAgain(t *testing.T, s access.Store) {
	ctx := t.Context()
	kittest.NoError(t, s.AddEntries(ctx, []access.AuditEntry{entry("a", 1)}))
	kittest.NoError(t, s.AddEntries(ctx, []access.AuditEntry{entry("a", 1), entry("b", 2), entry("b", 2)}))
	got, err := s.Entries(ctx, access.AuditQuery{Limit: 10})
	kittest.NoError(t, err)
	kittest.Equal(t, got, []access.AuditEntry{entry("b", 2), entry("a", 1)})
}

func testEntriesAtOnce(t *testing.T, s access.Store) {
	ctx := t.Context()
	var all []access.AuditEntry
	for i := range 100 {
		all = append(all, entry(fmt.Sprintf("%03d", i), i))
	}
	for _, err := range kittest.Concurrently(6, func(int) error { return s.AddEntries(ctx, all) }) {
		kittest.NoError(t, err)
	}
	kittest.Equal(t, len(ids(t, s, access.AuditQuery{Limit: 1000})), len(all))
}

func testEntryFilters(t *testing.T, s access.Store) {
	var all []access.AuditEntry
	for i, change := range []func(*access.AuditEntry){
		func(*access.AuditEntry) {},
		func(e *access.AuditEntry) { e.Caller = "k2" },
		func(e *access.AuditEntry) { e.Resource = "groups/8" },
		func(e *access.AuditEntry) { e.Procedure = "bongsu.group.v1.GroupService/DeleteGroup" },
		func(e *access.AuditEntry) { e.Procedure = "bongsu.group.v1.GroupServiceX/CreateGroup" },
		func(e *access.AuditEntry) { e.Caller, e.Resource = "", "" },
	} {
		e := entry(fmt.Sprint(i), i)
		change(&e)
		all = append(all, e)
	}
	kittest.NoError(t, s.AddEntries(t.Context(), all))
	for _, row := range []struct {
		query access.AuditQuery
		want  []string
	}{
		{access.AuditQuery{Caller: "k1"}, []string{"4", "3", "2", "0"}},
		{access.AuditQuery{Caller: "k2"}, []string{"1"}},
		{access.AuditQuery{Caller: "k"}, []string{}},
		{access.AuditQuery{Resource: "groups/7"}, []string{"4", "3", "1", "0"}},
		{access.AuditQuery{Resource: "groups/7", Caller: "k1"}, []string{"4", "3", "0"}},
		{access.AuditQuery{Procedure: "bongsu.group.v1.GroupService/CreateGroup"}, []string{"5", "2", "1", "0"}},
		{access.AuditQuery{Procedure: "bongsu.group.v1.GroupService"}, []string{"5", "3", "2", "1", "0"}},
		{access.AuditQuery{Procedure: "bongsu.group.v1"}, []string{}},
		{access.AuditQuery{Procedure: "bongsu_group_v1_GroupService"}, []string{}},
		{access.AuditQuery{Procedure: "%"}, []string{}},
	} {
		if got := ids(t, s, row.query); !slices.Equal(got, row.want) {
			t.Errorf("%+v: %v, want %v", row.query, got, row.want)
		}
	}
}

func testEntryTimes(t *testing.T, s access.Store) {
	kittest.NoError(t, s.AddEntries(t.Context(), []access.AuditEntry{entry("a", 1), entry("b", 2), entry("c", 3)}))
	at := func(minutes int, more time.Duration) time.Time {
		return now.Add(time.Duration(minutes)*time.Minute + more)
	}
	for _, row := range []struct {
		query access.AuditQuery
		want  []string
	}{
		{access.AuditQuery{From: at(2, 0)}, []string{"c", "b"}},
		{access.AuditQuery{From: at(2, 1)}, []string{"c"}},
		{access.AuditQuery{Before: at(2, 0)}, []string{"a"}},
		{access.AuditQuery{Before: at(2, 1)}, []string{"b", "a"}},
		{access.AuditQuery{From: at(1, 0), Before: at(3, 0)}, []string{"b", "a"}},
		{access.AuditQuery{From: at(3, 0), Before: at(1, 0)}, []string{}},
	} {
		if got := ids(t, s, row.query); !slices.Equal(got, row.want) {
			t.Errorf("%+v: %v, want %v", row.query, got, row.want)
		}
	}
}

func testEntryPages(t *testing.T, s access.Store) {
	var all []access.AuditEntry
	for i := range 9 {
		all = append(all, entry(fmt.Sprint(i), i/4)) // moments of four entries
	}
	kittest.NoError(t, s.AddEntries(t.Context(), all))
	slices.Reverse(all)
	var got []access.AuditEntry
	q := access.AuditQuery{Limit: 2}
	for {
		page, err := s.Entries(t.Context(), q)
		kittest.NoError(t, err)
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		last := page[len(page)-1]
		q.After = access.AuditCursor{Time: last.Time, ID: last.ID}
		// A later call is not on any of the next pages.
		kittest.NoError(t, s.AddEntries(t.Context(), []access.AuditEntry{entry("later"+last.ID, 60)}))
	}
	kittest.Equal(t, got, all)
}

func testManyEntries(t *testing.T, s access.Store) {
	var all []access.AuditEntry
	for i := range 1111 { // of many batches, because they are minutes apart
		all = append(all, entry(fmt.Sprintf("%04d", i), i))
	}
	kittest.NoError(t, s.AddEntries(t.Context(), all))
	slices.Reverse(all)
	got, err := s.Entries(t.Context(), access.AuditQuery{Limit: 2000})
	kittest.NoError(t, err)
	kittest.Equal(t, got, all)
}

func testDeleteEntries(t *testing.T, s access.Store) {
	ctx := t.Context()
	var all []access.AuditEntry
	for i := range 6 {
		all = append(all, entry(fmt.Sprint(i), i))
	}
	kittest.NoError(t, singleCalls{s}.AddEntries(ctx, all))
	for _, step := range []struct {
		before, limit, deleted int
		left                   []string
	}{
		{0, 10, 0, []string{"5", "4", "3", "2", "1", "0"}},
		{4, 3, 3, []string{"5", "4", "3"}},
		{4, 3, 1, []string{"5", "4"}},
		{4, 3, 0, []string{"5", "4"}},
	} {
		n, err := s.DeleteEntries(ctx, now.Add(time.Duration(step.before)*time.Minute), step.limit)
		kittest.NoError(t, err)
		kittest.Equal(t, n, step.deleted)
		kittest.Equal(t, ids(t, s, access.AuditQuery{}), step.left)
	}
}

// testCharacters checks that characters that are special to SQL have no effect.
func testCharacters(t *testing.T, s access.Store) {
	ctx := t.Context()
	for i, text := range []string{"x'; DROP TABLE keys; --", `"`, "?", "$1", "%", "운영", "é", "{a,b}"} {
		k := key(fmt.Sprint(i))
		k.Name = text
		kittest.NoError(t, s.AddKey(ctx, k))
		got, err := s.Key(ctx, k.ID)
		kittest.NoError(t, err)
		kittest.Equal(t, got, k)
		e := entry(fmt.Sprint(i), i)
		e.Caller, e.CallerName, e.Resource = text, text, text
		kittest.NoError(t, s.AddEntries(ctx, []access.AuditEntry{e}))
		found, err := s.Entries(ctx, access.AuditQuery{Caller: text, Resource: text, Limit: 10})
		kittest.NoError(t, err)
		kittest.Equal(t, found, []access.AuditEntry{e})
	}
}

// testUnstorable checks that a text that the database cannot store is invalid or not found, and
// no internal error.
func testUnstorable(t *testing.T, s access.Store) {
	ctx := t.Context()
	for _, err := range []error{
		s.AddEntries(ctx, []access.AuditEntry{entry("", 1)}),
		s.AddEntries(ctx, []access.AuditEntry{entry("a\x00", 1), entry("ok", 1)}),
	} {
		kittest.Error(t, err, fault.ErrInvalid)
	}
	kittest.Equal(t, ids(t, s, access.AuditQuery{}), []string{})
	if _, err := s.Key(ctx, "a\x00"); !isCallers(err) {
		t.Errorf("the key with a NUL: %v", err)
	}
	if err := s.RevokeKey(ctx, "a\x00", now); !isCallers(err) {
		t.Errorf("the key with a NUL is revoked: %v", err)
	}
}

// isCallers reports whether an error is one that the caller made.
func isCallers(err error) bool {
	return errors.Is(err, fault.ErrInvalid) || errors.Is(err, fault.ErrNotFound)
}

func testLimits(t *testing.T, s access.Store) {
	_, err := s.Entries(t.Context(), access.AuditQuery{})
	kittest.Error(t, err, fault.ErrInvalid, "limit")
	_, err = s.DeleteEntries(t.Context(), now, 0)
	kittest.Error(t, err, fault.ErrInvalid, "limit")
}

func testNothing(t *testing.T, s access.Store) {
	kittest.NoError(t, s.AddEntries(t.Context(), nil))
	kittest.NoError(t, s.RecordKeyUses(t.Context(), nil))
	kittest.Equal(t, ids(t, s, access.AuditQuery{}), []string{})
}
