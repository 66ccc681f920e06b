package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

func testModify(t *testing.T, s incident.Store) {
	apply(t, s, opened(1))
	before := get(t, s, 101)
	i := acknowledge(t, s, 101, "kim", at(9))
	kittest.Equal(t, i, get(t, s, 101))
	want := before
	want.State, want.AckTime, want.AckBy, want.UpdateTime, want.EntryCount, want.Revision = incident.Acknowledged, at(9), "kim", at(9), 2, 2
	kittest.Equal(t, i, want)
	kittest.Equal(t, entries(t, s, 101)[1], incident.Entry{Number: 2, Kind: incident.EntryAcknowledged, Time: at(9), By: "kim"})

	kittest.Equal(t, acknowledge(t, s, 101, "lee", at(10)), want) // changes nothing

	_, err := s.Modify(t.Context(), 102, incident.Acknowledge(incident.Action{}))
	kittest.Error(t, err, fault.ErrNotFound, "102")
	refused := fault.Preconditionf("not now")
	_, err = s.Modify(t.Context(), 101, func(incident.Incident) (incident.Modification, error) { return incident.Modification{}, refused })
	kittest.Equal(t, errors.Is(err, refused), true)
	kittest.Equal(t, get(t, s, 101), want)
}

// testModifyAtOnce checks that of concurrent acknowledgments one counts.
func testModifyAtOnce(t *testing.T, s incident.Store) {
	apply(t, s, opened(1))
	for _, err := range kittest.Concurrently(8, func(n int) error {
		_, err := s.Modify(t.Context(), 101, incident.Acknowledge(incident.Action{By: fmt.Sprint(n), Time: at(9)}))
		return err
	}) {
		kittest.NoError(t, err)
	}
	kittest.Equal(t, len(entries(t, s, 101)), 2)
	claimed, err := s.ClaimNotices(t.Context(), at(9), at(14), 10)
	kittest.NoError(t, err)
	kittest.Equal(t, len(claimed), 1)
}

// claim returns the notices that are due at a time, claimed for 5 seconds.
func claim(t testing.TB, s incident.Store, when int) []incident.Notice {
	t.Helper()
	claimed, err := s.ClaimNotices(t.Context(), at(when), at(when+5), 10)
	kittest.NoError(t, err)
	return claimed
}

func testClaimNotices(t *testing.T, s incident.Store) {
	apply(t, s, opened(1), opened(2))
	acknowledge(t, s, 101, "kim", at(10))
	acknowledge(t, s, 102, "kim", at(11))
	_, err := s.Modify(t.Context(), 101, incident.Resolve(incident.Action{By: "lee", Comment: "replaced", Time: at(12)}))
	kittest.NoError(t, err)

	kittest.Equal(t, len(claim(t, s, 9)), 0)
	claimed := claim(t, s, 12)
	kittest.Equal(t, len(claimed), 2) // not the second one of 101
	first := claimed[0]
	kittest.Equal(t, claimed[1].Incident, int64(102))
	want := incident.Notice{
		ID: first.ID, Incident: 101, Entry: 2, Key: "disk of db1", Status: incident.StatusAcknowledged, Targets: []string{"@kim", "@@ops"}, By: []string{"slack", "email"},
		Severity: "high", Title: "Disk", Message: "disk is full (by kim)", Link: "https://grafana.example/1", Attempt: 1, CreateTime: at(10), DueTime: at(17),
	}
	kittest.Equal(t, first, want)
	kittest.Equal(t, len(claim(t, s, 16)), 0) // claimed
	again := claim(t, s, 17)
	kittest.Equal(t, len(again), 2)
	want.Attempt, want.DueTime = 2, at(22)
	kittest.Equal(t, again[0], want)

	kittest.NoError(t, s.DelayNotice(t.Context(), again[0], at(60)))
	kittest.NoError(t, s.NoticeRefused(t.Context(), again[1]))
	kittest.Equal(t, len(claim(t, s, 59)), 0)
	kittest.Equal(t, len(claim(t, s, 60)), 1)
	kittest.NoError(t, s.NoticeSent(t.Context(), again[0], 201))
	resolved := claim(t, s, 60)
	kittest.Equal(t, len(resolved), 1)
	kittest.Equal(t, [2]any{resolved[0].Status, resolved[0].Message}, [2]any{incident.StatusResolved, "disk is full (by lee: replaced)"})
}

// testClaimAtOnce checks that concurrent claims share the notices.
func testClaimAtOnce(t *testing.T, s incident.Store) {
	const many = 40
	var changes []incident.Change
	for id := int64(1); id <= many; id++ {
		changes = append(changes, opened(id))
	}
	apply(t, s, changes...)
	for id := int64(101); id <= 100+many; id++ {
		acknowledge(t, s, id, "kim", at(100))
	}
	var mu sync.Mutex
	var got []int64
	for _, err := range kittest.Concurrently(8, func(int) error {
		for range many {
			claimed, err := s.ClaimNotices(t.Context(), at(100), at(105), 3)
			if err != nil {
				return err
			}
			mu.Lock()
			for _, n := range claimed {
				got = append(got, n.Incident)
			}
			mu.Unlock()
		}
		return nil
	}) {
		kittest.NoError(t, err)
	}
	slices.Sort(got)
	kittest.Equal(t, len(got), many)
	kittest.Equal(t, len(slices.Compact(got)), many)
}

func testNoticeSent(t *testing.T, s incident.Store) {
	apply(t, s, opened(1))
	acknowledge(t, s, 101, "kim", at(10))
	n := claim(t, s, 10)[0]
	kittest.NoError(t, s.NoticeSent(t.Context(), n, 201))
	kittest.Equal(t, entries(t, s, 101)[1].AlertID, int64(201))
	kittest.NoError(t, s.NoticeSent(t.Context(), n, 202)) // it was sent
	kittest.Equal(t, entries(t, s, 101)[1].AlertID, int64(201))
	kittest.Equal(t, len(claim(t, s, 1000)), 0)
}

func testDelete(t *testing.T, s incident.Store) {
	apply(t, s, opened(1), opened(2), opened(3))
	acknowledge(t, s, 101, "kim", at(1))
	deleted := func(before, limit int) int {
		t.Helper()
		n, err := s.DeleteIncidents(t.Context(), at(before), limit)
		kittest.NoError(t, err)
		return n
	}
	kittest.Equal(t, deleted(1, 10), 0)
	kittest.Equal(t, deleted(3, 10), 1) // 101 has a notice
	_, err := s.Incident(t.Context(), 102)
	kittest.Error(t, err, fault.ErrNotFound)
	kittest.Equal(t, len(entries(t, s, 102)), 0)
	kittest.NoError(t, s.NoticeSent(t.Context(), claim(t, s, 1)[0], 201))
	kittest.Equal(t, deleted(100, 1), 1)
	kittest.Equal(t, get(t, s, 103).ID, int64(103))
	kittest.Equal(t, deleted(100, 1), 1)
	kittest.Equal(t, deleted(100, 1), 0)
	revision, err := s.Revision(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, revision, int64(4))
}
