// Package mypage is the service that shows customers what became of their reservations. Its view is
// made of the events of the other services and is kept in a NATS key-value bucket. It calls none of
// them, and can be rebuilt from the stream at any time.
package mypage

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"
	mypagev1 "github.com/bongsu-project/bongsu/gen/go/library/mypage/v1"
)

// merge merges an event into the entry of its reservation, and reports whether that changes it. The
// entry is the same in whatever order, and however often, the events are merged: states only
// advance, in the order of their numbers, and each is reached once.
func merge(entry *mypagev1.Entry, m proto.Message, at time.Time) bool {
	switch m := m.(type) {
	case *eventv1.Reserved:
		entry.ProductId = m.GetProductId()
		return reach(entry, mypagev1.EntryState_ENTRY_STATE_RESERVED, at)
	case *eventv1.OutOfStock:
		entry.ProductId, entry.Title = m.GetProductId(), cmp.Or(m.GetTitle(), entry.GetTitle())
		return reach(entry, mypagev1.EntryState_ENTRY_STATE_WAITING, at)
	case *eventv1.Held:
		entry.ProductId, entry.Title = m.GetProductId(), m.GetTitle()
		return reach(entry, mypagev1.EntryState_ENTRY_STATE_HELD, at)
	case *eventv1.Started:
		entry.ProductId, entry.Title, entry.DeliveryId = m.GetProductId(), m.GetTitle(), m.GetDeliveryId()
		return reach(entry, mypagev1.EntryState_ENTRY_STATE_STARTED, at)
	case *eventv1.Delivered:
		entry.DeliveryId = m.GetDeliveryId()
		return reach(entry, mypagev1.EntryState_ENTRY_STATE_DELIVERED, at)
	case *eventv1.Canceled:
		entry.ProductId = m.GetProductId()
		return reach(entry, mypagev1.EntryState_ENTRY_STATE_CANCELED, at)
	}
	return false
}

// reach notes that a state was reached, and reports whether that is new.
func reach(entry *mypagev1.Entry, state mypagev1.EntryState, at time.Time) bool {
	i, known := slices.BinarySearchFunc(entry.GetChanges(), state, func(c *mypagev1.Change, s mypagev1.EntryState) int {
		return cmp.Compare(c.GetState(), s)
	})
	if known {
		return false
	}
	entry.Changes = slices.Insert(entry.GetChanges(), i, &mypagev1.Change{State: state, Time: timestamppb.New(at)})
	entry.State = max(entry.GetState(), state)
	return true
}
