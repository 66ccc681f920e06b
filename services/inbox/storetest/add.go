package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
)

func testAdd(t *testing.T, s inbox.Store) {
	marked := delivery(2, "lee")
	marked.ID, marked.Position, marked.UpdateTime, marked.ReadTime, marked.Archived = 99, 98, at(97), at(5), true // are ignored
	plain := inbox.Item{DeliveryID: 3, Nickname: "kim", AlertID: "1", Severity: "low", Text: "[low] x", CreateTime: now, StoreTime: at(3), UpdateTime: at(3)}
	stored := add(t, s, delivery(1, "kim"), marked, plain)
	want := []inbox.StoredItem{{Item: delivery(1, "kim")}, {Item: delivery(2, "lee")}, {Item: plain, Before: 1}}
	want[0].ID, want[1].ID, want[2].ID = 1, 1, 2
	want[0].Position, want[1].Position, want[2].Position = 1, 1, 2
	kittest.Equal(t, stored, want)
	kittest.Equal(t, after(t, s, "kim", 0, 10), []inbox.Item{want[0].Item, want[2].Item})
	kittest.Equal(t, after(t, s, "lee", 0, 10), []inbox.Item{want[1].Item})
	kittest.Equal(t, len(after(t, s, "nobody", 0, 10)), 0)
	kittest.Equal(t, counts(t, s, "kim"), [2]int{2, 2})
	kittest.Equal(t, counts(t, s, "lee"), [2]int{1, 1})
	kittest.Equal(t, counts(t, s, "nobody"), [2]int{0, 0})
}

// testAddAgain checks that a delivery is stored once, also if it is twice in a call, and that it
// uses no id the second time.
func testAddAgain(t *testing.T, s inbox.Store) {
	first := add(t, s, delivery(1, "kim"), delivery(1, "kim"))
	kittest.Equal(t, len(first), 1)
	_, err := s.MarkRead(t.Context(), "kim", 1, at(9))
	kittest.NoError(t, err)
	before := after(t, s, "kim", 0, 10)
	later := delivery(1, "kim")
	later.StoreTime, later.Text = at(100), "another"
	kittest.Equal(t, len(add(t, s, later)), 0)
	kittest.Equal(t, after(t, s, "kim", 0, 10), before)
	again := add(t, s, later, delivery(2, "kim"), later)
	kittest.Equal(t, len(again), 1)
	kittest.Equal(t, [2]int64{again[0].ID, again[0].Before}, [2]int64{2, 1})
	kittest.Equal(t, counts(t, s, "kim"), [2]int{2, 1})
}

// testAddAgainAtOnce checks that of concurrent calls with the same deliveries, each delivery is
// returned by one.
func testAddAgainAtOnce(t *testing.T, s inbox.Store) {
	const callers, many = 8, 20
	all := append(deliveries("kim", 1, many), deliveries("lee", many+1, 2*many)...)
	reversed := slices.Clone(all)
	slices.Reverse(reversed)
	var mu sync.Mutex
	var returned []int64
	for _, err := range kittest.Concurrently(callers, func(i int) error {
		mine := all
		if i%2 == 1 {
			mine = reversed
		}
		stored, err := s.Add(t.Context(), mine)
		mu.Lock()
		defer mu.Unlock()
		for _, item := range stored {
			returned = append(returned, item.DeliveryID)
		}
		return err
	}) {
		kittest.NoError(t, err)
	}
	slices.Sort(returned)
	kittest.Equal(t, returned, deliveryIDs(all))
	for _, nickname := range []string{"kim", "lee"} {
		kittest.Equal(t, len(after(t, s, nickname, 0, 100)), many)
		kittest.Equal(t, counts(t, s, nickname)[1], many)
	}
}

func testAddNothing(t *testing.T, s inbox.Store) {
	kittest.Equal(t, len(add(t, s)), 0)
	kittest.Equal(t, counts(t, s, "kim"), [2]int{0, 0})
}

func testUnstorable(t *testing.T, s inbox.Store) {
	d := delivery(1, "kim")
	d.Text, d.Title = "a\x00b", "\xff"
	stored := add(t, s, d)
	kittest.Equal(t, [2]string{stored[0].Text, stored[0].Title}, [2]string{"a\uFFFDb", "\uFFFD"})
	kittest.Equal(t, after(t, s, "kim", 0, 1)[0], stored[0].Item)
}

// testAddMany checks a call with more deliveries and users than one statement has.
func testAddMany(t *testing.T, s inbox.Store) {
	const many, users = 1000, 700
	var all []inbox.Item
	for id := int64(1); id <= many; id++ {
		all = append(all, delivery(id, fmt.Sprintf("user%d", id%users)))
	}
	stored := add(t, s, all...)
	kittest.Equal(t, len(stored), many)
	for i, item := range stored {
		kittest.Equal(t, item.DeliveryID, all[i].DeliveryID)
		kittest.Equal(t, item.ID, int64(1+i/users))
	}
	kittest.Equal(t, deliveryIDs(after(t, s, "user7", 0, 10)), []int64{7, 7 + users})
	kittest.Equal(t, len(add(t, s, all...)), 0)
}

// testOrder checks that a reader who follows an inbox by ids misses nothing while several callers
// add items.
func testOrder(t *testing.T, s inbox.Store) {
	const callers, each = 8, 25
	done := make(chan struct{})
	followed := make(chan []inbox.Item)
	go func() {
		var seen []inbox.Item
		for last := int64(0); ; {
			ended := false
			select {
			case <-done:
				ended = true
			default:
			}
			items, err := s.After(t.Context(), "kim", last, 7)
			if err != nil {
				t.Error(err)
			}
			seen = append(seen, items...)
			if len(items) > 0 {
				last = items[len(items)-1].ID
			} else if ended {
				followed <- seen
				return
			}
		}
	}()
	for _, err := range kittest.Concurrently(callers, func(i int) error {
		for n := range each {
			id := int64(i*each + n + 1)
			if _, err := s.Add(t.Context(), []inbox.Item{delivery(id, "kim"), delivery(1000+id, "user"+fmt.Sprint(n%3))}); err != nil {
				return err
			}
		}
		return nil
	}) {
		kittest.NoError(t, err)
	}
	close(done)
	seen := <-followed
	kittest.Equal(t, len(seen), callers*each)
	kittest.Equal(t, seen, after(t, s, "kim", 0, 1000))
}
