// Package storetest has the conformance suite for the store of the inbox service, which each
// backend runs in one line.
package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// RunStore runs the suite against a store. Each call of open returns an empty one, which is
// closed when the test ends.
func RunStore(t *testing.T, open func(t *testing.T) inbox.Store) {
	for name, test := range map[string]func(*testing.T, inbox.Store){
		"add":                     testAdd,
		"add again":               testAddAgain,
		"add again at once":       testAddAgainAtOnce,
		"add nothing":             testAddNothing,
		"unstorable texts":        testUnstorable,
		"add many":                testAddMany,
		"ids in order of commits": testOrder,
		"after":                   testAfter,
		"page":                    testPage,
		"mark read":               testMarkRead,
		"mark all read":           testMarkAllRead,
		"archive":                 testArchive,
		"reports":                 testReports,
		"delete":                  testDelete,
		"incident":                testIncident,
		"incidents of one call":   testIncidentsOfOneCall,
		"late delivery":           testLateDelivery,
		"incident at once":        testIncidentAtOnce,
		"reads of an incident":    testIncidentReads,
		"read up to a change":     testReadUpToChange,
		"delete an incident":      testDeleteIncident,
		"model":                   testModel,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// now is the time of the tests. Stores keep microseconds.
var now = time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)

// at returns a time n seconds after now.
func at(n int) time.Time { return now.Add(time.Duration(n) * time.Second) }

// delivery returns a delivery that is stored at at(id).
func delivery(id int64, nickname string) inbox.Item {
	return inbox.Item{
		DeliveryID: id, Nickname: nickname, AlertID: fmt.Sprint(1000 + id), Severity: "high", Title: "Order", Text: fmt.Sprintf("[high] order %d", id),
		Link: "https://shop.example/orders", Key: "order", Resolved: id%2 == 0, CreateTime: now, StoreTime: at(int(id)), UpdateTime: at(int(id)),
	}
}

// deliveries returns deliveries with consecutive ids.
func deliveries(nickname string, from, to int64) (all []inbox.Item) {
	for id := from; id <= to; id++ {
		all = append(all, delivery(id, nickname))
	}
	return all
}

// add adds deliveries, and returns the new ones.
func add(t testing.TB, s inbox.Store, deliveries ...inbox.Item) []inbox.StoredItem {
	t.Helper()
	stored, err := s.Add(t.Context(), deliveries)
	kittest.NoError(t, err)
	return stored
}

// after returns the items of an inbox.
func after(t testing.TB, s inbox.Store, nickname string, id int64, limit int) []inbox.Item {
	t.Helper()
	items, err := s.After(t.Context(), nickname, id, limit)
	kittest.NoError(t, err)
	return items
}

// counts returns the last id of an inbox, and the number of unread items.
func counts(t testing.TB, s inbox.Store, nickname string) [2]int {
	t.Helper()
	last, unread, err := s.Last(t.Context(), nickname)
	kittest.NoError(t, err)
	return [2]int{int(last), unread}
}

// deliveryIDs returns the delivery ids of items.
func deliveryIDs(items []inbox.Item) []int64 {
	ids := make([]int64, len(items))
	for i, item := range items {
		ids[i] = item.DeliveryID
	}
	return ids
}
