package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

func testLease(t *testing.T, s incident.Store) {
	lease := func(holder string, from, until int) (int64, bool) {
		t.Helper()
		after, leased, err := s.Lease(t.Context(), holder, at(from), at(until))
		kittest.NoError(t, err)
		return after, leased
	}
	after, leased := lease("a", 0, 5)
	kittest.Equal(t, leased, true)
	kittest.Equal(t, after, int64(0))
	_, leased = lease("b", 4, 9)
	kittest.Equal(t, leased, false)
	_, leased = lease("a", 4, 9) // extends it
	kittest.Equal(t, leased, true)
	_, leased = lease("b", 8, 13)
	kittest.Equal(t, leased, false)
	kittest.NoError(t, s.Apply(t.Context(), "a", []incident.Change{opened(7)}))
	after, leased = lease("b", 9, 14) // it has ended
	kittest.Equal(t, leased, true)
	kittest.Equal(t, after, int64(7))
	kittest.NoError(t, s.Release(t.Context(), "a")) // has it no more
	_, leased = lease("c", 10, 15)
	kittest.Equal(t, leased, false)
	kittest.NoError(t, s.Release(t.Context(), "b"))
	_, leased = lease("c", 10, 15)
	kittest.Equal(t, leased, true)
}

func testApply(t *testing.T, s incident.Store) {
	update := opened(1)
	update.ID, update.Kind, update.Alert.ID, update.Alert.Severity, update.Alert.Time = 2, incident.ChangeUpdated, 102, "critical", at(2)
	apply(t, s, opened(1), update)
	want := incident.Incident{
		ID: 101, Key: "disk of db1", State: incident.Firing, Severity: "critical", Title: "Disk", Message: "disk is full", Link: "https://grafana.example/1",
		Source: "grafana", Targets: []string{"@kim", "@@ops"}, By: []string{"slack", "email"}, Escalation: "night", AlertCount: 2,
		OpenTime: at(1), UpdateTime: at(2), EntryCount: 2, LastChange: 2, Revision: 1,
	}
	kittest.Equal(t, get(t, s, 101), want)
	kittest.Equal(t, entries(t, s, 101), []incident.Entry{
		{Number: 1, Kind: incident.EntryOpened, Time: at(1), AlertID: 101}, {Number: 2, Kind: incident.EntryUpdated, Time: at(2), AlertID: 102},
	})
	resolved := opened(1)
	resolved.ID, resolved.Kind, resolved.Alert.ID, resolved.Alert.Time = 3, incident.ChangeResolved, 103, at(3)
	apply(t, s, resolved)
	want.State, want.ResolveTime, want.UpdateTime, want.AlertCount, want.EntryCount, want.LastChange, want.Revision = incident.Resolved, at(3), at(3), 3, 3, 3, 2
	kittest.Equal(t, get(t, s, 101), want)
	_, err := s.Incident(t.Context(), 102)
	kittest.Error(t, err, fault.ErrNotFound, "102")
	kittest.Equal(t, len(entries(t, s, 102)), 0)
}

// testApplyAgain checks that a change is applied once, also where its position was lost.
func testApplyAgain(t *testing.T, s incident.Store) {
	apply(t, s, opened(1), opened(2))
	before := get(t, s, 101)
	apply(t, s, opened(1), opened(2), opened(1))
	kittest.Equal(t, get(t, s, 101), before)
	kittest.Equal(t, len(entries(t, s, 101)), 1)
}

func testApplyWithoutLease(t *testing.T, s incident.Store) {
	for _, holder := range []string{"a", "b"} {
		_, _, err := s.Lease(t.Context(), holder, at(0), at(0))
		kittest.NoError(t, err)
	}
	err := s.Apply(t.Context(), "a", []incident.Change{opened(1)})
	kittest.Equal(t, errors.Is(err, incident.ErrLeaseLost), true)
	_, err = s.Incident(t.Context(), 101)
	kittest.Error(t, err, fault.ErrNotFound)
	after, _, err := s.Lease(t.Context(), "b", at(0), at(1))
	kittest.NoError(t, err)
	kittest.Equal(t, after, int64(0))
	kittest.NoError(t, s.Apply(t.Context(), "b", nil))
}

