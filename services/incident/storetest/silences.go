package storetest

import (
	"cmp"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

// newSilence returns a silence from at(start) until at(end), created at(0).
func newSilence(start, end int) incident.Silence {
	return incident.Silence{
		Matchers: []string{`severity="low"`, `host=~"db\\d+, \"운영\""`}, Start: at(start), End: at(end), CreateTime: at(0), Reason: "maintenance", Author: "kim",
	}
}

// addSilence stores a silence, and deletes none.
func addSilence(t testing.TB, s incident.Store, start, end int) incident.Silence {
	t.Helper()
	added, err := s.AddSilence(t.Context(), newSilence(start, end), at(-1000), 100)
	kittest.NoError(t, err)
	return added
}

// silenceIDs returns the ids of silences.
func silenceIDs(all []incident.Silence) []int64 {
	ids := []int64{}
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids
}

// revisionOf returns the revision of silences.
func revisionOf(t testing.TB, s incident.Store) int64 {
	t.Helper()
	revision, err := s.SilenceRevision(t.Context())
	kittest.NoError(t, err)
	return revision
}

func testSilences(t *testing.T, s incident.Store) {
	kittest.Equal(t, revisionOf(t, s), int64(0))
	added := addSilence(t, s, 5, 10)
	want := newSilence(5, 10)
	want.ID = added.ID
	kittest.Equal(t, added, want)
	kittest.Equal(t, added.ID > 0, true)
	got, err := s.Silence(t.Context(), added.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got, want)
	kittest.Equal(t, addSilence(t, s, 5, 10).ID > added.ID, true)
	kittest.Error(t, kittest.ErrorOf(s.Silence(t.Context(), added.ID+100)), fault.ErrNotFound, "silence")
}

func testSilencePages(t *testing.T, s incident.Store) {
	first, second, ended, third := addSilence(t, s, 0, 20), addSilence(t, s, 0, 30), addSilence(t, s, 0, 5), addSilence(t, s, 0, 20)
	page := func(q incident.SilenceQuery) []int64 {
		t.Helper()
		q.Limit = cmp.Or(q.Limit, 10)
		all, err := s.ListSilences(t.Context(), q)
		kittest.NoError(t, err)
		return silenceIDs(all)
	}
	kittest.Equal(t, page(incident.SilenceQuery{EndAfter: at(0)}), []int64{second.ID, third.ID, first.ID, ended.ID})
	kittest.Equal(t, page(incident.SilenceQuery{EndAfter: at(5)}), []int64{second.ID, third.ID, first.ID})
	kittest.Equal(t, page(incident.SilenceQuery{EndAfter: at(5), Limit: 2}), []int64{second.ID, third.ID})
	kittest.Equal(t, page(incident.SilenceQuery{EndAfter: at(0), BeforeEnd: third.End, BeforeID: third.ID}), []int64{first.ID, ended.ID})
	kittest.Equal(t, page(incident.SilenceQuery{EndAfter: at(5), BeforeEnd: third.End, BeforeID: third.ID}), []int64{first.ID})
}

func testExpireSilence(t *testing.T, s incident.Store) {
	active, pending, ended := addSilence(t, s, 0, 20), addSilence(t, s, 15, 20), addSilence(t, s, 0, 5)
	for _, c := range []struct {
		silence    incident.Silence
		start, end int
	}{{active, 0, 10}, {pending, 10, 10}, {ended, 0, 5}} {
		before := revisionOf(t, s)
		want := newSilence(c.start, c.end)
		want.ID = c.silence.ID
		got, err := s.ExpireSilence(t.Context(), c.silence.ID, at(10))
		kittest.NoError(t, err)
		kittest.Equal(t, got, want)
		stored, err := s.Silence(t.Context(), c.silence.ID)
		kittest.NoError(t, err)
		kittest.Equal(t, stored, want)
		if c.silence.ID != ended.ID {
			kittest.Equal(t, revisionOf(t, s) > before, true)
		}
	}
	kittest.Error(t, kittest.ErrorOf(s.ExpireSilence(t.Context(), 12345, at(10))), fault.ErrNotFound, "silence")
}

func testActiveSilences(t *testing.T, s incident.Store) {
	active, pending := addSilence(t, s, 0, 20), addSilence(t, s, 100, 200)
	addSilence(t, s, 0, 10)
	revision, all, err := s.ActiveSilences(t.Context(), at(10))
	kittest.NoError(t, err)
	kittest.Equal(t, revision, revisionOf(t, s))
	kittest.Equal(t, all, []incident.Silence{active, pending})
	addSilence(t, s, 0, 20)
	kittest.Equal(t, revisionOf(t, s) > revision, true)
}

func testTooManySilences(t *testing.T, s incident.Store) {
	add := func(silence incident.Silence) error {
		return kittest.ErrorOf(s.AddSilence(t.Context(), silence, at(-1000), 2))
	}
	past := newSilence(-20, -10)
	past.CreateTime = at(-20)
	kittest.NoError(t, add(past))
	kittest.NoError(t, add(newSilence(0, 10)))
	kittest.NoError(t, add(newSilence(5, 10)))
	kittest.Error(t, add(newSilence(0, 10)), fault.ErrExhausted, "silences")
	kittest.NoError(t, kittest.ErrorOf(s.AddSilence(t.Context(), newSilence(0, 10), at(-1000), 3)))
}

func testDeleteSilences(t *testing.T, s incident.Store) {
	ended, kept := addSilence(t, s, 0, 10), addSilence(t, s, 0, 11)
	added, err := s.AddSilence(t.Context(), newSilence(0, 20), at(10), 100)
	kittest.NoError(t, err)
	all, err := s.ListSilences(t.Context(), incident.SilenceQuery{EndAfter: time.Unix(0, 0), Limit: 10})
	kittest.NoError(t, err)
	kittest.Equal(t, silenceIDs(all), []int64{added.ID, kept.ID})
	kittest.Error(t, kittest.ErrorOf(s.Silence(t.Context(), ended.ID)), fault.ErrNotFound, "silence")
}

// testSilencesAtOnce checks that concurrent changes have revisions of their own, and keep the limit.
func testSilencesAtOnce(t *testing.T, s incident.Store) {
	const limit = 5
	added := 0
	for _, err := range kittest.Concurrently(2*limit, func(int) error {
		return kittest.ErrorOf(s.AddSilence(t.Context(), newSilence(0, 10), at(-1000), limit))
	}) {
		if err == nil {
			added++
		} else {
			kittest.Error(t, err, fault.ErrExhausted, "silences")
		}
	}
	kittest.Equal(t, added, limit)
	kittest.Equal(t, revisionOf(t, s), at(0).UnixMicro()+limit-1)
}
