package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
)

func testNotices(t *testing.T, s monitor.Store) {
	web, db := create(t, s, httpMonitor("web")).ID, create(t, s, httpMonitor("db")).ID
	record(t, s, failed(web, at(1)), failed(db, at(2)), passed(web, at(3)), failed(web, at(4)))
	kittest.Equal(t, len(claim(t, s, 0)), 0)
	claimed := claim(t, s, 4)
	kittest.Equal(t, len(claimed), 2) // the oldest of each
	kittest.Equal(t, [2]string{claimed[0].Monitor, claimed[1].Monitor}, [2]string{"web", "db"})
	kittest.Equal(t, len(claim(t, s, 8)), 0)
	again := claim(t, s, 9)
	kittest.Equal(t, len(again), 2)
	want := claimed[0]
	want.Attempt, want.DueTime = 2, at(14)
	kittest.Equal(t, again[0], want)

	kittest.NoError(t, s.DelayNotice(t.Context(), again[0], at(60)))
	kittest.NoError(t, s.NoticeSent(t.Context(), again[1]))
	kittest.NoError(t, s.NoticeSent(t.Context(), again[1]))
	kittest.Equal(t, len(claim(t, s, 59)), 0)
	var numbers []int64
	for n := range 3 {
		one := claim(t, s, 60+10*n)
		kittest.Equal(t, len(one), 1)
		kittest.Equal(t, one[0].Resolved, n == 1)
		numbers = append(numbers, one[0].Number)
		kittest.NoError(t, s.NoticeSent(t.Context(), one[0]))
	}
	kittest.Equal(t, slices.IsSorted(numbers), true)
	kittest.Equal(t, len(slices.Compact(numbers)), 3)
	kittest.Equal(t, len(claim(t, s, 1000)), 0)
}

// testClaimAtOnce checks that concurrent claims share the notices.
func testClaimAtOnce(t *testing.T, s monitor.Store) {
	const many = 40
	var results []monitor.MonitorResult
	for n := range many {
		results = append(results, failed(create(t, s, httpMonitor(fmt.Sprint("m", n))).ID, at(1)))
	}
	record(t, s, results...)
	var mu sync.Mutex
	var got []string
	for _, err := range kittest.Concurrently(8, func(int) error {
		for range many {
			claimed, err := s.ClaimNotices(t.Context(), at(100), at(105), 3)
			if err != nil {
				return err
			}
			mu.Lock()
			for _, n := range claimed {
				got = append(got, n.Monitor)
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