func testApplyMany(t *testing.T, s incident.Store) {
	const many = 1000
	var changes []incident.Change
	for id := int64(1); id <= many; id++ {
		changes = append(changes, opened(id))
	}
	apply(t, s, changes...)
	firing, acknowledged, err := s.CountOpen(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, [2]int64{firing, acknowledged}, [2]int64{many, 0})
	revision, err := s.Revision(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, revision, int64(many))
	kittest.Equal(t, get(t, s, 100+many).Revision, int64(many))
	kittest.Equal(t, len(entries(t, s, 100+many)), 1)
}

// testApplySuperseded checks that a key has one open incident at most.
func testApplySuperseded(t *testing.T, s incident.Store) {
	second, third := opened(2), opened(3)
	second.Alert.Key, third.Alert.Key = opened(1).Alert.Key, opened(1).Alert.Key
	apply(t, s, opened(1))
	apply(t, s, second, third)
	for id, state := range map[int64]incident.State{101: incident.Resolved, 102: incident.Resolved, 103: incident.Firing} {
		kittest.Equal(t, get(t, s, id).State, state)
	}
	last := entries(t, s, 101)[1]
	kittest.Equal(t, [2]any{last.Kind, last.AlertID}, [2]any{incident.EntryResolved, int64(102)})
}

func testUnstorable(t *testing.T, s incident.Store) {
	c := opened(1)
	c.Alert.Message, c.Alert.Title = "a\x00b\xff", "\xff"
	apply(t, s, c)
	i := get(t, s, 101)
	kittest.Equal(t, [2]string{i.Message, i.Title}, [2]string{"a\uFFFDb\uFFFD", "\uFFFD"})
	_, err := s.Modify(t.Context(), 101, incident.Acknowledge(incident.Action{By: "\xff", Comment: "\x00", Time: at(9)}))
	kittest.NoError(t, err)
	kittest.Equal(t, entries(t, s, 101)[1].By, "\uFFFD")
}

func testPage(t *testing.T, s incident.Store) {
	resolved := opened(3)
	resolved.ID, resolved.Kind = 9, incident.ChangeResolved
	intake := opened(4)
	intake.Alert.Key = "\x1fdisk of db1"
	apply(t, s, opened(1), opened(2), opened(3), intake, resolved)
	acknowledge(t, s, 102, "kim", at(10))
	page := func(q incident.Query) string {
		t.Helper()
		if q.Limit == 0 {
			q.Limit = 10
		}
		found, err := s.Page(t.Context(), q)
		kittest.NoError(t, err)
		var ids []int64
		for _, i := range found {
			ids = append(ids, i.ID)
		}
		return fmt.Sprint(ids)
	}
	kittest.Equal(t, page(incident.Query{}), "[104 103 102 101]")
	kittest.Equal(t, page(incident.Query{Limit: 2}), "[104 103]")
	kittest.Equal(t, page(incident.Query{Before: 103}), "[102 101]")
	kittest.Equal(t, page(incident.Query{OpenOnly: true}), "[104 102 101]")
	kittest.Equal(t, page(incident.Query{State: incident.Resolved}), "[103]")
	kittest.Equal(t, page(incident.Query{State: incident.Acknowledged, OpenOnly: true}), "[102]")
	kittest.Equal(t, page(incident.Query{Key: "disk of db1"}), "[104 101]")
	kittest.Equal(t, page(incident.Query{Key: "disk of db1", Before: 104}), "[101]")
	kittest.Equal(t, page(incident.Query{Key: "another"}), "[]")
	_, err := s.Page(t.Context(), incident.Query{})
	kittest.Error(t, err, fault.ErrInvalid)
}

func testRevisions(t *testing.T, s incident.Store) {
	apply(t, s, opened(1), opened(2), opened(3))
	acknowledge(t, s, 101, "kim", at(9))
	changed, err := s.ChangedAfter(t.Context(), 1, 10)
	kittest.NoError(t, err)
	var got []string
	for _, i := range changed {
		got = append(got, fmt.Sprint(i.ID, "/", i.Revision))
	}
	kittest.Equal(t, fmt.Sprint(got), "[102/2 103/3 101/4]")
	changed, err = s.ChangedAfter(t.Context(), 1, 1)
	kittest.NoError(t, err)
	kittest.Equal(t, len(changed), 1)
	changed, err = s.ChangedAfter(t.Context(), 4, 10)
	kittest.NoError(t, err)
	kittest.Equal(t, len(changed), 0)
}
