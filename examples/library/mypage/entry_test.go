package mypage

import (
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"
	mypagev1 "github.com/bongsu-project/bongsu/gen/go/library/mypage/v1"
)

// TestMerge checks that the events of a reservation make the same entry in each order, also if some
// are delivered again.
func TestMerge(t *testing.T) {
	events := []proto.Message{
		&eventv1.Reserved{ProductId: "p"},
		&eventv1.OutOfStock{ProductId: "p"},
		&eventv1.Held{ProductId: "p", Title: "Emma"},
		&eventv1.Started{ProductId: "p", Title: "Emma", DeliveryId: "d"},
		&eventv1.Delivered{DeliveryId: "d"},
		&eventv1.Canceled{ProductId: "p"},
	}
	want := &mypagev1.Entry{ProductId: "p", Title: "Emma", DeliveryId: "d", State: mypagev1.EntryState_ENTRY_STATE_CANCELED}
	for i := range events {
		want.Changes = append(want.Changes, &mypagev1.Change{State: mypagev1.EntryState(i + 1), Time: timestamppb.New(time.Unix(int64(i), 0))})
	}
	for range 200 {
		got := &mypagev1.Entry{}
		order := append(rand.Perm(len(events)), rand.Perm(len(events))...)
		for n, i := range order {
			if changed := merge(got, events[i], time.Unix(int64(i), 0)); changed != (n < len(events)) {
				t.Fatalf("order %v: event %d reports a change: %v", order, n, changed)
			}
		}
		if !proto.Equal(got, want) {
			t.Fatalf("order %v makes\n%v, want\n%v", order, got, want)
		}
	}
}

// TestMergeUnrelated checks that the other events change nothing.
func TestMergeUnrelated(t *testing.T) {
	for _, m := range []proto.Message{&eventv1.StockChanged{Stock: 1}, &eventv1.CancellationRefused{}} {
		entry := &mypagev1.Entry{}
		if merge(entry, m, time.Unix(1, 0)) || !proto.Equal(entry, &mypagev1.Entry{}) {
			t.Errorf("%T makes %v", m, entry)
		}
	}
}
