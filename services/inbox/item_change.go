package inbox

import (
	"cmp"
	"time"
)

// IsLater reports whether a delivery is of a later alert than the last one of the item: by the time
// at which it was accepted, and then by the id. Ids alone are not in order if several alert
// services assign them.
func (i Item) IsLater(d Item) bool {
	return cmp.Or(d.CreateTime.Compare(i.CreateTime), cmp.Compare(d.DeliveryID, i.DeliveryID)) > 0
}

// Changed returns the item after a later delivery of its incident. It is unread, and not
// archived, if a person must notice the change: the caller says so, the alert is more urgent
// than before, or it fires after a resolution. Otherwise a read item stays read.
func (i Item) Changed(by Item) Item {
	fires := !by.Resolved && !by.Acknowledged
	notice := by.Reply || fires && (i.Resolved || by.Rank < i.Rank)
	changed := by
	changed.ID, changed.StoreTime, changed.UpdateTime = i.ID, i.StoreTime, by.StoreTime
	changed.ReadTime, changed.Archived, changed.Reply = i.ReadTime, i.Archived, false
	if notice {
		changed.ReadTime, changed.Archived = time.Time{}, false
	}
	if !fires {
		changed.Rank = i.Rank
	}
	return changed
}
