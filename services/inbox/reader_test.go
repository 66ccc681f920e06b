package inbox_test

import (
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// TestReaderChanges checks which messages of a reader are changes of items that it has, while it
// reads the store, after a notification, and after lost ones.
func TestReaderChanges(t *testing.T) {
	s := openStore(t)
	hub, _ := startHub(t, s, nil)
	next := int64(0)
	store := func(notify bool, incident int64) {
		next++
		d := inbox.Item{DeliveryID: next, Nickname: "kim", Text: "x", Incident: incident}
		items, err := s.Add(t.Context(), []inbox.Item{d})
		kittest.NoError(t, err)
		if notify {
			hub.Stored(items)
		}
	}
	expect := func(r inbox.Reader, want ...string) {
		t.Helper()
		for _, w := range want {
			message, err := r.Next(t.Context())
			kittest.NoError(t, err)
			kind := "new"
			if message.GetChanged() {
				kind = "changed"
			}
			kittest.Equal(t, fmt.Sprintf("%s at %s is %s", message.GetItem().GetId(), message.GetItem().GetPosition(), kind), w)
		}
	}
	store(false, 1)                   // item 1
	store(false, 2)                   // item 2
	store(false, 1)                   // item 1, position 3
	all, _ := join(t, hub, "kim", 0)  // has none of them
	some, _ := join(t, hub, "kim", 1) // has item 1
	expect(some, "2 at 2 is new", "1 at 3 is changed")
	expect(all, "2 at 2 is new")
	store(true, 2) // while all reads a page of the store
	expect(all, "1 at 3 is new", "2 at 4 is changed")
	expect(some, "2 at 4 is changed")
	store(true, 3)
	store(true, 3)
	for _, r := range []inbox.Reader{all, some} {
		expect(r, "5 at 5 is new", "5 at 6 is changed")
	}
	store(false, 4) // is lost
	store(false, 1)
	store(false, 4)
	hub.Poll(t.Context())
	for _, r := range []inbox.Reader{all, some} {
		expect(r, "1 at 8 is changed", "7 at 9 is new")
	}
	store(true, 4)
	expect(all, "7 at 10 is changed")
}
